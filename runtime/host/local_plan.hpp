#pragma once

#include "runtime/exec/task_builder.hpp"
#include "runtime/os/file_system.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace troupe {

struct LocalPlanOptions {
  RunId run = RunId(1);
  std::int64_t memory_bytes = std::int64_t{4} << 30;
  std::string scratch_directory = "/tmp";
  ChannelLimits channel = {};
  FileSystem* files = nullptr;  ///< what that is on
  std::map<std::string, Tap> taps = {};
};

/// All tasks of a graph in one process, joined by channels and ready to run. Consumers of a
/// blocking edge wait until their producers have ended.
struct LocalPlan {
  using MakeHost = std::function<std::shared_ptr<TaskHost>(TaskId)>;

  static Result<LocalPlan> make(const TaskGraph& graph, const MakeHost& make_host,
                                const LocalPlanOptions& options, const Clock& clock);

  /// What a sink of this stage commits under.
  std::string marker(StageId stage) const;

  RunId run;
  std::string scratch_directory;  ///< of the run; to be removed after it
  FileSystem* files = nullptr;    ///< what it is on
  std::map<StageId, StageObjects> objects;
  std::map<TaskId, std::unique_ptr<Task>> tasks;
};

}  // namespace troupe
