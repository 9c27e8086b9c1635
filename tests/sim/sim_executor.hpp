#pragma once

#include "runtime/host/executor_machine.hpp"
#include "tests/sim/sim_task.hpp"
#include "tests/sim/world.hpp"

#include <map>
#include <memory>
#include <set>
#include <vector>

namespace troupe::sim {

/// An executor's shell in the simulation: the real machine and a real session with the coordinator,
/// model tasks, and their rows on the way between nodes.
class SimExecutor final : public Process, public TaskOwner {
 public:
  SimExecutor(World& world, NodeIndex self);

  void on_connected(NodeIndex peer) override;
  void on_disconnected(NodeIndex peer) override;
  void on_refused(NodeIndex peer) override;
  void on_packet(NodeIndex peer, const Packet& packet) override;
  void on_kill() override { dead_ = true; }

  // What tasks ask of it.
  void send_rows(const TaskPeer& to, RowsItem item) override;
  void ask_partition(const TaskPeer& of, PartitionRequest request) override;
  void task_done(const AttemptKey& key, TaskFinished report, Kept kept) override;
  void task_broke(const AttemptKey& key, TaskFailed report) override;

  void replay(const Frame& frame);
  /// Something that it keeps is damaged on its disk.
  void rot(std::uint64_t chance);
  const ExecutorMachine& machine() const { return machine_; }
  std::size_t tasks() const { return tasks_.size(); }
  std::size_t kept() const { return kept_.size(); }

 private:
  void begin();
  void tick();
  bool killed_at(KillPoint point);
  void tell_session(const SessionEvent& event);
  template <class E>
  void carry_session(E& effect);
  void obey(const Frame& frame);
  void check_fence(const Command& command, Term seen, const ExecutorEffects& effects) const;
  void be_reborn(Incarnation above);
  void decide(const ExecutorEvent& event);
  void carry(ExecutorEffects effects);

  void carry_out(executor_effect::Send&);
  void carry_out(executor_effect::OpenTask&);
  void carry_out(executor_effect::RunTask&);
  void carry_out(executor_effect::StopTask&);
  void carry_out(executor_effect::DropOutputs&);
  void carry_out(executor_effect::RefuseCommand&);
  void carry_out(executor_effect::Expelled&);

  void retire(const AttemptKey& key);
  void take(NodeIndex peer, const RowsItem& item);
  void take(NodeIndex peer, const PartitionRequest& request);
  void take(NodeIndex peer, const PartitionReply& reply);
  template <class Item>
  void pass(NodeIndex to, Item item);

  World& world_;
  NodeIndex self_;
  Incarnation incarnation_;
  bool dead_ = false;
  std::unique_ptr<Session> session_;
  ExecutorMachine machine_;
  std::map<AttemptKey, std::unique_ptr<SimTask>> tasks_;
  std::map<AttemptKey, Kept> kept_;
  std::set<AttemptKey> rotten_;
  std::set<NodeIndex> lost_to_;  ///< who is to be told, once it is connected again
  /// Over, but what they had planned may still come up in the loop.
  std::vector<std::unique_ptr<SimTask>> stopped_;
};

}  // namespace troupe::sim
