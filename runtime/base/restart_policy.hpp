#pragma once

#include "runtime/base/failure_class.hpp"
#include "runtime/base/time.hpp"

#include <cstdint>
#include <deque>
#include <string>

namespace troupe {

struct RestartLimits {
  std::uint32_t attempts = 10;  ///< within `window`; one more escalates
  Duration window = 10min;
  Duration initial_delay = 200ms;
  Duration max_delay = 30s;
};

struct RestartDecision {
  bool restart = false;
  Duration delay = {};  ///< before the restart
  std::string reason;   ///< if it does not restart: why not
};

/// Decides whether a failed thing restarts, and when. Pure: the supervisor hands in time and
/// chance, and carries the decision out. One policy per supervised thing; nested supervisors
/// escalate instead of multiplying their attempts.
///
/// - A user error, a poison record and lost state never restart.
/// - A lost node is nobody's fault: it restarts at once (somewhere else), and this does not count.
///   After more of them than `limits.attempts` in the window it waits, at first as long as others
///   do at first.
/// - After a faulty node it restarts at once, but this counts.
/// - Others wait: `initial_delay`, doubled for each failure in the window, at most `max_delay`,
///   of which a random half is taken off so that many do not come back together.
/// Invariant: at most `limits.attempts` restarts that count within any `limits.window`.
class RestartPolicy {
 public:
  explicit RestartPolicy(RestartLimits limits) : limits_(limits) {}

  /// `chance`: any random number.
  RestartDecision on_failure(FailureClass failure, Instant now, std::uint64_t chance);

  std::size_t restarts_in_window() const { return restarts_.size(); }

 private:
  RestartDecision on_lost_node(Instant now, std::uint64_t chance);

  RestartLimits limits_;
  std::deque<Instant> restarts_;
  std::deque<Instant> lost_;  ///< nodes
};

}  // namespace troupe
