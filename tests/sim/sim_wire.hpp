#pragma once

#include "runtime/host/data_plane.hpp"
#include "runtime/host/peer_wire.hpp"
#include "tests/sim/world.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>

namespace troupe::sim {

/// The link of one simulated node: a real session with each peer, frames and rows over the
/// simulated network. What `Link` does with sockets; the simulation has one connection a peer for
/// both, so that whatever breaks it loses rows.
class SimWire final : public PeerWire {
 public:
  struct Heard {
    std::function<void(NodeIndex peer, const PeerEvent& event)> peer;
    std::function<void(NodeIndex peer, const Frame& frame)> frame;
    std::function<void(NodeIndex peer, DataFrame frame)> data;
  };
  SimWire(World& world, NodeIndex self, Incarnation incarnation, Heard heard);

  Result<> send(const NodeId& peer, Frame frame) override;
  Result<> send_data(const NodeId& peer, DataFrame frame) override;
  Result<> connect(const NodeId& peer, const std::string& address, bool final) override;

  void on_connected(NodeIndex peer);
  void on_disconnected(NodeIndex peer);
  void on_refused(NodeIndex peer);
  void on_packet(NodeIndex peer, const Packet& packet);
  void tick();
  bool up(NodeIndex peer) const;
  /// To the coordinator, at once.
  void send_now(NodeIndex peer, Frame frame);
  /// Its process is dead: nothing is sent or heard any more.
  void die() { dead_ = true; }

 private:
  struct Outgoing {
    NodeIndex peer;
    Frame frame;
    DataFrame data;
  };
  Session& session(NodeIndex peer);
  void tell(NodeIndex peer, const SessionEvent& event);
  template <class E>
  void carry(NodeIndex peer, E& effect);
  void put(Outgoing item);
  void flush();
  void send_rows(NodeIndex peer, const DataFrame& frame);
  void take_rows(NodeIndex peer, const Packet& packet);
  void take_damaged(NodeIndex peer, const Packet& packet);
  void rows_lost(NodeIndex peer, const char* why);

  World& world_;
  const NodeIndex self_;
  const Incarnation incarnation_;
  const Heard heard_;
  std::map<NodeIndex, std::unique_ptr<Session>> sessions_;
  std::deque<Outgoing> outbox_;
  bool flushing_ = false;
  bool dead_ = false;
};

}  // namespace troupe::sim
