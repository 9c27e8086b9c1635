#pragma once

#include "runtime/base/time.hpp"

#include <cstddef>
#include <deque>
#include <optional>
#include <string>

namespace troupe {

/// So many faults of one node within the window, and it rests.
inline constexpr std::size_t node_faults_max = 3;
inline constexpr Duration node_fault_window = 1min;
/// How long it rests: the first time, and at most. Each time in a row is twice as long.
inline constexpr Duration node_rest_min = 10s;
inline constexpr Duration node_rest_max = 10min;

/// Decides whether a member of the cluster is given work. Failures by its own fault (a full disk,
/// no memory, a kept file that is gone) count against it, and time heals.
///
///     trusted --(node_faults_max within the window)--> resting
///     resting --(its time is over)--> on trial: one slot
///     on trial --(one fault)--> resting, twice as long
///     on trial --(as long again without one)--> trusted
///
/// A resting node's tasks go on, and what it keeps is read: a full disk can still be read. Only the
/// leader's memory has this: the next leader has to find out again, at the cost of a few attempts.
class NodeHealth {
 public:
  /// True if the node rests from now on.
  bool on_fault(Instant now, std::string reason);
  /// True if it is given work again from now on.
  bool on_tick(Instant now);

  bool resting() const { return state_ == State::resting; }
  bool on_trial() const { return state_ == State::on_trial; }
  /// When a tick changes something.
  std::optional<Instant> next_deadline() const;
  Duration rest() const { return rest_; }
  /// Of the last fault; "" where it is trusted.
  const std::string& reason() const { return reason_; }

 private:
  enum class State { trusted, resting, on_trial };
  State state_ = State::trusted;
  std::deque<Instant> faults_;  ///< while trusted
  Duration rest_ = {};
  Instant until_ = {};
  std::string reason_;
};

}  // namespace troupe
