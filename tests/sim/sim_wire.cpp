#include "tests/sim/sim_wire.hpp"

#include "schemas/channel.capnp.h"

#include <arrow/buffer.h>

#include <utility>

namespace troupe::sim {
namespace {

PacketRef packet_of(const Frame& frame) {
  const ByteSpan bytes = frame.bytes();
  auto packet = std::make_shared<Packet>();
  packet->frame.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return packet;
}

/// The same message with one bit changed.
MessageParts damaged(const DataFrame& frame, Random& random) {
  MessageParts parts;
  for (const auto& part : frame.parts()) {
    parts.push_back(arrow::Buffer::FromString(part->ToString()));
  }
  const std::size_t victim = random.below(parts.size());
  if (parts[victim]->size() == 0) return parts;
  std::string bytes = parts[victim]->ToString();
  const std::uint64_t bit = random.below(bytes.size() * 8);
  bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
  parts[victim] = arrow::Buffer::FromString(std::move(bytes));
  return parts;
}

}  // namespace

SimWire::SimWire(World& world, NodeIndex self, Incarnation incarnation, Heard heard)
    : world_(world), self_(self), incarnation_(incarnation), heard_(std::move(heard)) {
  session(World::coordinator);
}

Session& SimWire::session(NodeIndex peer) {
  auto& known = sessions_[peer];
  if (!known) {
    known =
        std::make_unique<Session>(world_.session(self_, peer, incarnation_), world_.clock(self_));
    if (world_.net.connected(self_, peer)) tell(peer, session_event::Connected{});
  }
  return *known;
}

bool SimWire::up(NodeIndex peer) const {
  const auto known = sessions_.find(peer);
  return known != sessions_.end() && known->second->up();
}

// ---- what is sent

Result<> SimWire::connect(const NodeId& peer, const std::string&, bool) {
  if (!dead_) session(World::index_of(peer));
  return {};
}

Result<> SimWire::send(const NodeId& peer, Frame frame) {
  const NodeIndex to = World::index_of(peer);
  if (dead_ || !up(to))
    return make_error(ErrorCode::unavailable, "no session with node '{}'", peer);
  if (world_.mutated(Mutation::lost_rows_not_told) && frame.is<schema::RowsLost>()) return {};
  if (world_.mutated(Mutation::refusal_not_told) && frame.is<schema::FetchFailed>()) return {};
  put({to, std::move(frame), {}});
  return {};
}

Result<> SimWire::send_data(const NodeId& peer, DataFrame frame) {
  const NodeIndex to = World::index_of(peer);
  if (dead_ || !up(to))
    return make_error(ErrorCode::unavailable, "no session with node '{}'", peer);
  put({to, {}, std::move(frame)});
  return {};
}

/// As with a link, which has a thread of its own: never from within a call of the sender.
void SimWire::put(Outgoing item) {
  outbox_.push_back(std::move(item));
  if (std::exchange(flushing_, true)) return;
  world_.loop.after(self_, 1us, [this] { flush(); });
}

void SimWire::flush() {
  flushing_ = false;
  for (auto& [peer, frame, data] : std::exchange(outbox_, {})) {
    if (dead_) return;
    if (data) {
      send_rows(peer, data);
    } else {
      tell(peer, session_event::Send{std::move(frame)});
    }
  }
}

void SimWire::send_rows(NodeIndex peer, const DataFrame& frame) {
  if (!up(peer)) return;
  const bool end = !frame.is_batch();
  if (end && world_.mutated(Mutation::end_of_rows_lost) && world_.random.chance(1, 20)) return;
  auto packet = std::make_shared<Packet>();
  packet->data = frame;
  world_.net.send(self_, peer, std::move(packet));
  // The last rows of a task that will not be there to hear of their loss.
  if (end && world_.cuts_an_end()) {
    world_.trace("the connection from n{} to n{} breaks with the last rows", self_, peer);
    world_.net.cut(self_, peer);
  }
}

void SimWire::send_now(NodeIndex peer, Frame frame) {
  tell(peer, session_event::Send{std::move(frame)});
}

// ---- what is heard

void SimWire::on_connected(NodeIndex peer) {
  if (sessions_.contains(peer)) tell(peer, session_event::Connected{});
}

void SimWire::on_disconnected(NodeIndex peer) {
  if (!sessions_.contains(peer)) return;
  rows_lost(peer, "a data connection closed");
  if (!dead_) tell(peer, session_event::Disconnected{});
}

void SimWire::on_refused(NodeIndex peer) {
  if (sessions_.contains(peer)) tell(peer, session_event::Refused{});
}

void SimWire::rows_lost(NodeIndex peer, const char* why) {
  if (!up(peer) || world_.mutated(Mutation::lost_connection_unheard)) return;
  heard_.peer(peer, DataLost{why});
}

void SimWire::on_packet(NodeIndex peer, const Packet& packet) {
  if (packet.data.has_value()) return take_rows(peer, packet);
  const auto frame = world_.opened(packet, self_, peer);
  if (!frame || dead_) return;
  session(peer);
  tell(peer, session_event::Received{*frame});
}

/// What a link believes of rows before their channel looks at them.
void SimWire::take_rows(NodeIndex peer, const Packet& packet) {
  if (packet.damaged) return take_damaged(peer, packet);
  const auto frame = std::any_cast<DataFrame>(packet.data);
  world_.witness(frame.seq());
  if (!up(peer)) return;
  const DataTokens tokens = frame.tokens();
  if (tokens.sender_incarnation != session(peer).peer_incarnation() ||
      tokens.receiver_incarnation != incarnation_) {
    return;
  }
  tell(peer, session_event::Heard{});
  if (!dead_) heard_.data(peer, frame);
}

/// That it is damaged is found by the authentication of the transport; decoding must survive it.
void SimWire::take_damaged(NodeIndex peer, const Packet& packet) {
  auto frame = DataFrame::decode(damaged(std::any_cast<DataFrame>(packet.data), world_.random));
  if (world_.mutated(Mutation::damaged_frame_accepted) && frame && up(peer)) {
    heard_.data(peer, *std::move(frame));
  }
  world_.refuse_damaged(self_, peer);
}

void SimWire::tick() {
  const Instant now = world_.clock(self_);
  for (auto& [peer, session] : sessions_) {
    if (now >= session->next_tick(now)) tell(peer, session_event::Tick{});
    if (dead_) return;
  }
}

void SimWire::tell(NodeIndex peer, const SessionEvent& event) {
  for (SessionEffect& effect : session(peer).on(event, world_.clock(self_))) {
    std::visit([&](auto& each) { carry(peer, each); }, effect);
    if (dead_) return;
  }
}

template <class E>
void SimWire::carry(NodeIndex peer, E& effect) {
  using namespace session_effect;
  if constexpr (std::is_same_v<E, Transmit>) {
    world_.net.send(self_, peer, packet_of(effect.frame));
  } else if constexpr (std::is_same_v<E, Reply>) {
    world_.net.reply(self_, peer, packet_of(effect.frame));
  } else if constexpr (std::is_same_v<E, Deliver>) {
    heard_.frame(peer, effect.frame);
  } else if constexpr (std::is_same_v<E, Reconnect>) {
    rows_lost(peer, "the connections were replaced");
    world_.net.reconnect(self_, peer);
  } else if constexpr (!std::is_same_v<E, Refuse>) {
    heard_.peer(peer, effect);
  }
}

}  // namespace troupe::sim
