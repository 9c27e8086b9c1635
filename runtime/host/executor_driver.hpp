#pragma once

#include "runtime/host/deployment.hpp"
#include "runtime/host/executor_machine.hpp"
#include "runtime/host/snapshot_fetch.hpp"
#include "runtime/host/task_turns.hpp"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace troupe {

/// How an attempt ended on its node, for whoever counts them.
enum class AttemptOutcome {
  not_built,
  finished,
  failed,
  stopped,
};
const char* to_string(AttemptOutcome outcome);

/// What an `ExecutorDriver` cannot do itself: actors and pools have these hands, or a simulation.
/// A call returns at once and answers later by a call of the driver, never from within.
class ExecutorHands {
 public:
  virtual ~ExecutorHands() = default;

  /// To the coordinator, where there is a conversation with it.
  virtual void send(Report report) = 0;
  /// Bring these state files here (`fetching_task`). Answer: `fetched`.
  virtual void fetch(std::uint64_t number, SnapshotOrder order) = 0;
  /// They are not wanted any more. Answer: `fetched`, when nothing of it is left.
  virtual void stop_fetch(std::uint64_t number) = 0;
  /// Build the task, which may block. Answer: `built` or `not_built`.
  virtual void build(const DeployTask& deploy) = 0;
  /// The task is built: make what will give it turns. It gets none before `run`.
  virtual void open(const AttemptKey& key, const Deployment& deployment, const JobName& job) = 0;
  /// Give it turns. Answer, some day: `ended`.
  virtual void run(const AttemptKey& key) = 0;
  /// End it as soon as it can. Answer: `ended`, when nothing of it is left.
  virtual void stop(const AttemptKey& key) = 0;
  /// An attempt that was to be built is here no more. `deployment` is null where it never was.
  virtual void over(const AttemptKey& key, const Deployment* deployment,
                    AttemptOutcome outcome) = 0;
  /// So far a task has come.
  virtual void moved(const AttemptKey& key, const TaskCounters& so_far) = 0;

  /// Do the errand, which may block. Answer: `errand_over`.
  virtual void errand(const ErrandKey& key, Errand errand) = 0;

  /// Remove this file or directory of the node's own, which may not be there.
  virtual void drop(const std::string& path) = 0;
  /// No task of the run is left here. One may come again.
  virtual void forget(RunId run) = 0;

  virtual void refused(const executor_effect::RefuseCommand& refused) = 0;
  virtual void expelled(const executor_effect::Expelled& expelled) = 0;
};

/// Carries out what an `ExecutorMachine` decides, in order: which attempts are being built, are
/// open or are ending, what is reported of one that has ended, and what of it stays on the disk.
///
/// Owned by the EXECUTOR, and by each executor of the simulation: nothing of this is done twice.
/// Pure: it sends, builds, runs and removes by its `ExecutorHands`.
///
///     (fetch -->) build --built--> open --run, stop--> ended ---> TaskDone, TaskBroke
///       |           |  `-not_built-> TaskBroke           `-stopping-> TaskGone, its files dropped
///       `-----------`--(stopping)--built, not_built----> TaskGone, its files dropped
///
/// A task that goes on from an epoch is built when the state files of that are on this node's disk
/// and have been looked at, every byte; so no thread waits for them. An errand that copies is the
/// same without a task.
///
/// Invariant: what comes before `begin` waits, and is heard in its order.
/// Invariant: a run is forgotten when it is released and none of its attempts is left. Not before:
/// a run whose tasks have all stopped may be deployed again. Its state files go then, too, if it is
/// over for good: nobody is left who could write one more.
class ExecutorDriver {
 public:
  /// `kept` says where the attempts of this node have their files, `snapshots` where there are
  /// those of its streams. All outlive it.
  ExecutorDriver(ExecutorConfig config, const KeptFiles& kept, const SnapshotStore& snapshots,
                 ExecutorHands& hands, const Clock& clock);

  /// What an earlier process kept is gone, but for the state files of these runs.
  void begin(std::vector<RunUid> with_snapshots = {});
  void session_up() { tell(executor_event::SessionUp{}); }
  void session_down() { tell(executor_event::SessionDown{}); }
  void obey(Command command) { tell(executor_event::Received{std::move(command)}); }

  /// The files, with the nodes that have them now.
  void fetched(std::uint64_t number, Result<std::vector<StoredSnapshot>> outcome);
  void built(const AttemptKey& key, Deployment deployment);
  void not_built(const AttemptKey& key, Error error);
  void said(const AttemptKey& key, TaskNews news);
  void ended(TaskEnded end);
  void errand_over(const ErrandKey& key, Result<> outcome);

  /// Tells the coordinator how far the tasks have come that are open. For people.
  void report_progress();

  const ExecutorMachine& machine() const { return machine_; }
  /// Attempts that are being built, are open or are ending.
  std::size_t attempts() const { return attempts_.size(); }

 private:
  struct Attempted {
    JobName job;
    std::optional<Deployment> deployment = {};  ///< once built
    bool stopping = false;
    std::uint64_t fetch = 0;  ///< of its state files, while it is under way
  };
  struct Fetch {
    RunId run;
    std::variant<DeployTask, ErrandKey> wanted_for;
  };

  void tell(ExecutorEvent event);
  void decide(const ExecutorEvent& event);
  void carry_out(executor_effect::Send& effect);
  void carry_out(executor_effect::OpenTask& effect);
  void carry_out(executor_effect::RunTask& effect);
  void carry_out(executor_effect::SnapshotTask& effect);
  void carry_out(executor_effect::EndSources& effect);
  void carry_out(executor_effect::StopTask& effect);
  void carry_out(executor_effect::DropOutputs& effect);
  void carry_out(executor_effect::RunErrand& effect);
  void carry_out(executor_effect::DropSnapshots& effect);
  void carry_out(executor_effect::RefuseCommand& effect);
  void carry_out(executor_effect::Expelled& effect);

  std::uint64_t fetch(Fetch fetch, SnapshotOrder order);
  void fetched_for(DeployTask& deploy, Result<std::vector<StoredSnapshot>> outcome);
  void fetched_for(const ErrandKey& key, Result<std::vector<StoredSnapshot>> outcome);
  void not_fetched(const AttemptKey& key, Error error);
  void stop_copying(RunId run);
  bool fetches_of(RunId run) const;
  void finished(const Deployment& deployment, TaskEnded end);
  void broke(const AttemptKey& key, Error error, const Deployment* deployment);
  void gone(const AttemptKey& key);
  void note(const Command& command);
  void note_released(const ReleaseRun& release);
  void forget_if_idle(RunId run);

  ExecutorMachine machine_;
  const std::string process_;  ///< of this node's, by which its temporary files are named
  const KeptFiles& kept_;
  const SnapshotStore& snapshots_;
  ExecutorHands& hands_;
  const Clock& clock_;
  std::map<AttemptKey, Attempted> attempts_;
  bool begun_ = false;
  std::vector<ExecutorEvent> early_;
  std::set<RunId> runs_;  ///< of which something was built here
  /// Whose last attempts are still ending; with the uid, if its state files go, too.
  std::map<RunId, std::optional<RunUid>> released_;
  std::map<std::uint64_t, Fetch> fetches_;
  std::uint64_t last_fetch_ = 0;
};

}  // namespace troupe
