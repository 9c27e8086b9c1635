#pragma once

#include "runtime/base/time.hpp"

#include <cstddef>
#include <optional>
#include <set>

namespace troupe {

/// How often work of a run was undone, and how long it takes until all of it is done again.
class Recovery {
 public:
  void on_restart() { ++restarts_; }
  /// The region was finished or at work, and has to run again.
  void on_undone(std::size_t region, Instant now);
  /// The region has finished. If it was the last one that had to run again, how long all took.
  std::optional<Duration> on_done(std::size_t region, Instant now);

  std::size_t restarts() const { return restarts_; }
  /// The longest time from a failure to the moment when all the work it undid was done again.
  std::optional<Duration> longest() const { return longest_; }

 private:
  std::size_t restarts_ = 0;
  std::set<std::size_t> undone_;
  Instant since_ = {};  ///< while any is undone
  std::optional<Duration> longest_;
};

}  // namespace troupe
