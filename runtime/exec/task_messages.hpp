#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/base/restart_policy.hpp"
#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"
#include "runtime/graph/task_graph.hpp"
#include "runtime/operator/sink.hpp"
#include "runtime/operator/source.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace troupe {

/// The control messages between the coordinator and executors, as the machines see them.
/// `schemas/job.capnp` is how they travel, `runtime/job/message_codec.hpp` turns one into the
/// other. Commands are imperative and fenced; reports are in the past tense and idempotent.

/// The fence of a command or report (protocols 1.5). Of a command that is about no task, `task` and
/// `attempt` are empty; `incarnation` is always the executor's, whoever sends.
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

/// What names one try of one task in one cluster, without the fence.
struct AttemptKey {
  RunId run;
  TaskId task;
  Attempt attempt;

  friend auto operator<=>(const AttemptKey&, const AttemptKey&) = default;
  friend bool operator==(const AttemptKey&, const AttemptKey&) = default;
};
inline AttemptKey key_of(const Token& token) { return {token.run, token.task, token.attempt}; }

/// One try of a task and where it is.
struct TaskPeer {
  TaskId task;
  Attempt attempt;
  NodeId node;

  friend bool operator==(const TaskPeer&, const TaskPeer&) = default;
};

/// A node that a task talks to.
struct PeerNode {
  NodeId node;
  Incarnation incarnation;
  std::string address;

  friend bool operator==(const PeerNode&, const PeerNode&) = default;
};

/// The other ends of one edge of the task graph.
struct EdgePeers {
  std::uint32_t edge = 0;       ///< index in `TaskGraph::edges`
  std::vector<TaskPeer> peers;  ///< by subtask

  friend bool operator==(const EdgePeers&, const EdgePeers&) = default;
};

/// Rows of one partition of a blocking output, and a hash of them that does not depend on their
/// order: two attempts with equal summaries wrote the same rows.
struct PartitionSummary {
  std::int64_t rows = 0;
  std::uint64_t hash = 0;

  friend bool operator==(const PartitionSummary&, const PartitionSummary&) = default;
};

/// What a finished task keeps for one blocking edge, partition by consumer subtask.
struct OutputSummary {
  std::uint32_t edge = 0;
  std::vector<PartitionSummary> partitions;

  friend bool operator==(const OutputSummary&, const OutputSummary&) = default;
};

/// What a person sees of one vertex in one task.
struct VertexCounters {
  std::string vertex;
  std::uint64_t rows_in = 0;
  std::uint64_t rows_out = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::vector<std::string> notes = {};  ///< known once its reading has ended

  friend bool operator==(const VertexCounters&, const VertexCounters&) = default;
};

/// What a person sees of a task. Counts only; nothing is decided by them.
struct TaskCounters {
  std::vector<VertexCounters> vertices;
  Duration busy = {};
  Duration blocked = {};            ///< waiting for credit of a consumer
  Duration idle = {};               ///< waiting for input
  std::uint32_t queue_percent = 0;  ///< fill of the fullest input queue

  friend bool operator==(const TaskCounters&, const TaskCounters&) = default;
};

// ---- coordinator -> executor ---------------------------------------------------------------

/// You are a member, and your incarnation is durable: what you are told from now on may be fenced
/// by it.
struct Joined {
  ClusterId cluster;
  Term term;
  Incarnation incarnation;
};

/// You are not a member. Where `highest` is set your incarnation has ended: drop everything, and
/// join as a higher one than that.
struct JoinRefused {
  Term term;
  Incarnation incarnation;  ///< the one that is refused
  Incarnation highest;
  std::string reason;
};

/// A new leader, or a new session: say what you hold.
struct Adopt {
  Token token;
};

/// Build this task and say when it can take input. `plan` is `encode_plan` of the bound job;
/// every node derives the same TaskGraph from it and `target`.
struct DeployTask {
  Token token;
  RunUid run_uid;
  JobName job;
  std::shared_ptr<const std::string> plan;
  PlanTarget target;
  std::vector<Split> splits;
  std::vector<EdgePeers> inputs;   ///< producers of every in-edge; of blocking ones the winners
  std::vector<EdgePeers> outputs;  ///< consumers of every pipelined out-edge
  std::vector<PeerNode> nodes;     ///< where those peers are
  std::int64_t memory_bytes = 0;
};

/// All tasks of the region are READY: begin.
struct StartTask {
  Token token;
};

/// Stop, and drop what the attempt has kept. Also the answer to a report of a stale attempt.
struct CancelTask {
  Token token;
  std::string reason;
};

/// The report is durable; it need not be sent again.
struct AckReport {
  Token token;
};

/// The run has ended: delete its kept partitions, stop what is left of it.
struct ReleaseRun {
  Token token;
};

using Command = std::variant<Joined, JoinRefused, Adopt, DeployTask, StartTask, CancelTask,
                             AckReport, ReleaseRun>;

// ---- executor -> coordinator ---------------------------------------------------------------

/// Let me in: the first message of every session with a coordinator.
struct JoinCluster {
  ClusterId cluster;  ///< empty: not known yet, any will do
  NodeId node;
  Incarnation incarnation;
  Term term_seen;  ///< the highest, of any leader
  std::string address;
  std::uint32_t slots = 0;
};

struct TaskReady {
  Token token;
};

/// The only report that makes a task done. Re-sent until acknowledged.
struct TaskFinished {
  Token token;
  std::vector<OutputSummary> outputs;  ///< of blocking edges
  std::string sink;                    ///< vertex, where the chain ends in a sink
  std::vector<Committable> committables;
  TaskCounters counters;
};

/// Re-sent until acknowledged.
struct TaskFailed {
  Token token;
  FailureClass failure = FailureClass::internal;
  Error error;
  std::vector<TaskPeer> lost_inputs;  ///< kept outputs that could not be read
};

/// A cancelled attempt is over: it will never write again.
struct TaskStopped {
  Token token;
};

struct TaskProgress {
  Token token;
  TaskCounters counters;
};

enum class HeldState { deploying, ready, running, finished, failed };

struct HeldTask {
  Token token;
  HeldState state = HeldState::deploying;
};

/// Answer to Adopt. Reports that were not acknowledged follow it.
struct Inventory {
  Incarnation incarnation;
  Term term_seen;               ///< the highest
  std::uint64_t adopt_seq = 0;  ///< `seq` of the Adopt: later deployments are not in here
  std::vector<HeldTask> held;
};

using Report = std::variant<JoinCluster, TaskReady, TaskFinished, TaskFailed, TaskStopped,
                            TaskProgress, Inventory>;

const char* name_of(const Command& command);
const char* name_of(const Report& report);
const char* to_string(HeldState state);
/// The fence of a report about a task; nothing for the two that are about the node.
const Token* token_of(const Report& report);

/// A batch run has exactly one epoch.
inline constexpr std::uint64_t batch_epoch = 1;
/// What a sink of this run stages under and is committed by: "<run uid>/<epoch>/<vertex>". It is
/// kept with the output: no other commit, of whatever cluster, may ever have the same.
std::string sink_marker(const RunUid& run, const std::string& vertex);
/// Names one attempt among all of all runs, safe in a file name: "r7-t3.1-a4".
std::string attempt_tag(const AttemptKey& key);

}  // namespace troupe
