#pragma once

#include "runtime/net/lane.hpp"
#include "runtime/net/link.hpp"
#include "runtime/net/zap.hpp"
#include "runtime/net/zmq_socket.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>
#include <variant>
#include <vector>

namespace troupe {

/// Commands of other threads to a link, carried out at its next `poll`.
namespace link_command {
struct Connect {
  NodeId peer;
  std::string address;
  bool final_when_lost;
};
struct Forget {
  NodeId peer;
  std::string reason;
};
struct FinalWhenLost {
  bool final;
};
struct Admit {
  KeyRing keys;
};
struct Send {
  NodeId peer;
  Frame frame;
};
struct SendData {
  NodeId peer;
  DataFrame frame;
};
}  // namespace link_command
using LinkCommand =
    std::variant<link_command::Connect, link_command::Forget, link_command::FinalWhenLost,
                 link_command::Admit, link_command::Send, link_command::SendData>;

/// The way from all threads to the one that polls: a queue bounded in bytes, and an eventfd.
class LinkInbox {
 public:
  LinkInbox(std::size_t control_bytes_max, std::size_t data_bytes_max);
  ~LinkInbox();
  LinkInbox(const LinkInbox&) = delete;
  LinkInbox& operator=(const LinkInbox&) = delete;

  void post(LinkCommand command);
  /// `unavailable` if the peer is not up, or too much waits for it.
  Result<> post_frame(const NodeId& peer, Frame frame);
  Result<> post_data(const NodeId& peer, DataFrame frame);
  std::vector<LinkCommand> take();

  // For the polling thread only.
  void set_up(const NodeId& peer, bool up);
  void frame_handled(const NodeId& peer, std::size_t bytes);
  void data_left(const NodeId& peer, std::size_t bytes);

  void wake();
  void drain_wake();
  int descriptor() const { return descriptor_; }

 private:
  struct Room {
    bool up = false;
    std::size_t control_bytes = 0;
    std::size_t data_bytes = 0;
  };
  void enqueue(LinkCommand command);

  const std::size_t control_bytes_max_;
  const std::size_t data_bytes_max_;
  int descriptor_;
  std::mutex mutex_;
  std::vector<LinkCommand> commands_;
  std::unordered_map<NodeId, Room> rooms_;
};

/// The polling half of a `Link`: owns sockets and sessions, and carries frames between them. One
/// thread only.
class Link::Transport {
 public:
  Transport(LinkConfig config, KeyRing keys, LinkListener& listener, Metrics& metrics);
  Result<> start(Instant now);

  void wait(Duration max);
  void poll(Instant now);
  void leave(const std::string& reason, Duration max);

  LinkInbox& inbox() { return inbox_; }
  const LinkConfig& config() const { return config_; }
  const std::string& endpoint() const { return endpoint_; }
  const PublicKey& public_key() const { return public_key_; }
  void canary(Instant now) { canary_.store(now.time_since_epoch().count()); }

 private:
  /// One remote node: its session and our lanes to it.
  struct Peer {
    Session session;
    std::string address;
    bool configured = false;  ///< `connect` asked for it: dialled again whatever happens
    std::optional<Lane> control;
    std::vector<Lane> data;
    bool final_when_lost = false;  ///< `connect` asked for it
    bool not_admitted = false;     ///< since the last handshake; so that it is told once
    /// Set after a failed handshake, for libzmq does not try again by itself. The key lists may
    /// have been mended by then.
    std::optional<Instant> dial_again_at;
  };
  /// Outlives `forget`: the next session with the peer must use new numbers, and keep old
  /// incarnations fenced.
  struct ForgottenPeer {
    std::uint32_t next_session;
    Incarnation fenced_up_to;
  };
  struct Refusals {
    MetricCounter* by_kind[refusal_kinds] = {};
  };

  void handle(link_command::Connect& command);
  void handle(link_command::Forget& command);
  void handle(link_command::FinalWhenLost& command);
  void handle(link_command::Admit& command);
  void handle(link_command::Send& command);
  void handle(link_command::SendData& command);

  Peer& peer_of(const NodeId& node);
  void dial(const NodeId& node, Peer& peer);
  void hang_up(const NodeId& node, Peer& peer);
  void drop_data(const NodeId& node, Peer& peer);
  Lane make_lane(const Peer& peer, const PublicKey& key, bool control);

  void read_news(const NodeId& node, Peer& peer);
  void on_control_change(const NodeId& node, Peer& peer, Lane::Change change);
  void on_data_change(const NodeId& node, Peer& peer, Lane& lane, Lane::Change change);
  void read_answers(const NodeId& node, Peer& peer);
  void read_router_events();
  void note_refused(const std::vector<std::string>& keys);
  void flush(const NodeId& node, Peer& peer);
  void tick(const NodeId& node, Peer& peer);

  // Messages that arrive on the ROUTER.
  bool receive_one();
  void accept(ReceivedPart& first, bool more);
  void accept_control(const NodeId& node, ReceivedPart& part, bool more);
  void accept_data(const NodeId& node, ReceivedPart& first, bool more);
  MessageParts rest_of_message(ReceivedPart& first, bool more);
  void skip_rest(bool more);
  void call_back(const NodeId& node, Peer& peer, const Frame& hello, Incarnation before);
  void reject(schema::RejectCode code, const std::string& text, std::uint64_t incarnation);
  void answer(const Frame& frame);
  void refuse(Refusal refusal);

  void tell(const NodeId& node, Peer& peer, const SessionEvent& event);
  void apply(const NodeId& node, Peer& peer, SessionEffect& effect);
  void announce(const NodeId& node, const PeerEvent& event);

  LinkConfig config_;
  KeyRing keys_;
  PublicKey public_key_;
  LinkListener& listener_;
  LinkInbox inbox_;
  std::atomic<std::int64_t> canary_{0};
  bool final_when_lost_ = false;
  std::string endpoint_;

  // The order matters, for members end in reverse: lanes first, then sockets, then the context.
  ZmqContext context_;
  std::optional<ZapHandler> zap_;
  std::optional<ZmqSocket> router_;
  std::optional<SocketMonitor> router_events_;
  std::map<NodeId, Peer> peers_;
  std::map<NodeId, ForgottenPeer> forgotten_;
  std::unordered_map<std::string, NodeId> nodes_by_key_;  ///< key in hex, as in the User-Id

  /// Keys whose refusal the log has told. Bounded: a stranger can make any number of keys.
  std::set<std::string> refused_keys_;

  std::string routing_id_;  ///< of the message at hand, for answers
  Instant now_ = {};

  LaneMetrics control_sent_;
  LaneMetrics data_sent_;
  MetricCounter& control_received_;
  MetricCounter& control_bytes_received_;
  MetricCounter& data_received_;
  MetricCounter& data_bytes_received_;
  MetricCounter& keys_refused_;
  MetricCounter& connections_;
  MetricCounter& connections_admitted_;
  MetricGauge& peers_up_;
  Refusals refusals_;
};

}  // namespace troupe
