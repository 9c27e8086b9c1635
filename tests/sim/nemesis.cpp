#include "tests/sim/nemesis.hpp"

#include "tests/sim/sim_coordinator.hpp"
#include "tests/sim/sim_executor.hpp"

namespace troupe::sim {

Nemesis::Nemesis(World& world) : world_(world), random_(world.random.next()) {
  const Duration seldom = world.streams() ? 3s : 1s;
  pause_ = seldom / static_cast<std::int64_t>(1 + random_.below(8));
  const std::uint64_t kinds = random_.chance(1, 3) ? 1 : 1 + random_.below(faults);
  for (std::uint64_t i = 0; i < kinds; ++i) {
    mix_.push_back(static_cast<Fault>(random_.below(faults)));
  }
}

void Nemesis::begin() {
  if (world_.calm() || world_.one_bad_disk()) return;
  world_.loop.after(pause_, [this] { step(); });
}

void Nemesis::step() {
  if (world_.healed()) return;
  strike(mix_[random_.below(mix_.size())]);
  const auto span = static_cast<std::uint64_t>(pause_.count());
  world_.loop.after(pause_ / 2 + Duration(random_.below(span)), [this] { step(); });
}

NodeIndex Nemesis::any_node() { return random_.below(world_.nodes()); }

std::pair<NodeIndex, NodeIndex> Nemesis::any_pair() {
  const NodeIndex a = any_node();
  const NodeIndex b = (a + 1 + random_.below(world_.nodes() - 1)) % world_.nodes();
  return {a, b};
}

void Nemesis::strike(Fault fault) {
  // Mostly shorter than a lease, sometimes longer.
  const Duration length =
      random_.chance(1, 6) ? world_.between(world_.node_lease, 15s) : world_.between(20ms, 3s);
  const auto [a, b] = any_pair();
  switch (fault) {
    case Fault::kill:
      return world_.kill(1 + random_.below(world_.nodes() - 1), world_.between(10ms, 4s));
    case Fault::kill_coordinator:
      return world_.kill(World::coordinator, world_.between(10ms, 2s));
    case Fault::freeze:
      world_.trace("{} freezes for {} ms", World::name_of(a), length / 1ms);
      return world_.loop.freeze(a, length);
    case Fault::partition:
      world_.trace("{} and {} are parted for {} ms", World::name_of(a), World::name_of(b),
                   length / 1ms);
      world_.net.block(a, b, length);
      return world_.net.block(b, a, length);
    case Fault::one_way:
      world_.trace("{} does not reach {} for {} ms", World::name_of(a), World::name_of(b),
                   length / 1ms);
      return world_.net.block(a, b, length);
    case Fault::reset:
      world_.trace("the connection of {} and {} breaks", World::name_of(a), World::name_of(b));
      return world_.net.reset(a, b);
    case Fault::cut:
      world_.trace("the connection from {} to {} breaks", World::name_of(a), World::name_of(b));
      return world_.net.cut(a, b);
    case Fault::slow:
      return world_.net.slow(a, b, world_.between(10ms, 700ms), length);
    case Fault::ghost:
      return replay_something();
    case Fault::rot:
      return rot_something(a);
    case Fault::disk_full:
      if (a != World::coordinator) world_.fill_disk(a, world_.between(20ms, 3s));
      return;
    case Fault::store_fails:
      world_.store_fails_next = true;
      return;
    case Fault::storage_away:
      return world_.lose_storage(length);
    case Fault::clock_jump:
      return world_.jump_ahead(a, length);
    case Fault::black_out:
      return world_.black_out(world_.between(100ms, 2s));
  }
}

/// Something that a node keeps for consumers is damaged on its disk.
void Nemesis::rot_something(NodeIndex node) {
  if (node == World::coordinator) return;
  if (world_.streams()) return world_.rot_state(node, random_.next());
  Disk& disk = world_.disk(node);
  std::vector<std::string> kept = disk.files_below("/work");
  std::erase_if(kept, [](const auto& path) { return path.find("/edge-") == std::string::npos; });
  if (kept.empty()) return;
  const std::string& victim = kept[random_.below(kept.size())];
  world_.trace("{} of n{} rots", victim, node);
  disk.rot(victim);
}

/// What was said once is heard again, behind the back of the session.
void Nemesis::replay_something() {
  const NodeIndex node = any_node();
  const auto& heard = world_.heard[node];
  if (heard.empty() || !world_.alive(node) || world_.loop.frozen(node)) return;
  const Frame frame = heard[random_.below(heard.size())];
  ++world_.ghosts;
  if (node == World::coordinator) {
    const NodeIndex from = World::index_of(frame.tokens().sender);
    static_cast<SimCoordinator*>(world_.process(node))->replay(frame, from);
  } else {
    static_cast<SimExecutor*>(world_.process(node))->replay(frame);
  }
}

}  // namespace troupe::sim
