#pragma once

#include "runtime/run/committing.hpp"
#include "runtime/run/planning.hpp"
#include "runtime/run/working.hpp"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>

namespace troupe {

/// The life of one run, from its row to its commit.
///
/// Owned by the coordinator, one a run that has not ended. Pure. An event is handled by the phase
/// that the run is in; what it decides may bring the run into the next one:
///
///    Queued     QUEUED -------------------------------+
///    Planning   STARTING, or as a leader left it -----+-> Ending  CANCELLING -> CANCELLED
///    Working    RUNNING <-> RESTARTING ---------------+           FAILED, with one cause
///               STOPPING, for a last epoch -----------+           STOPPING -> SUSPENDED
///    Committing FINISHING -----------------------------> Ending   SUCCEEDED, or HALTED
///
/// Made from a `RunImage`, so a run that resumes another one begins where that one was, and a new
/// leader goes on where the rows say: a published epoch is
/// committed before anything else, tasks that their nodes still hold go on, others begin again.
///
/// One event is one transaction: all rows it changes stand in one Persist, before all its effects.
/// Invariant: at most one attempt of a task can win; a report of another one changes nothing.
/// Invariant: an ended run never leaves its state.
class RunMachine {
 public:
  explicit RunMachine(RunImage image);

  /// Once, first.
  Effects start(const ClusterView& cluster, Instant now);
  Effects on(const RunEvent& event, const ClusterView& cluster, Instant now);

  /// When a Tick is due.
  std::optional<Instant> next_deadline() const;
  RunId run() const { return run_.id(); }
  const RunRecord& made() const { return run_.made; }
  const std::shared_ptr<const std::string>& encoded_plan() const { return run_.encoded_plan; }
  RunState state() const { return run_.state; }
  const std::optional<Error>& cause() const { return run_.cause; }
  const Epochs& epochs() const { return run_.epochs; }
  /// No checkpoint is taken, since there are not two nodes for its state.
  bool lacks_copies() const { return run_.lacks_copies && working(); }
  /// When its last epoch was; before the first one, when its tasks began. Unknown after a failover.
  std::optional<Instant> committed_at() const { return committed_at_ ? committed_at_ : run_.began; }
  /// Its published output could not be committed yet; null where nothing has failed.
  const CommitWait* commit_waits() const { return run_.epochs.waits(); }
  /// Ended, and no task of it is known to run: this machine is not needed any more.
  bool done() const { return ended(run_.state) && !run_.attempts.any_stopping(); }
  /// Ended, and nothing of it needs to be kept anywhere.
  bool releases() const { return run_.releases(); }
  /// Its tasks may be at work, now or later.
  bool working() const { return run_.working(); }
  const std::map<TaskId, TaskStatus>& tasks() const { return run_.attempts.tasks(); }
  const TaskTopology* topology() const { return run_.topology.get(); }
  Attempt last_attempt() const { return run_.attempts.last(); }
  std::size_t restarts() const { return run_.recovery.restarts(); }
  /// The longest time from a failure to the moment when all the work it undid was done again.
  std::optional<Duration> longest_recovery() const { return run_.recovery.longest(); }

 private:
  void step(const RunEvent& event);
  void handle(const RunEvent& event);
  void follow_state();
  void go_on_with_epochs();
  bool enter_phase();
  bool enter_next();
  template <class P>
  bool enter();

  std::vector<AttemptImage> recorded_;  ///< until `start`
  Run run_;
  std::variant<Queued, Planning, Working, Committing, Ending> phase_;
  std::optional<Instant> committed_at_;  ///< the last epoch, by this leader
  std::vector<RunEvent> early_;          ///< what the last phase left to the next one
};

}  // namespace troupe
