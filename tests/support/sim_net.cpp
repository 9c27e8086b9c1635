#include "tests/support/sim_net.hpp"

#include <algorithm>
#include <utility>

namespace troupe::sim {
namespace {

constexpr Duration connect_again_after = 50ms;
constexpr Duration closed_is_seen_after = 2ms;

}  // namespace

Net::Net(Loop& loop, Random random, NetSettings settings, std::size_t nodes)
    : loop_(loop),
      random_(random),
      settings_(settings),
      nodes_(nodes),
      endpoints_(nodes, nullptr),
      peers_(nodes),
      ways_(nodes * nodes) {}

void Net::up(NodeIndex node, Endpoint& endpoint, std::vector<NodeIndex> peers) {
  endpoints_[node] = &endpoint;
  peers_[node] = std::move(peers);
  for (const NodeIndex peer : peers_[node]) {
    loop_.after(node, delay(), [this, node, peer] { try_connect(node, peer); });
  }
}

void Net::down(NodeIndex node) {
  endpoints_[node] = nullptr;
  for (NodeIndex other = 0; other < nodes_; ++other) {
    if (other == node) continue;
    last_words(node, other);
    break_way(node, other, false, false);
    break_way(other, node, true, true);
  }
}

/// What a process said before it died may be on its way already; what came first, first.
void Net::last_words(NodeIndex from, NodeIndex to) {
  Way& mine = way(from, to);
  if (!mine.up || mine.blocked_until > loop_.now()) return;
  Duration later = delay();
  for (const auto& [number, packet] : mine.under_way) {
    if (!random_.chance(2, 3)) return;
    loop_.after(to, later += 1us, [this, from, to, packet] { deliver(from, to, packet); });
  }
}

void Net::try_connect(NodeIndex from, NodeIndex to) {
  Way& mine = way(from, to);
  if (mine.up || endpoints_[from] == nullptr) return;
  const bool open = mine.blocked_until <= loop_.now() && way(to, from).blocked_until <= loop_.now();
  if (open && endpoints_[to] != nullptr && !loop_.frozen(to)) {
    mine.up = true;
    ++mine.generation;
    mine.last_arrival = loop_.now();
    // What the broken connection left behind goes to whoever listens now.
    for (auto& [number, packet] : std::exchange(mine.under_way, {})) transmit(from, to, packet);
    endpoints_[from]->on_connected(to);
    return;
  }
  if (open && endpoints_[to] == nullptr) endpoints_[from]->on_refused(to);
  if (endpoints_[from] == nullptr) return;
  loop_.after(from, connect_again_after, [this, from, to] { try_connect(from, to); });
}

void Net::send(NodeIndex from, NodeIndex to, PacketRef packet) {
  Way& mine = way(from, to);
  if (mine.up) {
    transmit(from, to, std::move(packet));
  } else {
    mine.under_way.emplace(next_packet_++, std::move(packet));
  }
}

void Net::reply(NodeIndex from, NodeIndex to, PacketRef packet) {
  const std::uint64_t generation = loop_.generation(to);
  loop_.after(delay(), [this, from, to, generation, packet = std::move(packet)] {
    if (loop_.generation(to) == generation) deliver(from, to, packet);
  });
}

Duration Net::delay() {
  const auto span = (settings_.delay_max - settings_.delay_min).count();
  return settings_.delay_min + Duration(random_.below(static_cast<std::uint64_t>(span) + 1));
}

/// A flipped bit, or an end that is missing. Of an item of a data channel only that it is damaged.
PacketRef Net::maybe_damaged(PacketRef packet) {
  if (settings_.damage_one_in == 0 || !random_.chance(1, settings_.damage_one_in)) return packet;
  auto changed = std::make_shared<Packet>(*packet);
  changed->damaged = true;
  std::string& bytes = changed->frame;
  if (bytes.empty()) return changed;
  if (random_.chance(1, 3)) {
    bytes.resize(random_.below(bytes.size()));
  } else {
    const std::uint64_t bit = random_.below(bytes.size() * 8);
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
  }
  return changed;
}

void Net::transmit(NodeIndex from, NodeIndex to, PacketRef packet) {
  packet = maybe_damaged(std::move(packet));
  Way& mine = way(from, to);
  // Rows are not repeated as a rule: whoever does breaks their channel.
  const std::uint64_t one_in = settings_.duplicate_one_in * (packet->data.has_value() ? 10 : 1);
  const bool twice = one_in > 0 && random_.chance(1, one_in);
  for (int copy = 0; copy < (twice ? 2 : 1); ++copy) {
    const std::uint64_t number = next_packet_++;
    mine.under_way.emplace(number, packet);
    Duration takes = delay();
    if (mine.slow_until > loop_.now()) takes += mine.extra;
    // In order on one connection.
    mine.last_arrival = std::max(mine.last_arrival + 1us, loop_.now() + takes);
    loop_.at(mine.last_arrival, [this, from, to, generation = mine.generation, number] {
      arrive(from, to, generation, number);
    });
  }
}

void Net::arrive(NodeIndex from, NodeIndex to, std::uint64_t generation, std::uint64_t number) {
  Way& mine = way(from, to);
  if (mine.generation != generation || !mine.up) return;
  if (mine.blocked_until > loop_.now()) {
    const Instant again = mine.blocked_until;
    mine.last_arrival = std::max(mine.last_arrival, again);
    loop_.at(again, [this, from, to, generation, number] { arrive(from, to, generation, number); });
    return;
  }
  if (loop_.frozen(to)) {
    loop_.after(to, Duration(1),
                [this, from, to, generation, number] { arrive(from, to, generation, number); });
    return;
  }
  const auto found = mine.under_way.find(number);
  if (found == mine.under_way.end()) return;
  const PacketRef packet = std::move(found->second);
  mine.under_way.erase(found);
  deliver(from, to, packet);
}

void Net::deliver(NodeIndex from, NodeIndex to, const PacketRef& packet) {
  if (endpoints_[to] == nullptr) return;
  ++delivered_;
  damaged_ += packet->damaged ? 1 : 0;
  endpoints_[to]->on_packet(from, *packet);
}

void Net::break_way(NodeIndex from, NodeIndex to, bool told, bool keeps_queue) {
  Way& mine = way(from, to);
  if (!mine.up) return;
  mine.up = false;
  ++mine.generation;
  std::erase_if(mine.under_way, [&](const auto&) { return !keeps_queue || random_.chance(1, 2); });
  if (!told || endpoints_[from] == nullptr) return;
  loop_.after(from, closed_is_seen_after, [this, from, to] {
    if (!way(from, to).up && endpoints_[from] != nullptr) endpoints_[from]->on_disconnected(to);
  });
  loop_.after(from, connect_again_after, [this, from, to] { try_connect(from, to); });
}

void Net::reconnect(NodeIndex from, NodeIndex to) {
  Way& mine = way(from, to);
  mine.up = false;
  ++mine.generation;
  mine.under_way.clear();
  loop_.after(from, delay(), [this, from, to] { try_connect(from, to); });
}

void Net::block(NodeIndex from, NodeIndex to, Duration length) {
  Way& mine = way(from, to);
  mine.blocked_until = std::max(mine.blocked_until, loop_.now() + length);
  if (length <= settings_.break_after) return;
  loop_.after(settings_.break_after, [this, from, to] {
    if (way(from, to).blocked_until <= loop_.now()) return;
    break_way(from, to, true, true);
    break_way(to, from, true, true);
  });
}

void Net::slow(NodeIndex from, NodeIndex to, Duration extra, Duration length) {
  way(from, to).extra = extra;
  way(from, to).slow_until = loop_.now() + length;
}

void Net::reset(NodeIndex a, NodeIndex b) {
  break_way(a, b, true, true);
  break_way(b, a, true, true);
}

void Net::cut(NodeIndex from, NodeIndex to) { break_way(from, to, true, true); }

/// What stood behind a block comes on a new connection, not when the block would have ended.
void Net::heal() {
  for (NodeIndex from = 0; from < nodes_; ++from) {
    for (NodeIndex to = 0; to < nodes_; ++to) {
      Way& each = way(from, to);
      const bool held_up = each.last_arrival > loop_.now() + settings_.delay_max;
      each.blocked_until = {};
      each.slow_until = {};
      if (held_up) reset(from, to);
    }
  }
  settings_.duplicate_one_in = 0;
  settings_.damage_one_in = 0;
}

}  // namespace troupe::sim
