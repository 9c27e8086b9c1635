#pragma once

#include <functional>

namespace troupe {

/// What a task needs of the shell that runs it. Outlives the task; both calls are safe from any
/// thread and return at once.
class TaskHost {
 public:
  virtual ~TaskHost() = default;
  /// `Task::run` is called soon after. Wakes that arrive before that run are one run; a wake that
  /// arrives during a run is never lost: another run follows.
  virtual void wake() = 0;
  /// Runs `work` on a thread that may block. The work wakes the task itself.
  virtual void offload(std::function<void()> work) = 0;
};

}  // namespace troupe
