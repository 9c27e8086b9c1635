#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/base/time.hpp"

#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace troupe {

/// Which runs want to be told the time, and when: at hand, however many runs there are.
class Deadlines {
 public:
  /// None: this run waits for something else.
  void set(RunId run, std::optional<Instant> at) {
    if (const auto known = of_run_.extract(run)) by_time_.erase({known.mapped(), run});
    if (!at) return;
    of_run_.emplace(run, *at);
    by_time_.emplace(*at, run);
  }
  std::optional<Instant> first() const {
    if (by_time_.empty()) return {};
    return by_time_.begin()->first;
  }
  std::vector<RunId> due(Instant now) const {
    std::vector<RunId> runs;
    for (const auto& [at, run] : by_time_) {
      if (at > now) break;
      runs.push_back(run);
    }
    return runs;
  }

 private:
  std::set<std::pair<Instant, RunId>> by_time_;
  std::map<RunId, Instant> of_run_;
};

}  // namespace troupe
