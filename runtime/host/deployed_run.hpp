#pragma once

#include "runtime/data/memory_share.hpp"
#include "runtime/exec/task_builder.hpp"
#include "runtime/os/memory.hpp"
#include "runtime/protocol/messages.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace troupe {

class Planner;

/// What all tasks of one run share on one node: the graph derived from its plan, its sources and
/// sinks, its memory. Made from the first task that is deployed; safe from any thread.
class DeployedRun {
 public:
  /// Derives the graph: may read nothing but the plan, yet takes milliseconds; for the I/O pool.
  static Result<std::shared_ptr<DeployedRun>> make(const DeployTask& deploy, Planner& planner);
  /// Of a graph that is derived already.
  static std::shared_ptr<DeployedRun> of(std::shared_ptr<const TaskGraph> graph,
                                         std::int64_t memory_bytes);

  /// Splits are not in it: each task is deployed with its own.
  const TaskGraph& graph() const { return *graph_; }
  const std::shared_ptr<MemoryBudget>& memory() const { return memory_; }
  /// The source and sink of a stage, made at the first call.
  Result<StageObjects> objects(StageId stage);

 private:
  DeployedRun(std::shared_ptr<const TaskGraph> graph, std::int64_t memory_bytes)
      : graph_(std::move(graph)),
        memory_(std::make_shared<MemoryBudget>(reservable(memory_bytes))),
        allocator_(memory_bytes) {}

  const std::shared_ptr<const TaskGraph> graph_;
  const std::shared_ptr<MemoryBudget> memory_;
  const AllocatorLimit allocator_;
  std::mutex mutex_;
  std::map<StageId, StageObjects> objects_;
};

}  // namespace troupe
