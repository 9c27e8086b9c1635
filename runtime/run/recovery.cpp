#include "runtime/run/recovery.hpp"

#include <algorithm>

namespace troupe {

void Recovery::on_undone(std::size_t region, Instant now) {
  if (undone_.empty()) since_ = now;
  undone_.insert(region);
}

std::optional<Duration> Recovery::on_done(std::size_t region, Instant now) {
  if (undone_.erase(region) == 0 || !undone_.empty()) return {};
  longest_ = std::max(longest_.value_or(Duration::zero()), now - since_);
  return now - since_;
}

}  // namespace troupe
