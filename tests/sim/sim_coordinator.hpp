#pragma once

#include "runtime/coordinator/coordinator_machine.hpp"
#include "tests/sim/world.hpp"

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

namespace troupe::sim {

/// The coordinator's shell in the simulation: the real machine and real sessions, a simulated disk,
/// and at each effect the question whether it may happen already.
class SimCoordinator final : public Process {
 public:
  using Answer = std::function<void(const Result<RunId>&)>;

  explicit SimCoordinator(World& world);

  void on_connected(NodeIndex peer) override;
  void on_disconnected(NodeIndex peer) override;
  void on_refused(NodeIndex peer) override;
  void on_packet(NodeIndex peer, const Packet& packet) override;
  void on_kill() override;

  void submit(Submission submission, Answer answer);
  void cancel(RunId run, Answer answer);
  void replay(const Frame& frame, NodeIndex from);
  const CoordinatorMachine& machine() const { return *machine_; }

 private:
  void begin();
  void tick();
  bool killed_at(KillPoint point);
  void tell_session(NodeIndex peer, const SessionEvent& event);
  template <class E>
  void carry_session(NodeIndex peer, E& effect);
  void receive(NodeIndex peer, const Frame& frame);
  void claim_current(Report& report);
  void send(NodeIndex peer, const Command& command);

  void decide(const CoordinatorEvent& event);
  void carry(Effects effects);
  void release_early();
  void carry_out(effect::Persist&);
  void carry_out(effect::Look&);
  void carry_out(effect::Send&);
  void carry_out(effect::PlanTasks&);
  void carry_out(effect::CommitSink&);
  void carry_out(effect::CleanUpSinks&);
  void carry_out(effect::Reply&);
  void carry_out(effect::RunEnded&);
  void carry_out(effect::Halt&);
  void carry_out(effect::RefuseReport&);
  void carry_out(const effect::Inner auto&) {
    world_.violation("what machines of the coordinator say to each other has left it");
  }
  void check_slots() const;
  void check_durable(const effect::Send& effect) const;
  void commit_now(const effect::CommitSink& commit);

  void write_next();
  void written();
  bool write_failed();
  std::vector<Looked> commit_write();
  void forget_recent(std::vector<Looked>& answers);
  void tell_looked(const std::vector<Looked>& answers);
  template <class Wanted>
  bool writes(Wanted wanted) const;
  bool writes_state(RunState state) const;
  bool writes_epoch(EpochState state) const;

  World& world_;
  Incarnation incarnation_;
  bool dead_ = false;
  bool recovering_ = false;
  bool early_ = false;
  std::map<NodeIndex, std::unique_ptr<Session>> sessions_;
  std::unique_ptr<CoordinatorMachine> machine_;
  StoreSteps to_write_;
  StoreSteps writing_;  ///< one transaction, under way
  std::uint64_t last_ticket_ = 0;
  std::uint64_t writing_ticket_ = 0;  ///< durable with that transaction
  std::set<RunId> last_made_;         ///< a mutant's: what an old snapshot lacks
  std::map<RunId, std::size_t> committed_sinks_;
  std::map<std::uint64_t, Answer> answers_;
  std::uint64_t last_request_ = 0;
};

}  // namespace troupe::sim
