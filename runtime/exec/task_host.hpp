#pragma once

#include "runtime/base/time.hpp"

#include <functional>

namespace troupe {

/// What a task needs of the shell that runs it. Outlives the task; all calls return at once.
class TaskHost {
 public:
  virtual ~TaskHost() = default;
  /// Any thread. `Task::run` is called soon after. Wakes that arrive before that run are one run; a
  /// wake that arrives during a run is never lost: another run follows.
  virtual void wake() = 0;
  /// From within a run of the task: it is woken at that time, if nothing does before. Whatever
  /// wakes it first, what it waits for beyond that it asks for again. Of several times the earliest
  /// counts.
  virtual void wake_at(Instant time) = 0;
  /// Any thread. Runs `work` on a thread that may block. The work wakes the task itself.
  virtual void offload(std::function<void()> work) = 0;
};

}  // namespace troupe
