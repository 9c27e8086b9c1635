#pragma once

#include "runtime/base/log.hpp"
#include "runtime/base/restart_policy.hpp"
#include "runtime/cluster/placement.hpp"
#include "runtime/decision/effects.hpp"
#include "runtime/graph/task_topology.hpp"
#include "runtime/os/random.hpp"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace troupe {

/// What a `JobMachine` is told. Reports come with their cluster and incarnation checked.
namespace job_event {

struct Planned {
  TaskGraph graph;  ///< with splits
};
struct PlanFailed {
  Error error;
};
struct Ready {
  NodeId node;
  Incarnation incarnation;
  AttemptKey key;
};
struct Finished {
  NodeId node;
  Incarnation incarnation;
  TaskFinished report;
};
struct Failed {
  NodeId node;
  Incarnation incarnation;
  TaskFailed report;
};
struct Stopped {
  AttemptKey key;
};
struct Progress {
  NodeId node;
  Incarnation incarnation;
  TaskProgress report;
};
/// What a node holds of this run. It took no new tasks since it was asked.
struct Listed {
  NodeId node;
  Incarnation incarnation;
  std::vector<HeldTask> held;
};
struct NodeLost {
  NodeId node;
  Incarnation incarnation;
  std::string reason;
};
struct SinkCommitted {
  std::string vertex;
};
struct SinkCommitFailed {
  std::string vertex;
  Error error;
};
struct Cancel {
  std::string by;
};
/// An `effect::Continue` of this run came due: all before it is durable.
struct Continued {};
/// A deadline has passed, or slots may have become free.
struct Tick {};

}  // namespace job_event

using JobEvent =
    std::variant<job_event::Planned, job_event::PlanFailed, job_event::Ready, job_event::Finished,
                 job_event::Failed, job_event::Stopped, job_event::Progress, job_event::Listed,
                 job_event::NodeLost, job_event::SinkCommitted, job_event::SinkCommitFailed,
                 job_event::Cancel, job_event::Continued, job_event::Tick>;

/// A sink that cannot be committed now is tried again so often, so long apart; then the run halts.
inline constexpr std::uint32_t commit_attempts_max = 8;
inline constexpr Duration commit_retry_delay = 500ms;

/// "1 row", "7 rows".
std::string count_of(std::int64_t count, const char* noun);
/// "312 ms", "1.3 s": for people who read the event log.
std::string in_words(Duration duration);

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
};

/// The life of one run, from its row to its commit.
///
/// Owned by the coordinator, one a run that has not ended. Pure. It decides what its TASKS do, one
/// region at a time:
///
///    waiting --(blocking inputs are kept somewhere, slots are free)--> deploying: rows of the
///    attempts, then DeployTask, consumers first --(all READY)--> running: rows, then StartTask
///    --(all FINISHED)--> finished
///    any of them --(a task failed, its node was lost, what it reads was lost)--> waiting
///
/// and what becomes of the run:
///
///    QUEUED -> STARTING -> RUNNING <-> RESTARTING -> FINISHING -> SUCCEEDED
///                 |           +-> CANCELLING -> CANCELLED   +-> HALTED
///                 +-----------+-> FAILED, with one cause
///
/// The commit: all tasks FINISHED; manifest row; epoch STARTED -> PUBLISHED, **the commit point**;
/// every sink commits by its marker; COMMITTED and SUCCEEDED in one row change.
///
/// Made from a `RunImage`, so a new leader goes on where the rows say: a published epoch is
/// committed before anything else, tasks that their nodes still hold go on, others begin again.
///
/// One event is one transaction: all rows it changes stand in one Persist, before all its effects.
/// Invariant: at most one attempt of a task can win; a report of another one changes nothing.
/// Invariant: when the run finishes, every task has read, of each kept input, the winning attempt
/// or one with the same rows.
/// Invariant: nothing is committed before PUBLISHED is durable, and only what its manifest names.
/// Invariant: an ended run never leaves its state.
class JobMachine {
 public:
  explicit JobMachine(RunImage image);

  /// Once, first.
  Effects start(ClusterView& cluster, Instant now);
  /// `cluster`: its slots in use are kept up to date here as they are taken and given back.
  Effects on(const JobEvent& event, ClusterView& cluster, Instant now);

  /// When a Tick is due.
  std::optional<Instant> next_deadline() const;
  RunId run() const { return image_.made.run; }
  const RunRecord& made() const { return image_.made; }
  const std::shared_ptr<const std::string>& encoded_plan() const { return image_.plan; }
  RunState state() const { return image_.state; }
  const std::optional<Error>& cause() const { return image_.cause; }
  /// Ended, and no task of it is known to run: this machine is not needed any more.
  bool done() const { return ended(image_.state) && stopping_.empty(); }
  /// Ended, and nothing of it needs to be kept anywhere.
  bool releases() const { return ended(image_.state) && image_.state != RunState::halted; }
  /// Slots that its regions take, by node.
  const std::map<NodeId, std::uint32_t>& slots_held() const { return slots_held_; }
  const std::map<TaskId, TaskStatus>& tasks() const { return tasks_; }
  const TaskTopology* topology() const { return topology_.get(); }
  Attempt last_attempt() const { return last_attempt_; }
  std::size_t restarts() const { return restarts_; }
  /// The longest time from a failure to the moment when all the work it undid was done again.
  std::optional<Duration> longest_recovery() const { return longest_recovery_; }
  const std::set<NodeId>& nodes_used() const { return nodes_used_; }

 private:
  enum class RegionState { waiting, deploying, running, finished };
  struct RegionStatus {
    RegionState state = RegionState::waiting;
    Instant not_before = {};
    bool restarted = false;         ///< the run is RESTARTING because of it
    std::vector<NodeId> slots;      ///< while it is deploying or running
    std::set<NodeProcess> avoided;  ///< where it failed, or what it kept was lost, by their fault
  };

  void handle(const job_event::Planned&);
  void handle(const job_event::PlanFailed&);
  void handle(const job_event::Ready&);
  void handle(const job_event::Finished&);
  void handle(const job_event::Failed&);
  void handle(const job_event::Stopped&);
  void handle(const job_event::Progress&);
  void handle(const job_event::Listed&);
  void handle(const job_event::NodeLost&);
  void handle(const job_event::SinkCommitted&);
  void handle(const job_event::SinkCommitFailed&);
  void handle(const job_event::Cancel&);
  void handle(const job_event::Continued&);
  void handle(const job_event::Tick&);

  // Beginning (job_recovery.cpp): from the image to where it stood.
  void adopt_image();
  void plan();
  void restore_regions();
  void restore_region(std::size_t region);
  void replay_early();

  // Regions (job_regions.cpp).
  void advance();
  void rerun_lost_producers();
  bool inputs_kept(std::size_t region) const;
  bool kept(TaskId producer) const;
  bool lost(TaskId producer) const;
  void deploy(std::size_t region, std::vector<NodeId> slots);
  DeployTask deployment(TaskId task) const;
  EdgePeers& peers_of(std::vector<EdgePeers>& edges, std::uint32_t edge) const;
  void start_if_ready(std::size_t region);
  void finish_if_done(std::size_t region);
  /// The attempts of this region do not count any more; it waits until `not_before`.
  void reset(std::size_t region, Instant not_before, const std::string& why);
  void reset_readers(TaskId producer, bool finished_too, const std::string& why);
  /// Regions at work that have a task on, or read from, what is gone.
  std::set<std::size_t> disturbed(const std::set<TaskId>& gone) const;
  void retry(const std::set<std::size_t>& regions, FailureClass failure, const Error& cause);
  void begin_again(const std::set<std::size_t>& regions, const RestartDecision& decision,
                   FailureClass failure, const Error& cause);
  /// A task of the region failed there for want of something: it goes elsewhere.
  RestartDecision after_shortage(std::size_t region, const NodeProcess& node, FailureClass failure);
  void note_lost_inputs(const TaskFailed& report);
  void blame(const NodeProcess& node, const std::string& reason);
  void hold_slots(RegionStatus& region, std::vector<NodeId> slots);
  void release_slots(RegionStatus& region);
  void note_running();
  bool at_work(std::size_t region) const;

  // The end (job_commit.cpp).
  void finish();
  void publish();
  void commit_sinks();
  void commit_sink(const SinkPart& part);
  void fail_run(Error cause);
  void end(RunState state, std::optional<Error> cause = {});
  void say_how_it_ended(RunState state, const std::optional<Error>& cause);
  void kill_tasks();
  void finish_stopping();

  Effects decided();
  bool working() const;
  TaskStatus* current(const AttemptKey& key);
  static bool active(const TaskStatus& task);
  Token token(TaskId task, Attempt attempt) const;
  void set_state(RunState to, std::optional<Error> cause = {});
  void set_attempt(TaskId task, TaskStatus& status, AttemptState to, const std::string& why = "");
  void expect_stop(TaskId task, const TaskStatus& status);
  void cancel(const AttemptKey& key, const NodeId& node, Incarnation incarnation,
              const std::string& why);
  void acknowledge(const AttemptKey& key, const NodeId& node, Incarnation incarnation);
  void persist(Record record);
  void effect(Effect effect);
  void send(const NodeId& node, Incarnation incarnation, Command command);
  void say(log::Level level, std::string text);

  RunImage image_;
  RestartPolicy policy_;
  Random random_;
  ClusterView* cluster_ = nullptr;  ///< only during `on`
  Instant now_;
  Instant advanced_at_ = {};  ///< when `advance` last looked at every region

  std::unique_ptr<TaskTopology> topology_;
  std::vector<JobEvent> early_;  ///< reports that came before the topology
  bool replaying_ = false;       ///< and are being handled now
  std::map<TaskId, TaskStatus> tasks_;
  std::vector<RegionStatus> regions_;
  std::map<NodeId, std::uint32_t> slots_held_;
  std::set<NodeId> nodes_used_;
  /// Nodes whose faults have cost this run a restart already.
  std::set<NodeProcess> charged_;
  Attempt last_attempt_;
  std::size_t restarts_ = 0;
  std::optional<Instant> began_;  ///< unknown where an earlier leader began it
  std::optional<Instant> recovering_since_;
  std::set<std::size_t> undone_;  ///< regions that have to finish again before it is over
  std::optional<Duration> longest_recovery_;
  /// What a task kept when it last finished: what its readers, if they ran, have read.
  std::map<TaskId, std::vector<OutputSummary>> last_outputs_;

  /// Attempts that were told to stop and have not said that they did.
  std::map<AttemptKey, NodeProcess> stopping_;
  /// Processes out of reach that may still write for it: some attempt there was never heard to
  /// stop.
  std::set<NodeProcess> away_;
  std::optional<Instant> plan_again_at_;
  struct SinkCommit {
    bool committed = false;
    std::uint32_t failures = 0;
    std::optional<Instant> again_at;
  };
  std::map<std::string, SinkCommit> commits_;
  bool cleaned_up_ = false;

  Effects out_;                  ///< of the event at hand
  std::vector<Record> records_;  ///< likewise
};

}  // namespace troupe
