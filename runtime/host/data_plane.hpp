#pragma once

#include "runtime/base/metrics.hpp"
#include "runtime/host/peer_wire.hpp"
#include "runtime/host/remote_channels.hpp"
#include "runtime/net/link.hpp"
#include "runtime/os/clock.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>
#include <variant>
#include <vector>

namespace troupe {

class ChannelEnd;
class IncomingEnd;
class OutgoingEnd;

/// The address of a node's data plane, and of its store.
inline constexpr std::string_view data_address = "data";
inline constexpr std::string_view store_address = "store";

/// A peer that cannot be reached for so long breaks the channels that wait for it.
inline constexpr Duration connect_max = 15s;

/// The channels between tasks of this node and tasks of others.
///
/// A channel lives in one session with its peer: it waits for the session, and breaks with it for
/// good; its tasks fail, and their region begins again. It breaks, too, where a data connection to
/// or from the peer closed within the session: each node tells the other of its own (`RowsLost`).
/// Data frames and grants for channels that are not here are counted and dropped: they are late.
///
/// Made before the link is started; outlives all tasks, outlived by the wire. The `hear` calls come
/// from the wire's thread, the others from any.
class DataPlane : public RemoteChannels, public std::enable_shared_from_this<DataPlane> {
 public:
  /// Speaks over `wire`, and hears what it is told by the `hear` calls.
  static std::shared_ptr<DataPlane> over(PeerWire& wire, Metrics& metrics, const Clock& clock,
                                         ClusterName cluster, NodeId self, Incarnation incarnation);

  Result<std::unique_ptr<ChannelSender>> open_sender(const RemoteEnd& to,
                                                     std::shared_ptr<TaskHost> host) override;
  Result<std::unique_ptr<ChannelReceiver>> open_receiver(const RemoteEnd& from,
                                                         std::shared_ptr<TaskHost> host) override;
  Result<std::unique_ptr<ChannelReceiver>> fetch(const RemoteEnd& from, const KeptPartition& what,
                                                 std::shared_ptr<TaskHost> host) override;
  Result<std::unique_ptr<ChannelReceiver>> fetch_snapshot(const PeerNode& from,
                                                          const WantedSnapshot& what,
                                                          std::shared_ptr<TaskHost> host) override;
  /// STORE: the fetch on this channel cannot be served.
  void refuse_fetch(const RemoteEnd& to, const Error& error);

  void hear(const NodeId& peer, const Frame& frame);
  void hear_data(const NodeId& peer, DataFrame frame);
  void hear_peer(const NodeId& peer, const PeerEvent& event);
  void tick(Instant now);

  /// Open channels, for people and tests.
  std::size_t open() const;

 private:
  class Sender;
  class Receiver;

  DataPlane(PeerWire& wire, Metrics& metrics, const Clock& clock, ClusterName cluster, NodeId self,
            Incarnation incarnation);

  Result<std::unique_ptr<ChannelReceiver>> receive(const RemoteEnd& from, Frame request,
                                                   std::shared_ptr<TaskHost> host);
  template <class End>
  Result<std::shared_ptr<End>> enter(std::map<ChannelKey, std::shared_ptr<End>>& table,
                                     std::shared_ptr<End> end);
  DataTokens tokens(const RemoteEnd& where, bool sending) const;
  template <class T, class Fill>
  Frame say(const RemoteEnd& where, std::string_view to, Fill&& fill) const;
  Frame tell_rows_lost() const;
  /// All that are here now: they are told without the lock.
  std::vector<std::shared_ptr<ChannelEnd>> ends() const;
  void break_all(const NodeId& peer, const Error& error);
  void refused(const char* reason);
  MetricCounter& refusals(const char* reason);
  std::shared_ptr<OutgoingEnd> outgoing(const ChannelKey& key) const;
  std::shared_ptr<IncomingEnd> incoming(const ChannelKey& key) const;

  PeerWire& wire_;
  Metrics& metrics_;
  const Clock& clock_;
  const ClusterName cluster_;
  const NodeId self_;
  const Incarnation incarnation_;
  const std::uint64_t asking_;  ///< by which others tell our fetches from those of other nodes
  std::atomic<std::uint64_t> last_fetch_{0};
  mutable std::mutex mutex_;
  std::map<NodeId, Incarnation> sessions_;   ///< that are up
  std::map<NodeId, std::string> addresses_;  ///< that were connected to
  std::map<ChannelKey, std::shared_ptr<OutgoingEnd>> outgoing_;
  std::map<ChannelKey, std::shared_ptr<IncomingEnd>> incoming_;
};

/// What another node asks this node's store for.
struct FetchRequest {
  RemoteEnd from;  ///< who asks, and on which channel
  std::variant<KeptPartition, WantedSnapshot> what;
};
/// Of a frame to `store_address`; `corrupt` where it is none.
Result<FetchRequest> fetch_request_of(const NodeId& peer, const Frame& frame);

}  // namespace troupe
