#pragma once

#include "runtime/cluster/admission_machine.hpp"
#include "runtime/cluster/cluster_machine.hpp"
#include "runtime/coordinator/deadlines.hpp"
#include "runtime/coordinator/errands.hpp"
#include "runtime/coordinator/submissions.hpp"
#include "runtime/decision/outbox.hpp"
#include "runtime/run/leftovers.hpp"
#include "runtime/run/run_machine.hpp"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>

namespace troupe {

/// What a `CoordinatorMachine` is told, besides what `ClusterEvent` says of nodes.
namespace coordinator_event {

struct Received {
  NodeId from;  ///< as its key proves, not as it says
  Report report;
};
/// Everything up to this ticket is durable.
struct Persisted {
  std::uint64_t ticket = 0;
};
struct Planned {
  RunId run;
  TaskGraph graph;
};
struct PlanFailed {
  RunId run;
  Error error;
};
/// Answered by `effect::Reply` with the same number once the run's row is durable.
struct Submit {
  std::uint64_t request = 0;
  Submission submission;
};
struct Cancel {
  std::uint64_t request = 0;
  RunId run;
  std::string by;
};
/// Answered like Cancel, once the run is recorded as STOPPING.
struct Stop {
  std::uint64_t request = 0;
  RunId run;
  std::string by;
};
struct Tick {};

}  // namespace coordinator_event

using CoordinatorEvent =
    std::variant<ClusterEvent, Looked, coordinator_event::Received, coordinator_event::Persisted,
                 coordinator_event::Planned, coordinator_event::PlanFailed,
                 coordinator_event::Submit, coordinator_event::Cancel, coordinator_event::Stop,
                 coordinator_event::Tick>;

struct CoordinatorConfig {
  Duration node_lease = 10s;
  std::size_t errand_part_bytes = troupe::errand_part_bytes;  ///< smaller for tests
  Duration errand_patience = errand_patience_min;             ///< the first one
};

/// Runs that are planned ahead of their first slots; more wait in QUEUED, in the order of their
/// submission. How many are at work, slots alone decide.
inline constexpr std::size_t runs_ahead_max = 64;
/// Submissions beyond this many runs that have not ended are refused.
inline constexpr std::size_t open_runs_max = 10'000;

/// The acting leader of a cluster: membership, slots, one RunMachine a run, and the order of
/// effects. It hands on: a report to the one run that it is for, what runs want to the ledger of
/// slots or to executors (`Errands`), what becomes free to whoever waits and now fits. Only what
/// becomes of a node is told to all runs that have begun. So a report costs the same however many
/// runs wait.
///
/// Owned by a `CoordinatorDriver`, which hands in events and sees to every effect in the order of
/// the list; the store is opened, and the term raised, before there is one.
///
/// Invariant: no effect leaves before every row decided before it is durable (`Outbox`).
/// Invariant: a report counts only if its cluster is ours, its node's incarnation is a member, and
/// its attempt is the current one of its task; an inventory, if it answers the last Adopt.
/// Invariant: a token above what the store has ever given out halts it: then the metadata is older
/// than the cluster (protocols 2.2).
class CoordinatorMachine {
 public:
  CoordinatorMachine(
      CoordinatorConfig config, ClusterImage image, Instant now,
      std::unique_ptr<AdmissionMachine> admission = std::make_unique<AdmissionMachine>());

  /// Once, first: commits what is published, plans what runs.
  Effects start(Instant now);
  Effects on(const CoordinatorEvent& event, Instant now);

  std::optional<Instant> next_deadline() const;
  const ClusterId& cluster() const { return cluster_id_; }
  Term term() const { return term_; }
  const ClusterMachine& members() const { return cluster_; }
  const AdmissionMachine& admission() const { return *admission_; }
  const std::map<RunId, std::unique_ptr<RunMachine>>& runs() const { return runs_; }
  /// Runs that heard something since the last event came in; those that are done then go.
  const std::set<RunId>& touched() const { return touched_; }
  /// What is still to be removed beside outputs.
  const Leftovers& leftovers() const { return leftovers_; }
  /// What executors are to do, or asked to do, to sinks.
  const Errands& errands() const { return errands_; }
  const ClusterView& view() const { return admission_->view(); }

 private:
  void handle(const ClusterEvent&);
  void handle(const Looked&);
  void handle(const coordinator_event::Received&);
  void handle(const coordinator_event::Persisted&);
  void handle(const coordinator_event::Planned&);
  void handle(const coordinator_event::PlanFailed&);
  void handle(const coordinator_event::Submit&);
  void handle(const coordinator_event::Cancel&);
  void handle(const coordinator_event::Stop&);
  void handle(const coordinator_event::Tick&);

  // One report each, its tokens checked.
  void accept(const NodeId& from, const JoinCluster&);
  void accept(const NodeId& from, const Inventory&);
  void accept(const NodeId& from, const TaskReady&);
  void accept(const NodeId& from, const TaskSnapshotted&);
  void accept(const NodeId& from, const SourcesEnded&);
  void accept(const NodeId& from, const TaskFinished&);
  void accept(const NodeId& from, const TaskFailed&);
  void accept(const NodeId& from, const TaskStopped&);
  void accept(const NodeId& from, const TaskProgress&);
  void accept(const NodeId& from, const ErrandDone&);
  void accept(const NodeId& from, const ErrandFailed&);

  void have_done(const effect::HaveDone& wanted);
  bool awaits_errand(const NodeId& from, const Token& token, std::uint64_t number);
  void hear_errand(std::uint64_t number, std::optional<Error> error);
  void note(const ErrandOutcome& outcome);
  void blame(const effect::BlameNode& effect);
  template <class R>
  RunMachine* addressed(const NodeId& from, const R& report);
  bool is_member(const NodeId& node, Incarnation incarnation) const;
  bool contradicts(const NodeId& from, const Inventory& inventory);
  void release_ended(const NodeId& from, const Inventory& inventory);
  void drop_state(const NodeProcess& node, const std::vector<RunUid>& over);
  void note(const ClusterChange& change);
  void note_node(const NodeId& node);
  void make_run(std::uint64_t request, const Submission& submission);
  Result<> may_end(RunId run, const char* verb) const;
  void tell(RunId run, const RunEvent& event);
  void tell_begun(const RunEvent& event);
  void note(const RunMachine& run);
  void begin(RunId run);
  void begin_queued();
  void grant();
  void drop_done();
  void decide(Effects effects);
  bool ask_for_slots(const Effect& effect);
  void leave(Effects effects);
  void stamp(Command& command, Incarnation incarnation);
  void refuse(const NodeId& node, std::string what);
  void halt(Error reason);

  CoordinatorConfig config_;
  ClusterId cluster_id_;
  Term term_;
  RunId last_run_;
  Submissions submissions_;
  ClusterMachine cluster_;
  std::unique_ptr<AdmissionMachine> admission_;
  std::map<RunId, std::unique_ptr<RunMachine>> runs_;
  std::set<RunId> queued_;  ///< not begun
  std::set<RunId> begun_;
  std::set<RunId> ahead_;  ///< begun, and never given a slot
  std::set<RunId> touched_;
  Deadlines deadlines_;
  Leftovers leftovers_;
  Errands errands_;
  /// The number of the last Adopt to each node: a list that answers an earlier one lacks what was
  /// deployed since.
  std::map<NodeId, std::uint64_t> asked_;
  /// Looks for whose state a node has that nobody needs: runs were over while it was away.
  std::map<std::uint64_t, NodeProcess> state_looks_;
  Outbox outbox_;
  std::uint64_t last_seq_ = 0;
  bool halted_ = false;
  Instant now_;
  Effects out_;
};

}  // namespace troupe
