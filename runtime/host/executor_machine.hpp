#pragma once

#include "runtime/data/stream_item.hpp"
#include "runtime/protocol/errand.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace troupe {

/// What an `ExecutorMachine` is told.
namespace executor_event {

/// Runs of which an earlier process has left state files here; before all others.
struct SnapshotsFound {
  std::vector<RunUid> runs;
};
/// A conversation with a coordinator begins. Nothing said in an earlier one is still under way.
struct SessionUp {};
/// It ended. Tasks stay: losing the coordinator must not lose the work.
struct SessionDown {};
/// A command of the coordinator, from the session.
struct Received {
  Command command;
};

// What tasks of this node say.
struct TaskOpened {
  AttemptKey key;
};
struct TaskDone {
  AttemptKey key;
  TaskFinished report;  ///< its token is filled in by the machine
};
struct TaskBroke {
  AttemptKey key;
  TaskFailed report;  ///< likewise
};
/// A stopped task is gone: it writes nothing any more.
struct TaskGone {
  AttemptKey key;
};
struct TaskMoved {
  AttemptKey key;
  TaskCounters counters;
};
/// The task of a stream has acknowledged an epoch.
struct TaskSaved {
  AttemptKey key;
  Epoch epoch;
  TaskSnapshot snapshot;
};
/// The sources of a task of a stream have come to their end.
struct TaskExhausted {
  AttemptKey key;
};
/// What became of an errand.
struct ErrandOver {
  ErrandKey key;
  Result<> outcome;
};

}  // namespace executor_event

using ExecutorEvent =
    std::variant<executor_event::SnapshotsFound, executor_event::SessionUp,
                 executor_event::SessionDown, executor_event::Received, executor_event::TaskOpened,
                 executor_event::TaskDone, executor_event::TaskBroke, executor_event::TaskGone,
                 executor_event::TaskMoved, executor_event::TaskSaved,
                 executor_event::TaskExhausted, executor_event::ErrandOver>;

/// Why a command was not obeyed; to be counted.
enum class CommandRefusal {
  wrong_cluster,
  stale_term,
  stale_incarnation,
  stale_attempt,  ///< a newer attempt of the task was deployed here, or this one was cancelled
  ended_run,
  unknown_task,
  not_joined,
  stale_errand,  ///< a later one was heard of, or parts of it are not here
};
const char* to_string(CommandRefusal refusal);
template <>
struct EnumOf<CommandRefusal> {
  static constexpr auto last = CommandRefusal::stale_errand;
};

/// What an `ExecutorMachine` wants done, in this order.
namespace executor_effect {

/// To the coordinator, over the session; dropped while there is none.
struct Send {
  Report report;
};
/// Build the task; answer TaskOpened or TaskBroke.
struct OpenTask {
  DeployTask deploy;
};
struct RunTask {
  AttemptKey key;
};
/// An epoch ends at this barrier for the rows of the task's sources; answer, some day, TaskSaved.
struct SnapshotTask {
  AttemptKey key;
  Barrier barrier;
  bool hold = false;  ///< no more rows until the next one comes
};
/// The task need not wait any more when its sources have come to their end.
struct EndSources {
  AttemptKey key;
};
/// Stop the task and remove everything it has kept here; answer TaskGone.
struct StopTask {
  AttemptKey key;
};
/// Remove what a finished or failed attempt has kept here.
struct DropOutputs {
  AttemptKey key;
};
/// Do the errand; answer ErrandOver.
struct RunErrand {
  ErrandKey key;
  Errand errand;
};
/// Remove these state files, as far as they are here.
struct DropSnapshots {
  RunUid run;                      ///< the lineage
  std::vector<std::string> names;  ///< none: all there are
  std::string directory = {};      ///< empty: the node's own
};
struct RefuseCommand {
  CommandRefusal refusal;
  std::string what;  ///< for the log: the command and its token
};
/// This node cannot be a member as it is; `highest` is set where a new incarnation could.
struct Expelled {
  std::string reason;
  Incarnation highest;
};

}  // namespace executor_effect

using ExecutorEffect =
    std::variant<executor_effect::Send, executor_effect::OpenTask, executor_effect::RunTask,
                 executor_effect::SnapshotTask, executor_effect::EndSources,
                 executor_effect::StopTask, executor_effect::DropOutputs,
                 executor_effect::RunErrand, executor_effect::DropSnapshots,
                 executor_effect::RefuseCommand, executor_effect::Expelled>;
using ExecutorEffects = std::vector<ExecutorEffect>;

struct ExecutorConfig {
  NodeId self;
  Incarnation incarnation;
  ClusterId cluster;  ///< empty: any, the first to admit this node decides
  std::string address;
  std::uint32_t slots = 1;
};

/// Ended runs and cancelled attempts that are remembered, so that a command that was delayed does
/// not bring them back; the oldest go first.
inline constexpr std::size_t ended_runs_remembered_max = 4096;

/// Which attempts one node holds, and what it owes its coordinator about them; and which errands it
/// does. Those it owes nobody: whoever asked and heard nothing asks again, here or elsewhere.
///
/// Owned by the EXECUTOR. Pure: tasks are opened, run and stopped by whoever carries the effects
/// out. It decides nothing about a run: it obeys commands whose tokens are current, and reports.
///
///     DeployTask      TaskOpened      StartTask       TaskDone        CancelTask / ReleaseRun
///   ----------> opening -----> ready -----> running -----> finished ----------> (gone)
///                  |             |             |  TaskBroke
///                  +-------------+-------------+----------> failed --AckReport-> (gone)
///                  +-------------+-------------+----------> stopping --TaskGone-> (gone)
///
/// Invariant: a command with a term lower than the highest seen, of another cluster or for another
/// incarnation changes nothing.
/// Invariant: the attempts of a task that are opened here only grow.
/// Invariant: a finished or failed attempt is reported again in every session, until its report is
/// acknowledged; kept partitions stay until the run is released or the attempt cancelled.
/// Invariant: an errand is done here once at a time. Whoever asks meanwhile is answered when it has
/// been done once more: what was there to do may be more than when it began.
/// Invariant: state files outlive process, tasks and session. Every list of what is held says of
/// which runs there are some, so that a coordinator which knows better can say that they may go.
/// Invariant: neither a lost session nor an ended lease stops a task. All effects of tasks are
/// fenced: they write into places of their attempt, and only an errand makes them visible.
class ExecutorMachine {
 public:
  explicit ExecutorMachine(ExecutorConfig config);

  ExecutorEffects on(const ExecutorEvent& event, Instant now);

  bool joined() const { return joined_; }
  Term term_seen() const { return term_seen_; }
  Incarnation incarnation() const { return config_.incarnation; }
  const ClusterId& cluster() const { return config_.cluster; }
  /// It was told that this run has ended, and has not forgotten it.
  bool released(RunId run) const { return ended_runs_.contains(run); }
  /// Some attempt of this run is held, or keeps something here.
  bool holds(RunId run) const;
  /// What is held, for people and for tests.
  std::vector<HeldTask> held() const;
  std::size_t errands() const { return errands_.size(); }

 private:
  enum class State { opening, ready, running, finished, failed, stopping };
  struct Held {
    Token token;
    State state = State::opening;
    bool exhausted = false;                ///< its sources have come to their end
    std::optional<Report> unacknowledged;  ///< TaskFinished or TaskFailed
  };
  using HeldMap = std::map<AttemptKey, Held>;

  void handle(const executor_event::SnapshotsFound&);
  void handle(const executor_event::SessionUp&);
  void handle(const executor_event::SessionDown&);
  void handle(const executor_event::Received&);
  void handle(const executor_event::TaskOpened&);
  void handle(const executor_event::TaskDone&);
  void handle(const executor_event::TaskBroke&);
  void handle(const executor_event::TaskGone&);
  void handle(const executor_event::TaskMoved&);
  void handle(const executor_event::TaskSaved&);
  void handle(const executor_event::TaskExhausted&);
  void handle(const executor_event::ErrandOver&);

  void obey(const Joined&);
  void obey(const JoinRefused&);
  void obey(const Adopt&);
  void obey(const DeployTask&);
  void obey(const StartTask&);
  void obey(const SnapshotTask&);
  void obey(const EndSources&);
  void obey(const CancelTask&);
  void obey(const AckReport&);
  void obey(const ReleaseRun&);
  void obey(const DoErrand&);
  void obey(const DropSnapshots&);

  const Held* running(const Token& token);
  template <class C>
  bool admits(const C& command, const char* name);
  void stop(HeldMap::iterator held);
  void forget_run(RunId run);
  void begin_errand(const DoErrand& last, Result<Errand> errand);
  void refuse(CommandRefusal refusal, std::string what);
  template <class R>
  void report(R report) {
    if (joined_) out_.push_back(executor_effect::Send{Report(std::move(report))});
  }

  ExecutorConfig config_;
  ExecutorEffects out_;
  bool joined_ = false;
  Term term_seen_;
  HeldMap held_;
  /// The highest attempt of a task that was opened or cancelled here.
  std::map<RunId, std::map<TaskId, Attempt>> attempts_seen_;
  std::set<RunId> ended_runs_;
  /// Of which there may be state files here, until their coordinator says that nobody needs them.
  std::set<RunUid> snapshots_;
  struct Doing {
    DoErrand asked;               ///< by which it was asked for last
    std::optional<Errand> again;  ///< asked for since it began
  };
  std::map<ErrandKey, Doing> errands_;
  std::optional<DoErrand> incoming_;  ///< its parts so far
  /// Term and number of the last command of an errand that was heard.
  std::pair<Term, std::uint64_t> errand_heard_;
};

}  // namespace troupe
