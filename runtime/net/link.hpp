#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/base/metrics.hpp"
#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"
#include "runtime/net/keys.hpp"
#include "runtime/net/session.hpp"
#include "runtime/wire/data_frame.hpp"
#include "runtime/wire/frame.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <variant>

namespace troupe {

struct LinkConfig {
  /// Cluster, self, incarnation, times and limits of every session; `peer` is filled in per peer.
  SessionConfig session;
  /// Where to listen: "tcp://127.0.0.1:0" takes a free port. An address beyond loopback needs
  /// provisioned keys.
  std::string bind = "tcp://127.0.0.1:0";
  /// The address that peers shall call; empty: the bound one. "tcp://0.0.0.0:..." needs it.
  std::string advertise = {};

  /// Connections per peer for data, beside the one for control. A channel uses one of them only.
  int data_lanes = 2;
  int io_threads = 2;
  /// Size of one message part; libzmq closes a connection that brings a larger one.
  std::size_t part_bytes_max = std::size_t{64} << 20;
  /// Bytes per peer that were handed to `send_data` and that libzmq has not taken yet.
  std::size_t data_queue_bytes_max = std::size_t{64} << 20;
  /// Messages that libzmq holds per connection and direction.
  int control_messages_max = 1000;
  int data_messages_max = 16;
  int received_messages_max = 256;
  /// Messages received in one `poll`: a limit, so that timers never starve.
  int receives_per_poll = 512;
  Duration handshake_timeout = 3s;
  Duration reconnect_min = 10ms;
  Duration reconnect_max = 1s;
};

/// A data lane may have lost something: the channels with this peer are broken.
struct DataLost {
  std::string text;
};

/// What happened to a peer. Supervisors act on Up, Down and LeaseEnded; Closed and Stalled are
/// hints.
using PeerEvent =
    std::variant<session_effect::Up, session_effect::Closed, session_effect::Resumed,
                 session_effect::Down, session_effect::LeaseEnded, session_effect::OwnLeaseEnded,
                 session_effect::OwnLeaseRenewed, session_effect::Fenced, session_effect::Rejected,
                 session_effect::Stalled, DataLost>;

/// Hears what a link receives. Called inside `poll`, on its thread: hand over, never wait.
class LinkListener {
 public:
  virtual ~LinkListener() = default;
  virtual void on_frame(const NodeId& peer, Frame frame) = 0;
  /// The tokens of the frame are unchecked: the channel's decoder compares them with its own.
  virtual void on_data(const NodeId& peer, DataFrame frame) = 0;
  virtual void on_peer(const NodeId& peer, const PeerEvent& event) = 0;
};

/// The wire of one node: owns all its ZeroMQ sockets, authenticates each connection, and drives one
/// `Session` per peer.
///
/// Receives on one ROUTER, sends on DEALERs of its own to each peer: one for control, `data_lanes`
/// for data, so that bulk never delays a heartbeat. The CURVE key of a connection proves which node
/// sends on it; each message must name that node as its sender.
///
/// One thread drives it, and only that thread may destroy it:
///
///     while (running) { link->wait(100ms); link->poll(clock.now()); }
///
/// `send`, `send_data`, `connect`, `forget`, `admit`, `canary` and `wake` may be called from any
/// thread: they queue and wake.
class Link {
 public:
  /// Starts the ZAP handler, proves with a random key that it refuses strangers, then binds.
  /// Blocks for some milliseconds. The listener and the metrics must outlive the link.
  static Result<std::unique_ptr<Link>> open(LinkConfig config, KeyRing keys, LinkListener& listener,
                                            Metrics& metrics, Instant now);
  ~Link();

  /// The address that it listens on: "tcp://127.0.0.1:41233".
  const std::string& endpoint() const;
  const PublicKey& public_key() const;

  /// Keeps a session with this peer, now and after every loss, until `forget`. A peer that connects
  /// to us needs no `connect`: we call it at the address it names. Harmless if there is a session
  /// already. `final_when_lost`: see `SessionConfig::lost_is_final`; once set it stays.
  Result<> connect(const NodeId& peer, const std::string& address, bool final_when_lost = false);
  /// Says goodbye to the peer and keeps no session with it any more.
  void forget(const NodeId& peer, const std::string& reason);
  /// Sets `SessionConfig::lost_is_final` for all peers, also those that connect to us themselves.
  void final_when_lost(bool final);
  /// Replaces the allow-list. Forgets at once each node whose key is gone or has changed; such a
  /// node needs a `connect` to be dialled again.
  void admit(KeyRing keys);

  /// Sends a message to an actor of the peer, with this node as its sender. It arrives once and in
  /// order while the session lasts; when the session ends, `Down` says so. `unavailable` if there
  /// is no session now, or no room.
  Result<> send(const NodeId& peer, Frame frame);
  /// Sends an item of a channel on the channel's lane. `unavailable` like `send`.
  Result<> send_data(const NodeId& peer, DataFrame frame);
  /// Tells that the node's scheduler ran an actor on time, at `now`.
  void canary(Instant now);

  /// Sleeps until something can be done, `wake` is called, a timer is due or `max` has passed.
  void wait(Duration max);
  /// Receives, sends, and keeps time; never blocks.
  void poll(Instant now);
  void wake();

  /// Says goodbye to all peers and waits at most `max` for the words to leave.
  void leave(const std::string& reason, Duration max);

  class Transport;

 private:
  explicit Link(std::unique_ptr<Transport> transport);
  std::unique_ptr<Transport> transport_;
};

}  // namespace troupe
