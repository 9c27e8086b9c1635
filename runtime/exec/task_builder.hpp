#pragma once

#include "runtime/exec/router.hpp"
#include "runtime/exec/task.hpp"
#include "runtime/graph/task_graph.hpp"
#include "runtime/operator/sink.hpp"
#include "runtime/operator/source.hpp"
#include "runtime/protocol/task_snapshot.hpp"

#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// The source and the sink of a stage on one node, made once and shared by its subtasks.
struct StageObjects {
  std::shared_ptr<Source> source;
  std::shared_ptr<Sink> sink;

  static Result<StageObjects> make(const Stage& stage);
};

/// Everything that one attempt of a task is given besides the plan.
struct TaskSite {
  TaskId task;
  std::shared_ptr<TaskHost> host;
  std::shared_ptr<MemoryBudget> memory;
  std::string scratch_directory;
  FileSystem* files = nullptr;  ///< what it is on
  std::string sink_tag;
  std::string sink_marker;
  std::string sink_staging = {};  ///< empty: as the marker
  /// How it takes part in epochs. If it does, the other three are set: where its state files are,
  /// how the names of all that it makes begin, which are unique for ever, and whose disk that is.
  EpochRole epochs = {};
  std::string state_directory = {};
  std::string state_name = {};
  std::vector<NodeId> state_nodes = {};
  std::vector<Split> splits;  ///< of this subtask, where the stage reads a source
  /// The consumer's ends, by edge into this stage, in the order of `edges_into`.
  std::vector<std::vector<std::unique_ptr<ChannelReceiver>>> receivers;
  /// The producer's ends, by edge out of this stage, in the order of `edges_out_of`.
  std::vector<std::vector<std::unique_ptr<ChannelSender>>> senders;
};

/// Edges into and out of a stage, in the order of the graph.
std::vector<const TaskEdge*> edges_into(const TaskGraph& graph, StageId stage);
std::vector<const TaskEdge*> edges_out_of(const TaskGraph& graph, StageId stage);
/// The producer subtasks that have a channel to this subtask, and the consumer subtasks that one
/// has a channel to: all of them, or the same subtask where the edge is `forward`.
std::vector<std::uint32_t> producers_of(const TaskGraph& graph, const TaskEdge& edge,
                                        std::uint32_t consumer);
std::vector<std::uint32_t> consumers_of(const TaskGraph& graph, const TaskEdge& edge,
                                        std::uint32_t producer);

/// Makes the operators of one subtask and joins them to its channels, splits and sink. Does not
/// block.
Result<std::unique_ptr<Task>> build_task(const TaskGraph& graph, TaskSite site,
                                         const StageObjects& objects, const Clock& clock);

}  // namespace troupe
