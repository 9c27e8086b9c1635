#pragma once

#include "actors/system/actor_system.hpp"
#include "runtime/graph/task_graph.hpp"
#include "runtime/os/file_system.hpp"
#include "runtime/protocol/counters.hpp"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace troupe {

struct LocalRunOptions {
  std::int64_t memory_bytes = std::int64_t{4} << 30;
  /// Where tasks may put files of their own; removed afterwards.
  std::string scratch_directory = "/tmp";
  FileSystem* files = nullptr;  ///< what that is on
  /// Vertices whose rows are wanted: the output of an operator, the input of a sink.
  std::set<std::string> collect = {};
  /// False: sinks stage their rows and nothing is made visible (tests in the file).
  bool commit = true;
  /// Unique among all runs that use the same sinks.
  RunId run = RunId(1);
};

struct LocalRunResult {
  std::optional<Error> error;  ///< the first failure; none: all sinks are committed
  std::map<std::string, std::vector<Batch>> collected;
  std::map<std::string, VertexCounters> vertices;  ///< summed over subtasks
  std::map<TaskId, TaskCounters> tasks;
  Duration elapsed{};
};

/// Runs a graph (planned, splits assigned) on the actors of this process, and waits for its end.
/// `stop` (may be null) cancels the run when it becomes true. Blocks; not for actors.
LocalRunResult run_local(ActorSystem& system, std::shared_ptr<const TaskGraph> graph,
                         const LocalRunOptions& options, const std::atomic<bool>* stop = nullptr);

}  // namespace troupe
