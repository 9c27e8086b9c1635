#pragma once

#include "runtime/host/remote_channels.hpp"
#include "tests/sim/world.hpp"

namespace troupe::sim {

/// The channels from other nodes as the tasks of one simulated node have them: the data plane's,
/// but that a process may die when a barrier comes out of one, and that mutants err here.
class SimChannels final : public RemoteChannels {
 public:
  SimChannels(World& world, NodeIndex self, RemoteChannels& real)
      : world_(world), self_(self), real_(real) {}

  Result<std::unique_ptr<ChannelSender>> open_sender(const RemoteEnd& to,
                                                     std::shared_ptr<TaskHost> host) override {
    return real_.open_sender(to, std::move(host));
  }
  Result<std::unique_ptr<ChannelReceiver>> open_receiver(const RemoteEnd& from,
                                                         std::shared_ptr<TaskHost> host) override;
  Result<std::unique_ptr<ChannelReceiver>> fetch(const RemoteEnd& from, const KeptPartition& what,
                                                 std::shared_ptr<TaskHost> host) override {
    return real_.fetch(from, what, std::move(host));
  }
  Result<std::unique_ptr<ChannelReceiver>> fetch_snapshot(const PeerNode& from,
                                                          const WantedSnapshot& what,
                                                          std::shared_ptr<TaskHost> host) override {
    return real_.fetch_snapshot(from, what, std::move(host));
  }

 private:
  World& world_;
  const NodeIndex self_;
  RemoteChannels& real_;
};

}  // namespace troupe::sim
