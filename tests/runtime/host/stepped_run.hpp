#pragma once

#include "runtime/host/local_plan.hpp"
#include "runtime/os/random.hpp"
#include "tests/runtime/exec/fakes.hpp"

#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace troupe {

/// A clock that moves when told.
class StillClock : public Clock {
 public:
  Instant now() const override { return time; }
  WallTime wall() const override { return {}; }
  Instant time{};
};

/// Runs a graph in one thread: what runs next, a woken task or a piece of offloaded work, is chosen
/// by chance, so a seed is an interleaving. A run that is not finished and has nothing to do is
/// stuck: a wake was lost, or tasks wait for each other.
class SteppedRun {
 public:
  SteppedRun(const TaskGraph& graph, std::uint64_t seed, LocalPlanOptions options = {});

  /// One choice; false: nothing can run.
  bool step();
  /// Until nothing can run. The number of steps.
  int run();
  bool finished() const { return plan_.tasks.empty(); }
  /// The failures of all tasks, first come first.
  const std::vector<Error>& errors() const { return errors_; }
  /// Cancels what still runs.
  void cancel();
  /// Commits what was staged, as a supervisor does.
  void commit();
  Task& task(TaskId id) { return *plan_.tasks.at(id); }

 private:
  bool run_task(TaskId id);

  OneThread thread_;
  StillClock clock_;
  Random random_;
  std::map<TaskId, std::shared_ptr<ManualHost>> hosts_;
  LocalPlan plan_;
  std::map<StageId, std::vector<Committable>> staged_;
  std::vector<Error> errors_;
};

}  // namespace troupe
