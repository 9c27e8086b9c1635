#pragma once

#include "runtime/cluster/placement.hpp"
#include "runtime/decision/decision.hpp"
#include "runtime/graph/task_topology.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace troupe {

/// What is known of the current attempt of a task.
struct TaskStatus {
  Attempt attempt;  ///< 0: none yet, or the last one is over
  NodeId node;
  Incarnation incarnation;
  AttemptState state = AttemptState::deploying;
  bool ready = false;    ///< its executor says so; not recorded, asked for again after a failover
  bool missing = false;  ///< finished, but what it kept is not on its node any more
  std::uint32_t attempts = 0;
  std::string over = {};  ///< why its last attempt is, where it begins again; not recorded
  AttemptResultRecord result = {};
  TaskCounters counters = {};

  /// Deploying or running.
  bool active() const;
  bool finished() const;
};

/// The attempts of a run's tasks: which one counts, and which ones, counting no more, may still
/// write because their nodes have not said that they stopped.
///
/// Owned by its `Run`. Every change is a row of the decision at hand.
///
/// Invariant: attempt numbers only grow, and at most one attempt of a task counts.
/// Invariant: an attempt that stops counting while it may run is in `stopping` until its node says
/// that it has stopped; if the node goes first, the node is in `away`.
class Attempts {
 public:
  Attempts(const RunRecord& made, Decision& decision);

  /// From the rows, as an earlier leader left them.
  void restore(const std::vector<AttemptImage>& rows, const ClusterView& cluster);
  /// From here on every task of the plan has a status, also one that was never tried.
  void name_tasks(const TaskTopology& topology);

  const std::map<TaskId, TaskStatus>& tasks() const { return tasks_; }
  TaskStatus& at(TaskId task) { return tasks_.at(task); }
  const TaskStatus& at(TaskId task) const { return tasks_.at(task); }
  /// The status of the task if this is its current attempt, else null.
  TaskStatus* current(const AttemptKey& key);
  Attempt last() const { return last_; }
  const std::set<NodeId>& nodes_used() const { return nodes_used_; }

  // An attempt that counts.
  void begin(TaskId task, const ClusterNode& node);
  void run(TaskId task);
  /// False if it made other rows than the task's last finished attempt.
  bool win(const TaskFinished& report);
  void fail(TaskId task, const std::string& why);

  // An attempt that does not count any more.
  void supersede(TaskId task, const std::string& why, const ClusterView& cluster);
  /// Records all active attempts as killed. Telling their nodes, and waiting for them, is up to the
  /// caller.
  void kill_all(const ClusterView& cluster);
  /// Its node holds an attempt that does not count: tells it to stop, and waits until it has.
  void stop_held(const AttemptKey& key, const NodeProcess& where);
  /// Tells every attempt that has to stop so once more.
  void stop_all(const std::string& why);
  void on_stopped(const AttemptKey& key) { stopping_.erase(key); }
  /// The process is out of reach: attempts that have to stop there may still write.
  void on_lost(const NodeProcess& node);
  /// The process, or a later one of that node, has said what it holds. What it does not hold has
  /// stopped.
  void on_listed(const NodeProcess& node, const std::set<AttemptKey>& held);

  bool any_stopping() const { return !stopping_.empty(); }
  const std::set<NodeProcess>& away() const { return away_; }

  // What is said to an attempt's node.
  Token token(TaskId task, Attempt attempt) const;
  void start(TaskId task);
  void snapshot(TaskId task, Epoch epoch, Epoch published, bool hold);
  void end_sources(TaskId task);
  void cancel(const AttemptKey& key, const NodeProcess& where, const std::string& why);
  void acknowledge(const AttemptKey& key, const NodeProcess& where);

 private:
  void move(TaskId task, TaskStatus& status, AttemptState to, const std::string& why = "");
  void expect_stop(const AttemptKey& key, const TaskStatus& status, const ClusterView& cluster);

  RunId run_;
  Attempt run_attempt_;
  Decision& decision_;
  std::map<TaskId, TaskStatus> tasks_;
  Attempt last_;
  std::set<NodeId> nodes_used_;
  /// The outputs of a task's last finished attempt. Readers that ran have read those.
  std::map<TaskId, std::vector<OutputSummary>> last_outputs_;
  std::map<AttemptKey, NodeProcess> stopping_;
  std::set<NodeProcess> away_;
};

}  // namespace troupe
