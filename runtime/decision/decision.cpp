#include "runtime/decision/decision.hpp"

#include <algorithm>
#include <iterator>

namespace troupe {

Effects Decision::take() {
  if (records_.empty()) return std::exchange(effects_, {});
  Effects all;
  all.push_back(effect::Persist{std::exchange(records_, {})});
  std::move(effects_.begin(), effects_.end(), std::back_inserter(all));
  effects_.clear();
  return all;
}

}  // namespace troupe
