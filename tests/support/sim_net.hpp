#pragma once

#include "runtime/os/random.hpp"
#include "tests/support/sim_loop.hpp"

#include <any>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe::sim {

/// What travels: bytes of a control frame, or an item of a data channel.
struct Packet {
  std::string frame;
  std::any data;
  /// Changed on the way, as the authentication of CURVE would find: whoever takes it is wrong.
  bool damaged = false;
};
using PacketRef = std::shared_ptr<const Packet>;

/// What a process hears of the network.
class Endpoint {
 public:
  virtual ~Endpoint() = default;
  virtual void on_connected(NodeIndex peer) = 0;
  virtual void on_disconnected(NodeIndex peer) = 0;
  /// Nobody listens at the peer's address.
  virtual void on_refused(NodeIndex peer) = 0;
  virtual void on_packet(NodeIndex peer, const Packet& packet) = 0;
};

struct NetSettings {
  Duration delay_min = 100us;
  Duration delay_max = 1ms;
  /// One in so many packets comes twice; 0: none.
  std::uint64_t duplicate_one_in = 0;
  /// One in so many packets arrives with a flipped bit or cut short; 0: none.
  std::uint64_t damage_one_in = 0;
  /// How long a blocked direction is borne before both ends see a closed connection.
  Duration break_after = 2s;
};

/// A network as ZeroMQ shows it: each process keeps a connection of its own to every peer, which is
/// in order while it stands, breaks when the peer dies or the way is blocked for long, and is made
/// again by itself. What was under way when it broke is lost, or comes after all on the next
/// connection, to whoever listens then, as a queue that is sent again does.
class Net {
 public:
  Net(Loop& loop, Random random, NetSettings settings, std::size_t nodes);

  /// A process begins to listen and to connect to these peers. It must live until `down`.
  void up(NodeIndex node, Endpoint& endpoint, std::vector<NodeIndex> peers);
  /// Its process is gone; connections to and from it break.
  void down(NodeIndex node);

  /// On our own connection to the peer; where there is none, on the next one.
  void send(NodeIndex from, NodeIndex to, PacketRef packet);
  /// On the connection that the peer keeps to us.
  void reply(NodeIndex from, NodeIndex to, PacketRef packet);
  bool connected(NodeIndex from, NodeIndex to) const { return way(from, to).up; }
  /// Our connection is dropped and made anew.
  void reconnect(NodeIndex from, NodeIndex to);

  // Faults.
  void block(NodeIndex from, NodeIndex to, Duration length);
  void slow(NodeIndex from, NodeIndex to, Duration extra, Duration length);
  void reset(NodeIndex a, NodeIndex b);
  /// Our connection to the peer breaks; the one that it keeps to us does not.
  void cut(NodeIndex from, NodeIndex to);
  void heal();

  Duration delay_max() const { return settings_.delay_max; }
  std::uint64_t delivered() const { return delivered_; }
  /// Damaged packets that somebody got.
  std::uint64_t damaged() const { return damaged_; }

 private:
  struct Way {
    bool up = false;
    std::uint64_t generation = 0;
    Instant last_arrival = {};
    Instant blocked_until = {};
    Instant slow_until = {};
    Duration extra = {};
    std::map<std::uint64_t, PacketRef> under_way;
  };
  Way& way(NodeIndex from, NodeIndex to) { return ways_[from * nodes_ + to]; }
  const Way& way(NodeIndex from, NodeIndex to) const { return ways_[from * nodes_ + to]; }
  void try_connect(NodeIndex from, NodeIndex to);
  void transmit(NodeIndex from, NodeIndex to, PacketRef packet);
  void arrive(NodeIndex from, NodeIndex to, std::uint64_t generation, std::uint64_t number);
  void deliver(NodeIndex from, NodeIndex to, const PacketRef& packet);
  void break_way(NodeIndex from, NodeIndex to, bool told, bool keeps_queue);
  void last_words(NodeIndex from, NodeIndex to);
  PacketRef maybe_damaged(PacketRef packet);
  Duration delay();

  Loop& loop_;
  Random random_;
  NetSettings settings_;
  std::size_t nodes_;
  std::vector<Endpoint*> endpoints_;
  std::vector<std::vector<NodeIndex>> peers_;
  std::vector<Way> ways_;
  std::uint64_t next_packet_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t damaged_ = 0;
};

}  // namespace troupe::sim
