#pragma once

#include "runtime/coordinator/coordinator_driver.hpp"
#include "tests/sim/world.hpp"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

namespace troupe::sim {

/// The coordinator in the simulation: the real driver with real sessions, over a simulated disk.
/// Its hands ask, at each effect, whether that may happen already; some have a planted fault.
class SimCoordinator final : public Process, private CoordinatorHands {
 public:
  using Answer = CoordinatorDriver::Answer;

  explicit SimCoordinator(World& world);

  void on_connected(NodeIndex peer) override;
  void on_disconnected(NodeIndex peer) override;
  void on_refused(NodeIndex peer) override;
  void on_packet(NodeIndex peer, const Packet& packet) override;
  void on_kill() override;

  void submit(Submission submission, Answer answer);
  void cancel(RunId run, Answer answer);
  void replay(const Frame& frame, NodeIndex from);

 private:
  void begin();
  void tick_sessions();
  Instant now() const { return world_.clock(World::coordinator); }
  void after(Duration delay, std::function<void()> what);
  bool killed_at(KillPoint point) { return world_.killed_at(point, World::coordinator); }

  void tell_session(NodeIndex peer, const SessionEvent& event);
  template <class E>
  void carry_session(NodeIndex peer, E& effect);
  void receive(NodeIndex peer, const Frame& frame);
  void claim_current(Report& report);
  void believe(NodeIndex from, Report& report);
  void send(NodeIndex peer, const Command& command);
  void tell(CoordinatorEvent event);

  // Of the driver.
  void decided(const Effects& effects) override;
  void write(StoreSteps steps) override;
  void send(effect::Send sent) override;
  void plan(effect::PlanTasks work) override;
  void refused(const effect::RefuseReport& report) override;
  void run_ended(const effect::RunEnded& run) override;
  void wake_at(std::optional<Instant> at) override;
  void over(const Error& reason) override;

  const CoordinatorMachine& machine() const { return *driver_.machine(); }
  void check_slots() const;
  void check_durable(const effect::Send& sent) const;
  void check_in_time(const effect::Reply& reply) const;

  // The disk of the store.
  void written();
  void fail_write();
  std::vector<Looked> commit_write();
  void forget_recent(std::vector<Looked>& answers);
  void call_durable_unsynced();

  // Errands.
  bool sends_errand(const effect::Send& sent);
  void check_published(RunId run, Epoch epoch) const;
  void check_committed(const EpochRecord& epoch) const;
  bool killed_by_answer(const Report& report);

  // Streams.
  void hear_acknowledgement(NodeIndex peer, TaskSnapshotted& snapshot);
  void acknowledge_again(const SnapshotTask& begun);
  bool sends_of_streams(Command& command);
  void choose_state(DeployTask& deploy) const;
  void drop_early(DropSnapshots& drop) const;
  static void forget_one(StoreSteps& steps);

  World& world_;
  const Incarnation incarnation_;
  ClusterImage image_;  ///< as it was when this process began
  bool beginning_ = false;
  bool dead_ = false;
  std::map<NodeIndex, std::unique_ptr<Session>> sessions_;
  CoordinatorDriver driver_;
  std::uint64_t wake_ = 0;  ///< number of the last that was asked for
  StoreSteps writing_;      ///< one transaction, under way
  bool write_failed_ = false;
  std::map<std::pair<RunId, Epoch>, std::size_t> sinks_committed_;
  std::map<std::uint64_t, ErrandKind> errands_;  ///< by number
  std::string sent_errand_;                      ///< its parts so far

  // Of mutants.
  std::map<std::uint64_t, Looked> early_looks_;
  std::set<RunId> last_made_;       ///< what an old snapshot lacks
  std::optional<Store> synced_to_;  ///< what a power cut brings back
  std::map<NodeIndex, std::uint64_t> last_errand_;
  std::map<std::pair<RunId, std::string>, NodeProcess> errand_asked_;
  std::set<RunId> published_before_;
  std::map<std::pair<RunId, TaskId>, std::pair<NodeIndex, TaskSnapshotted>> acknowledged_;
};

}  // namespace troupe::sim
