#pragma once

#include "runtime/host/deployer.hpp"
#include "runtime/host/executor_driver.hpp"
#include "tests/sim/sim_channels.hpp"
#include "tests/sim/sim_task_host.hpp"
#include "tests/sim/sim_wire.hpp"
#include "tests/sim/stale_rows.hpp"
#include "tests/sim/world.hpp"

#include <map>
#include <memory>
#include <optional>

namespace troupe::sim {

/// An executor's process in the simulation: the real driver and its machine, real tasks, the real
/// data plane and kept files, over a simulated wire and disk, and time by the loop.
class SimExecutor final : public Process, private ExecutorHands {
 public:
  SimExecutor(World& world, NodeIndex self);

  void on_connected(NodeIndex peer) override { wire_->on_connected(peer); }
  void on_disconnected(NodeIndex peer) override { wire_->on_disconnected(peer); }
  void on_refused(NodeIndex peer) override { wire_->on_refused(peer); }
  void on_packet(NodeIndex peer, const Packet& packet) override { wire_->on_packet(peer, packet); }
  void on_kill() override;

  void replay(const Frame& frame);
  const ExecutorMachine& machine() const { return driver_.machine(); }
  /// What of any run is left here, in memory or on the disk; empty where nothing is.
  std::string held() const;

 private:
  /// What gives one attempt its turns.
  struct Shell {
    std::shared_ptr<SimTaskHost> host;
    std::optional<TaskTurns> turns;  ///< once built
  };
  /// State files on their way here.
  struct Fetching {
    std::shared_ptr<SimTaskHost> host;
    TaskTurns turns;
    std::shared_ptr<const std::vector<StoredSnapshot>> here;
  };

  void begin();
  void tick();
  bool killed_at(KillPoint point);
  void hear_peer(NodeIndex peer, const PeerEvent& event);
  void hear_frame(NodeIndex peer, const Frame& frame);
  void hear_data(NodeIndex peer, DataFrame frame);
  void obey(const Frame& frame);
  void be_reborn(Incarnation above);
  void turn(const AttemptKey& key);
  void tell_end_of(const AttemptKey& key);
  void say(const AttemptKey& key, TaskNews news);
  void commit_at_once(const AttemptKey& key, const TaskNews& news);
  void obey_strangely(Command& command);

  void do_errand(const ErrandKey& key, const Errand& errand);
  void hang(const ErrandKey& key, const Errand& errand);
  void end_errand(const ErrandKey& key, const Errand& errand);
  Result<> carry_out_here(const Errand& errand);
  Result<> amid(const Errand& errand);
  void check_errand(const ErrandKey& key, const Result<>& done) const;

  void fetch_on(std::uint64_t number);
  void serve(NodeIndex peer, const Frame& frame);
  Result<std::shared_ptr<Task>> serving(const FetchRequest& request,
                                        std::shared_ptr<SimTaskHost> host);
  void serve_on(std::uint64_t number);

  // What the driver asks for.
  void send(Report report) override;
  void fetch(std::uint64_t number, SnapshotOrder order) override;
  void stop_fetch(std::uint64_t number) override;
  void build(const DeployTask& deploy) override;
  void open(const AttemptKey& key, const Deployment& deployment, const JobName& job) override;
  void run(const AttemptKey& key) override;
  void stop(const AttemptKey& key) override;
  void over(const AttemptKey& key, const Deployment* deployment, AttemptOutcome outcome) override;
  void moved(const AttemptKey&, const TaskCounters&) override {}
  void errand(const ErrandKey& key, Errand errand) override;
  void drop(const std::string& path) override;
  void forget(RunId run) override { deployer_->forget(run); }
  void refused(const executor_effect::RefuseCommand& refused) override;
  void expelled(const executor_effect::Expelled& expelled) override;

  World& world_;
  const NodeIndex self_;
  const Incarnation incarnation_;
  bool dead_ = false;
  // Used by what tasks leave behind in the loop, which may end after this process.
  const std::shared_ptr<SimWire> wire_;
  const std::shared_ptr<DataPlane> plane_;
  const std::shared_ptr<SimChannels> channels_;
  const std::shared_ptr<Deployer> deployer_;
  ExecutorDriver driver_;
  std::map<AttemptKey, Shell> shells_;
  std::map<std::uint64_t, Fetching> fetching_;
  struct Serving {
    FetchRequest request;
    std::shared_ptr<SimTaskHost> host;
    TaskTurns turns;
  };
  std::map<std::uint64_t, Serving> serving_;
  std::uint64_t last_serving_ = 0;
  bool fenced_ = false;
  StaleRows stale_;
};

}  // namespace troupe::sim
