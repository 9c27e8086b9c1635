#pragma once

#include "runtime/base/result.hpp"
#include "runtime/graph/task_graph.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <vector>

namespace troupe {

/// Tasks that fail and restart together, because rows move between them while they run.
struct Region {
  std::vector<TaskId> tasks;  ///< producers before consumers
  /// The slots that it takes: one slot runs one subtask of every stage of the region.
  std::uint32_t width = 1;
};

/// A task at the other end of one of a task's edges: it makes rows for it, or reads its rows.
struct Neighbour {
  std::uint32_t edge = 0;
  TaskId task;
};

/// A task graph, seen task by task. Immutable; made once a run.
///
/// Regions are sets of tasks, not of stages: tasks that pipelined edges connect. Four subtasks
/// without an exchange between them are four regions, and a lost one restarts alone. `troupe
/// explain` shows the same regions that a run restarts.
class TaskTopology {
 public:
  /// Fails for a graph that could never run: two regions that wait for each other.
  static Result<TaskTopology> make(TaskGraph graph);

  const TaskGraph& graph() const { return graph_; }
  const std::vector<Region>& regions() const { return regions_; }  ///< producers first
  std::size_t region_of(TaskId task) const { return region_of_.at(task); }
  /// Reads a source that is a stream.
  bool reads_stream(TaskId task) const;
  /// Its region has such a task: it takes part in the epochs of its run.
  bool streams(TaskId task) const { return streams_.contains(region_of(task)); }
  /// The regions of all subtasks of the stage, ascending.
  std::set<std::size_t> regions_of(StageId stage) const;
  const std::map<TaskId, std::size_t>& tasks() const { return region_of_; }
  /// Producers of the in-edges, consumers of the out-edges of a task; by edge, then subtask.
  const std::vector<Neighbour>& producers(TaskId task) const { return producers_.at(task); }
  const std::vector<Neighbour>& consumers(TaskId task) const { return consumers_.at(task); }
  bool blocking(const Neighbour& neighbour) const { return graph_.edges[neighbour.edge].blocking; }

 private:
  TaskTopology() = default;
  void find_neighbours();
  void find_regions();
  void find_streams();
  Result<> order_regions();

  TaskGraph graph_;
  std::vector<Region> regions_;
  std::set<std::size_t> streams_;  ///< regions
  std::map<TaskId, std::size_t> region_of_;
  std::map<TaskId, std::vector<Neighbour>> producers_;
  std::map<TaskId, std::vector<Neighbour>> consumers_;
};

}  // namespace troupe
