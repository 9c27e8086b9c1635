#pragma once

#include "runtime/base/failure_class.hpp"
#include "runtime/base/fields.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"
#include "runtime/graph/task_graph.hpp"
#include "runtime/operator/sink.hpp"
#include "runtime/operator/source.hpp"
#include "runtime/protocol/counters.hpp"
#include "runtime/protocol/task_snapshot.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace troupe {

/// The control messages between the coordinator and executors, as the machines see them. Commands
/// are imperative and fenced; reports are in the past tense and idempotent.
///
/// `schemas/job.capnp` is how they travel. A message names its schema, and the fields of its body;
/// all else follows from these (`message_codec.hpp`). Members called `token`, `cluster` and `term`
/// are no fields: they travel in the envelope.
namespace schema {
struct Joined;
struct JoinRefused;
struct Adopt;
struct DeployTask;
struct StartTask;
struct SnapshotTask;
struct EndSources;
struct CancelTask;
struct AckReport;
struct ReleaseRun;
struct DropSnapshots;
struct DoErrand;
struct JoinCluster;
struct TaskReady;
struct TaskSnapshotted;
struct SourcesEnded;
struct TaskFinished;
struct TaskFailed;
struct TaskStopped;
struct TaskProgress;
struct ErrandDone;
struct ErrandFailed;
struct Inventory;
}  // namespace schema

/// Messages with a member that travels in the envelope, not in the body.
template <class M>
concept CarriesToken = requires(const M& message) {
  message.token;
};
template <class M>
concept CarriesCluster = requires(const M& message) {
  message.cluster;
};
template <class M>
concept CarriesTerm = requires(const M& message) {
  message.term;
};

/// The fence of a command or report (protocols 1.5). In a command that is about no task, `task` and
/// `attempt` are empty. `incarnation` is always the executor's, also if the coordinator sends.
struct Token {
  ClusterId cluster;
  Term term;
  RunId run;
  Attempt run_attempt;
  TaskId task;
  Attempt attempt;
  Incarnation incarnation;
  std::uint64_t seq = 0;  ///< of commands: grows within a term

  friend bool operator==(const Token&, const Token&) = default;
};

/// Names one try of one task within a cluster, without the fence.
struct AttemptKey {
  RunId run;
  TaskId task;
  Attempt attempt;

  friend auto operator<=>(const AttemptKey&, const AttemptKey&) = default;
  friend bool operator==(const AttemptKey&, const AttemptKey&) = default;
};
inline AttemptKey key_of(const Token& token) { return {token.run, token.task, token.attempt}; }

/// One try of a task, and its node.
struct TaskPeer {
  TaskId task;
  Attempt attempt;
  NodeId node;

  static constexpr auto fields() {
    return std::tuple{field("task", &TaskPeer::task), field("attempt", &TaskPeer::attempt),
                      field("node", &TaskPeer::node)};
  }
  friend bool operator==(const TaskPeer&, const TaskPeer&) = default;
};

/// A node that a task talks to.
struct PeerNode {
  NodeId node;
  Incarnation incarnation;
  std::string address;

  static constexpr auto fields() {
    return std::tuple{field("node", &PeerNode::node), field("incarnation", &PeerNode::incarnation),
                      field("address", &PeerNode::address)};
  }
  friend bool operator==(const PeerNode&, const PeerNode&) = default;
};

/// The other ends of one edge of the task graph.
struct EdgePeers {
  std::uint32_t edge = 0;       ///< index in `TaskGraph::edges`
  std::vector<TaskPeer> peers;  ///< by subtask

  static constexpr auto fields() {
    return std::tuple{field("edge", &EdgePeers::edge), field("peers", &EdgePeers::peers)};
  }
  friend bool operator==(const EdgePeers&, const EdgePeers&) = default;
};

/// Rows of one partition of a blocking output, and a hash of them that does not depend on their
/// order: two attempts with equal summaries wrote the same rows.
struct PartitionSummary {
  std::int64_t rows = 0;
  std::uint64_t hash = 0;

  static constexpr auto fields() {
    return std::tuple{field("rows", &PartitionSummary::rows),
                      field("hash", &PartitionSummary::hash)};
  }
  friend bool operator==(const PartitionSummary&, const PartitionSummary&) = default;
};

/// The rows that a finished task keeps for one blocking edge, one partition per consumer subtask.
struct OutputSummary {
  std::uint32_t edge = 0;
  std::vector<PartitionSummary> partitions;

  static constexpr auto fields() {
    return std::tuple{field("edge", &OutputSummary::edge),
                      field("partitions", &OutputSummary::partitions)};
  }
  friend bool operator==(const OutputSummary&, const OutputSummary&) = default;
};

// ---- coordinator -> executor ---------------------------------------------------------------

/// You are a member, and your incarnation is durable: commands from now on are fenced by it.
struct Joined {
  using Schema = schema::Joined;
  ClusterId cluster;
  Term term;
  Incarnation incarnation;

  static constexpr auto fields() { return std::tuple{field("incarnation", &Joined::incarnation)}; }
};

/// You are not a member. If `highest` is set, your incarnation has ended: drop everything, and join
/// as a higher one than that.
struct JoinRefused {
  using Schema = schema::JoinRefused;
  Term term;
  Incarnation incarnation;  ///< the one that is refused
  Incarnation highest;
  std::string reason;

  static constexpr auto fields() {
    return std::tuple{field("incarnation", &JoinRefused::incarnation),
                      field("highest", &JoinRefused::highest),
                      field("reason", &JoinRefused::reason)};
  }
};

/// There is a new leader or a new session: list what you hold.
struct Adopt {
  using Schema = schema::Adopt;
  Token token;

  static constexpr auto fields() { return std::tuple{}; }
};

/// Build this task and say when it can take input. `plan` is `encode_plan` of the bound job;
/// every node derives the same TaskGraph from it and `target`.
struct DeployTask {
  using Schema = schema::DeployTask;
  Token token;
  RunUid run_uid;
  JobName job;
  std::shared_ptr<const std::string> plan;
  PlanTarget target;
  std::vector<Split> splits;
  std::vector<EdgePeers> inputs;   ///< producers of every in-edge; of blocking ones the winners
  std::vector<EdgePeers> outputs;  ///< consumers of every pipelined out-edge
  std::vector<PeerNode> nodes;     ///< of those peers
  std::int64_t memory_bytes = 0;
  EpochRole epochs;
  RunUid lineage;  ///< sinks and state are marked with it; empty: as `run_uid`

  const RunUid& marked_with() const { return lineage.value().empty() ? run_uid : lineage; }

  static constexpr auto fields() {
    return std::tuple{field("run_uid", &DeployTask::run_uid),
                      field("job", &DeployTask::job),
                      field("plan", &DeployTask::plan),
                      spread_field("target", &DeployTask::target),
                      field("splits", &DeployTask::splits),
                      field("inputs", &DeployTask::inputs),
                      field("outputs", &DeployTask::outputs),
                      field("nodes", &DeployTask::nodes),
                      field("memory_bytes", &DeployTask::memory_bytes),
                      field("epochs", &DeployTask::epochs),
                      field("lineage", &DeployTask::lineage)};
  }
};

/// All tasks of the region are READY: begin.
struct StartTask {
  using Schema = schema::StartTask;
  Token token;

  static constexpr auto fields() { return std::tuple{}; }
};

/// An epoch of the run ends here for the rows of this task's sources: hand over your state, and
/// send the barrier on. Tasks without sources get it through their channels.
struct SnapshotTask {
  using Schema = schema::SnapshotTask;
  Token token;
  Epoch epoch;
  Epoch published;    ///< the last one that is; 0: none
  bool hold = false;  ///< the sources take no more rows until the next one comes

  static constexpr auto fields() {
    return std::tuple{field("epoch", &SnapshotTask::epoch),
                      field("published", &SnapshotTask::published),
                      field("hold", &SnapshotTask::hold)};
  }
};

/// All sources of the run have come to their end, and this task, which has one, may end, too.
struct EndSources {
  using Schema = schema::EndSources;
  Token token;

  static constexpr auto fields() { return std::tuple{}; }
};

/// Stop, and drop what the attempt has kept. Also the answer to a report of a stale attempt.
struct CancelTask {
  using Schema = schema::CancelTask;
  Token token;
  std::string reason;

  static constexpr auto fields() { return std::tuple{field("reason", &CancelTask::reason)}; }
};

/// The report is durable; it need not be sent again.
struct AckReport {
  using Schema = schema::AckReport;
  Token token;

  static constexpr auto fields() { return std::tuple{}; }
};

/// The run has ended: delete its kept partitions, stop its tasks.
struct ReleaseRun {
  using Schema = schema::ReleaseRun;
  Token token;
  RunUid lineage;
  bool for_good = false;  ///< nothing goes on from its state: delete its state files, too

  static constexpr auto fields() {
    return std::tuple{field("lineage", &ReleaseRun::lineage),
                      field("for_good", &ReleaseRun::for_good)};
  }
};

/// No manifest names these state files any more, and nobody writes them: delete those that are
/// here, or in a directory that all nodes see. Not answered; what stays goes with its lineage.
struct DropSnapshots {
  using Schema = schema::DropSnapshots;
  Token token;
  RunUid lineage;
  std::vector<std::string> names;  ///< none: all there are
  std::string directory = {};      ///< where; empty: on the node's own disk

  static constexpr auto fields() {
    return std::tuple{field("lineage", &DropSnapshots::lineage),
                      field("names", &DropSnapshots::names),
                      field("directory", &DropSnapshots::directory)};
  }
};

/// Do this errand (`errand.hpp`), which any executor may do, also several at once. It comes in
/// parts, one after the other: what is committed may be larger than a frame.
struct DoErrand {
  using Schema = schema::DoErrand;
  Token token;
  std::uint64_t number = 0;  ///< of the errand, within the term
  std::uint32_t part = 0;
  std::uint32_t parts = 1;
  std::string content;  ///< this part of `encode_errand`

  static constexpr auto fields() {
    return std::tuple{field("number", &DoErrand::number), field("part", &DoErrand::part),
                      field("parts", &DoErrand::parts), field("content", &DoErrand::content)};
  }
};

using Command =
    std::variant<Joined, JoinRefused, Adopt, DeployTask, StartTask, SnapshotTask, EndSources,
                 CancelTask, AckReport, ReleaseRun, DoErrand, DropSnapshots>;

// ---- executor -> coordinator ---------------------------------------------------------------

/// Let me in: the first message of every session with a coordinator.
struct JoinCluster {
  using Schema = schema::JoinCluster;
  ClusterId cluster;  ///< empty: not known yet, any will do
  NodeId node;
  Incarnation incarnation;
  Term term_seen;  ///< the highest, of any leader
  std::string address;
  std::uint32_t slots = 0;

  static constexpr auto fields() {
    return std::tuple{field("node", &JoinCluster::node),
                      field("incarnation", &JoinCluster::incarnation),
                      field("term_seen", &JoinCluster::term_seen),
                      field("address", &JoinCluster::address), field("slots", &JoinCluster::slots)};
  }
};

struct TaskReady {
  using Schema = schema::TaskReady;
  Token token;

  static constexpr auto fields() { return std::tuple{}; }
};

/// The task has acknowledged an epoch: its state and what its sink has staged are durable. Not
/// repeated: an epoch of which an acknowledgement is lost is aborted, and the next one has it all.
struct TaskSnapshotted {
  using Schema = schema::TaskSnapshotted;
  Token token;
  Epoch epoch;
  TaskSnapshot snapshot;

  static constexpr auto fields() {
    return std::tuple{field("epoch", &TaskSnapshotted::epoch),
                      field("snapshot", &TaskSnapshotted::snapshot)};
  }
};

/// The sources of this task of a stream have come to their end. It stays, since epochs need it,
/// until it is told that all have (`EndSources`).
struct SourcesEnded {
  using Schema = schema::SourcesEnded;
  Token token;

  static constexpr auto fields() { return std::tuple{}; }
};

/// The only report that makes a task done. Re-sent until acknowledged.
struct TaskFinished {
  using Schema = schema::TaskFinished;
  Token token;
  std::vector<OutputSummary> outputs;  ///< of blocking edges
  std::string sink;                    ///< its vertex, if the chain ends in a sink
  std::vector<Committable> committables;
  TaskCounters counters;

  static constexpr auto fields() {
    return std::tuple{field("outputs", &TaskFinished::outputs), field("sink", &TaskFinished::sink),
                      field("committables", &TaskFinished::committables),
                      field("counters", &TaskFinished::counters)};
  }
};

/// Re-sent until acknowledged.
struct TaskFailed {
  using Schema = schema::TaskFailed;
  Token token;
  FailureClass failure = FailureClass::internal;
  Error error;
  std::vector<TaskPeer> lost_inputs;  ///< kept outputs that could not be read

  static constexpr auto fields() {
    return std::tuple{field("failure", &TaskFailed::failure),
                      spread_field("error", &TaskFailed::error),
                      field("lost_inputs", &TaskFailed::lost_inputs)};
  }
};

/// A cancelled attempt is over: it will never write again.
struct TaskStopped {
  using Schema = schema::TaskStopped;
  Token token;

  static constexpr auto fields() { return std::tuple{}; }
};

struct TaskProgress {
  using Schema = schema::TaskProgress;
  Token token;
  TaskCounters counters;

  static constexpr auto fields() { return std::tuple{field("counters", &TaskProgress::counters)}; }
};

/// The errand is done, durably. Not repeated: a coordinator that did not hear it asks somebody
/// again.
struct ErrandDone {
  using Schema = schema::ErrandDone;
  Token token;
  std::uint64_t number = 0;  ///< of the errand, within the term of the token

  static constexpr auto fields() { return std::tuple{field("number", &ErrandDone::number)}; }
};

/// The errand is not done, for this reason.
struct ErrandFailed {
  using Schema = schema::ErrandFailed;
  Token token;
  std::uint64_t number = 0;
  Error error;

  static constexpr auto fields() {
    return std::tuple{field("number", &ErrandFailed::number),
                      spread_field("error", &ErrandFailed::error)};
  }
};

/// `exhausted`: running, and its sources have come to their end.
enum class HeldState { deploying, ready, running, finished, failed, exhausted };
const char* to_string(HeldState state);
template <>
struct EnumOf<HeldState> {
  static constexpr auto last = HeldState::exhausted, unknown = HeldState::failed;
};

struct HeldTask {
  RunId run;
  Attempt run_attempt;
  TaskId task;
  Attempt attempt;
  Term term;  ///< of the leader who deployed it
  HeldState state = HeldState::deploying;

  static constexpr auto fields() {
    return std::tuple{field("run", &HeldTask::run),   field("run_attempt", &HeldTask::run_attempt),
                      field("task", &HeldTask::task), field("attempt", &HeldTask::attempt),
                      field("term", &HeldTask::term), field("state", &HeldTask::state)};
  }
  friend bool operator==(const HeldTask&, const HeldTask&) = default;
};
inline AttemptKey key_of(const HeldTask& held) { return {held.run, held.task, held.attempt}; }

/// The answer to Adopt. Reports that were not acknowledged yet follow it.
struct Inventory {
  using Schema = schema::Inventory;
  Incarnation incarnation;
  Term term_seen;               ///< the highest
  std::uint64_t adopt_seq = 0;  ///< `seq` of the Adopt: later deployments are not in here
  std::vector<HeldTask> held;
  std::vector<RunUid> snapshots;  ///< lineages of which there may be state files here

  static constexpr auto fields() {
    return std::tuple{field("incarnation", &Inventory::incarnation),
                      field("term_seen", &Inventory::term_seen),
                      field("adopt_seq", &Inventory::adopt_seq), field("held", &Inventory::held),
                      field("snapshots", &Inventory::snapshots)};
  }
};

using Report =
    std::variant<JoinCluster, TaskReady, TaskSnapshotted, SourcesEnded, TaskFinished, TaskFailed,
                 TaskStopped, TaskProgress, Inventory, ErrandDone, ErrandFailed>;

/// The fence of a report about a task; null for the two reports about the node.
const Token* token_of(const Report& report);
/// The fence of a command; null for the two about membership.
const Token* token_of(const Command& command);

/// The name under which a sink of this run stages and commits: "<run uid>/1/<vertex>". It is kept
/// with the output, so no other sink of any run of any cluster may ever have the same.
std::string sink_marker(const RunUid& run, const std::string& vertex);
/// Names an attempt, unique among all runs of a cluster and safe in a file name: "r7-t3.1-a4".
std::string attempt_tag(const AttemptKey& key);

}  // namespace troupe
