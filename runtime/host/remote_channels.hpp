#pragma once

#include "runtime/exec/channel.hpp"
#include "runtime/host/channel_key.hpp"
#include "runtime/protocol/messages.hpp"

#include <memory>
#include <string>

namespace troupe {

/// The other end of a channel, on another node.
struct RemoteEnd {
  PeerNode peer;
  ChannelKey key;
};

/// A partition that a finished attempt keeps on its node.
struct KeptPartition {
  AttemptKey producer;
  std::uint32_t edge = 0;
  std::uint32_t partition = 0;
};

/// A state file that a node has on its disk.
struct WantedSnapshot {
  RunUid run;
  std::string name;
};

/// Channels to tasks of other nodes: what a link offers the executor. Calls return at once; what
/// goes wrong later is told by the channel itself. Safe from any thread.
class RemoteChannels {
 public:
  virtual ~RemoteChannels() = default;
  virtual Result<std::unique_ptr<ChannelSender>> open_sender(const RemoteEnd& to,
                                                             std::shared_ptr<TaskHost> host) = 0;
  virtual Result<std::unique_ptr<ChannelReceiver>> open_receiver(
      const RemoteEnd& from, std::shared_ptr<TaskHost> host) = 0;
  /// The rows of a kept partition, sent by its node's store on this channel.
  virtual Result<std::unique_ptr<ChannelReceiver>> fetch(const RemoteEnd& from,
                                                         const KeptPartition& what,
                                                         std::shared_ptr<TaskHost> host) = 0;
  /// The bytes of a state file, as rows of one byte, sent by its node's store: each call has a
  /// channel of its own. `not_found` where it has none.
  virtual Result<std::unique_ptr<ChannelReceiver>> fetch_snapshot(
      const PeerNode& from, const WantedSnapshot& what, std::shared_ptr<TaskHost> host) = 0;
};

}  // namespace troupe
