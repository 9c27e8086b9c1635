#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/base/log.hpp"
#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"
#include "runtime/protocol/messages.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace troupe {

/// The memory of the control plane. A machine decides a record, the `MetadataStore` writes it, and
/// a new leader reads it back as an image. Every change of a state is a row before it is a message.

enum class RunState {
  queued,
  starting,  ///< its splits are being found
  running,
  restarting,  ///< waits before what failed begins again
  finishing,   ///< all tasks are done; committing
  succeeded,
  cancelling,
  cancelled,
  stopping,   ///< takes a last epoch, or commits it; its state stays
  suspended,  ///< stopped: another run may go on from its last epoch
  failed,     ///< with one cause
  halted,     ///< exactness could not be kept; only a person moves it
};
const char* to_string(RunState state);
template <>
struct EnumOf<RunState> {
  static constexpr auto last = RunState::halted;
  static constexpr const char* noun = "state of a run";
};
/// Succeeded, cancelled, suspended, failed or halted.
bool ended(RunState state);
/// Ended, and its state is kept: another run may go on from its last published epoch.
bool resumable(RunState state);

enum class AttemptState { deploying, running, finished, failed, killed, superseded };
const char* to_string(AttemptState state);
template <>
struct EnumOf<AttemptState> {
  static constexpr auto last = AttemptState::superseded;
  static constexpr const char* noun = "state of an attempt";
};

enum class EpochState { started, published, committed, aborted };
const char* to_string(EpochState state);
template <>
struct EnumOf<EpochState> {
  static constexpr auto last = EpochState::aborted;
  static constexpr const char* noun = "state of an epoch";
};

/// All that one sink of a run makes visible with an epoch.
struct SinkPart {
  std::string vertex;
  std::vector<Committable> committables;

  static constexpr auto fields() {
    return std::tuple{field("vertex", &SinkPart::vertex),
                      field("committables", &SinkPart::committables)};
  }
  friend bool operator==(const SinkPart&, const SinkPart&) = default;
};

/// One part a sink, of what each has staged.
std::vector<SinkPart> sink_parts(std::map<std::string, std::vector<Committable>> staged);
struct Manifest;
/// Of all files that tasks would be restored from.
std::int64_t state_bytes_of(const Manifest& manifest);
/// Rows of all parts.
std::int64_t rows_of(const std::vector<SinkPart>& sinks);

/// What one task of a stream would be restored from.
struct TaskPart {
  TaskId task;
  std::vector<StoredSnapshot> files;

  static constexpr auto fields() {
    return std::tuple{field("task", &TaskPart::task), field("files", &TaskPart::files)};
  }
  friend bool operator==(const TaskPart&, const TaskPart&) = default;
};

/// All of an epoch: what it makes visible, and where tasks would go on from it.
struct Manifest {
  std::vector<SinkPart> sinks;
  std::vector<TaskPart> tasks;  ///< by task; none in the last epoch of a run, and of a batch run
  RunUid staged_by = {};        ///< whose attempts have staged it: its run, or one that it resumes

  friend bool operator==(const Manifest&, const Manifest&) = default;
};

/// What each subtask of each stage reads, by stage and subtask; empty for stages without sources.
using Splits = std::vector<std::vector<std::vector<Split>>>;

/// A job as it was submitted; the same text again is the same version.
struct JobVersionRecord {
  JobName job;
  std::string hash;                         ///< plan_hash
  std::shared_ptr<const std::string> plan;  ///< encode_plan of the bound graph
  std::string descriptor;                   ///< what its author wrote, "" for C++
  std::string by;
};

/// A new run. (job, interval, generation) is unique, and so is a key that is not empty, and the run
/// that it resumes.
struct RunRecord {
  RunId run;
  RunUid uid;
  JobName job;
  std::string hash;
  std::string interval;
  std::uint64_t generation = 0;
  Attempt run_attempt = Attempt(1);
  std::string key;  ///< idempotency key of the submission
  PlanTarget target;
  RestartSettings restart = {};
  std::int64_t memory_bytes = 0;
  std::optional<CheckpointSettings> checkpoint = {};  ///< set: a streaming run
  std::uint32_t tasks = 0;  ///< that its plan makes for the target; 0 where it makes none
  /// The uid of the first run of the chain that this one goes on with: its own, if it resumes none.
  /// Epochs are numbered within it; what is committed, and the state, are marked with it. Empty: as
  /// `uid`.
  RunUid lineage = {};
  std::optional<RunId> resumes = {};  ///< goes on from the last published epoch of that one

  const RunUid& marked_with() const { return lineage.value().empty() ? uid : lineage; }
};

/// "<cluster>-<run>-<nonce in hexadecimal digits>".
RunUid run_uid(const ClusterId& cluster, RunId run, std::uint64_t nonce);

/// A compare-and-set: `from` is what the row must say.
struct RunStateRecord {
  RunId run;
  RunState from;
  RunState to;
  std::optional<Error> cause = {};
};

/// What the sources of a run are made of, once and for all.
struct SplitsRecord {
  RunId run;
  Splits splits;
};

/// A new attempt; its number is durable before anybody hears of it.
struct AttemptRecord {
  AttemptKey key;
  NodeId node;
  Incarnation incarnation;
  bool again = false;  ///< its task was tried before
};

/// A compare-and-set like that of a run.
struct AttemptStateRecord {
  AttemptKey key;
  AttemptState from;
  AttemptState to;
  std::string cause = {};
};

/// The end of an attempt that won: in the same transaction as its state.
struct AttemptResultRecord {
  AttemptKey key;
  std::vector<OutputSummary> outputs;
  std::string sink;
  std::vector<Committable> committables;
  TaskCounters counters;
};

struct EpochRecord {
  RunId run;
  Epoch epoch;
  std::optional<EpochState> from;  ///< none: a new row
  EpochState to;
  std::string why = {};  ///< it was given up; for people
};

/// How long the parts of an epoch took, for people. Alignment and writing are those of the slowest
/// task.
struct EpochPhases {
  Duration aligned = {};       ///< from the first barrier of a task to its last one
  Duration written = {};       ///< its state and what its sink has staged, durably
  Duration acknowledged = {};  ///< from the beginning until all tasks had
  Duration copied = {};        ///< from there until its state was on two nodes
};

/// What publishing the epoch would make visible; written before it is published.
struct ManifestRecord {
  RunId run;
  Epoch epoch;
  Manifest manifest;
  EpochPhases phases = {};
};

/// The run goes on from where another one, which has ended, was: it has its splits and its epochs.
/// In the same transaction as its `RunRecord`.
struct InheritRecord {
  RunId run;
  RunId from;
};

/// Epochs that are over: nobody goes on from one below `manifests_below` any more, and history has
/// none below `rows_below`.
struct ForgetEpochsRecord {
  RunId run;
  Epoch manifests_below;
  Epoch rows_below;
};

/// A node's incarnation, durable before the node may hold anything.
struct NodeRecord {
  NodeId node;
  Incarnation incarnation;
  std::string address;
  std::uint32_t slots = 0;
  bool ended = false;  ///< this incarnation never acts again
};

/// Nothing of what the run left beside its outputs is there any more.
struct RunCleanedRecord {
  RunId run;
};

/// A line of history for people.
struct EventRecord {
  RunId run;  ///< 0: of the cluster
  log::Level level = log::Level::info;
  std::string text;
};

using Record =
    std::variant<JobVersionRecord, RunRecord, RunStateRecord, SplitsRecord, AttemptRecord,
                 AttemptStateRecord, AttemptResultRecord, EpochRecord, ManifestRecord,
                 InheritRecord, ForgetEpochsRecord, NodeRecord, EventRecord, RunCleanedRecord>;
const char* name_of(const Record& record);

/// One attempt as the store knows it.
struct AttemptImage {
  AttemptRecord made;
  AttemptState state = AttemptState::deploying;
  std::optional<AttemptResultRecord> result;
};

/// One epoch as the store knows it.
struct EpochImage {
  Epoch epoch;
  EpochState state = EpochState::started;
  std::optional<Manifest> manifest = {};  ///< once sealed, until nobody needs it
};

/// One process of a node.
using NodeProcess = std::pair<NodeId, Incarnation>;

/// A run that has ended and is not recorded as cleaned: something that it left may still be there.
struct Leftover {
  RunId run;
  RunUid uid;
  std::shared_ptr<const std::string> plan;
  /// Processes that may still write for it, for nobody has heard that they stopped.
  std::set<NodeProcess> away = {};
};

/// One run as the store knows it.
struct RunImage {
  RunRecord made;
  std::shared_ptr<const std::string> plan;
  RunState state = RunState::queued;
  std::optional<Error> cause;
  std::optional<Splits> splits;
  std::vector<AttemptImage> attempts;  ///< by attempt number
  std::vector<EpochImage> epochs;      ///< by number
  std::int64_t rows_committed = 0;     ///< that readers see
  /// Runs before it in its lineage that halted: what they have staged is of use until this one has
  /// ended well, for what they have published must be committed first.
  std::vector<Leftover> halted_before = {};
};

/// (job, interval, generation): a scheduled run exists once.
using RunInterval = std::tuple<JobName, std::string, std::uint64_t>;

/// What a new leader starts from: read in one transaction, after it has raised the term. Nothing of
/// it grows with the runs that have ended: history is asked for (`effect::Look`), not held.
struct ClusterImage {
  ClusterId cluster;
  Term term;
  RunId last_run;
  std::map<NodeId, NodeRecord> nodes;
  std::vector<RunImage> runs;  ///< that have not ended, by id
  std::vector<Leftover> leftovers;
};

/// What the store says to an `effect::Look`: runs that have the key or the interval, or go on from
/// that run, ended or not.
struct Looked {
  std::uint64_t look = 0;
  std::optional<RunId> with_key;
  std::optional<RunId> of_interval;
  std::optional<RunId> resumed_by = {};
  std::vector<RunUid> over = {};  ///< lineages of which nobody will go on from the state
};

}  // namespace troupe
