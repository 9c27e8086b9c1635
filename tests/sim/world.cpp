#include "tests/sim/world.hpp"

#include <cstdio>

namespace troupe::sim {
namespace {

/// Every so many seeds, one without faults, and one with a bad disk alone.
constexpr std::uint64_t calm_one_in = 20;
/// Two clocks drift apart by less than the margin of a lease, which is a tenth.
constexpr std::int64_t drift_permille_max = 40;
constexpr Duration apart_at_most = std::chrono::hours(300);

std::size_t cluster_size(Random& random) { return 1 + (random.chance(1, 5) ? 5 : 3); }

NetSettings net_settings(Random& random) {
  NetSettings settings;
  if (random.chance(1, 4)) settings.delay_max = 20ms;
  if (random.chance(1, 2)) settings.duplicate_one_in = 50;
  if (random.chance(1, 3)) settings.damage_one_in = 20 + random.below(200);
  return settings;
}

}  // namespace

World::World(const SimOptions& given)
    : options(given),
      random(given.seed),
      loop(cluster_size(random)),
      net(loop, Random(random.next()), net_settings(random), 1 + 5),
      store(ClusterId("sim")),
      node_lease(random.chance(1, 3) ? 10s : 3s) {
  Random shape(given.seed);
  const std::size_t size = cluster_size(shape);
  processes_.resize(size);
  incarnations_.resize(size);
  heard.resize(size);
  disk_full_until_.resize(size);
  calm_ = options.seed % calm_one_in == 7;
  if (options.seed % calm_one_in == 13) bad_disk_ = 1 + random.below(size - 1);
  set_clocks();
  if (calm_ || bad_disk_) {
    net.heal();
  } else {
    plan_kill_points();
    if (random.chance(1, 3)) ends_cut_one_in_ = 40;
  }
}

void World::set_clocks() {
  clocks_.resize(nodes());
  for (ClockOf& clock : clocks_) {
    clock.ahead = between(Duration(0), apart_at_most);
    clock.drift_permille =
        static_cast<std::int64_t>(random.below(2 * drift_permille_max + 1)) - drift_permille_max;
  }
}

Instant World::clock(NodeIndex node) const {
  const ClockOf& clock = clocks_[node];
  const Duration gone = loop.now().time_since_epoch();
  return loop.now() + clock.ahead + gone / 1000 * clock.drift_permille;
}

void World::jump_ahead(NodeIndex node, Duration length) {
  trace("the clock of {} jumps ahead by {} ms", name_of(node), length / 1ms);
  ++damage.clock_jumps;
  clocks_[node].ahead += length;
}

void World::fill_disk(NodeIndex node, Duration length) {
  trace("the disk of {} takes nothing for {} ms", name_of(node), length / 1ms);
  disk_full_until_[node] = loop.now() + length;
}

void World::witness(std::uint64_t what) {
  course_ = mix(course_ ^ what ^ static_cast<std::uint64_t>(loop.now().time_since_epoch().count()));
}

/// Decoding must survive whatever the bytes are; that they are not ours is found by the
/// authentication of the transport.
std::optional<Frame> World::opened(const Packet& packet, NodeIndex self, NodeIndex peer) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(packet.frame.data());
  auto frame = Frame::decode({bytes, packet.frame.size()});
  if (!packet.damaged) {
    check(frame.ok(), "our own frames decode");
    witness(std::hash<std::string_view>()(packet.frame));
    return *std::move(frame);
  }
  refuse_damaged(self, peer);
  if (!mutated(Mutation::damaged_frame_accepted) || !frame) return {};
  return *std::move(frame);
}

void World::refuse_damaged(NodeIndex self, NodeIndex peer) {
  trace("{} refuses a damaged packet of {}", name_of(self), name_of(peer));
  ++damage.frames;
  net.reset(self, peer);
}

void World::plan_kill_points() {
  for (int i = 0; i < 6; ++i) {
    const std::size_t point = random.below(kill_points);
    planned_[point].insert(random.below(random.chance(1, 2) ? 4 : 40));
  }
}

bool World::killed_at(KillPoint point, NodeIndex node) {
  const auto index = static_cast<std::size_t>(point);
  if (healed_ || !planned_[index].contains(passed_[index]++)) return false;
  ++kills_at[index];
  trace("{} is killed: {}", name_of(node), kill_point_names[index]);
  kill(node, between(10ms, 2s));
  return true;
}

void World::start(NodeIndex node) {
  if (alive(node)) return;
  loop.replace(node);
  trace("{} starts", name_of(node));
  processes_[node] = node == coordinator ? make_coordinator(*this) : make_executor(*this, node);
}

void World::kill(NodeIndex node, Duration down) {
  if (!alive(node)) return;
  ++kills;
  trace("{} is killed, for {} ms", name_of(node), down / 1ms);
  net.down(node);
  processes_[node]->on_kill();
  loop.replace(node);
  graveyard_.push_back(std::move(processes_[node]));
  loop.after(down, [this, node] {
    if (lost_for_good_ != node) start(node);
  });
}

void World::lose_for_good(NodeIndex node) {
  lost_for_good_ = node;
  kill(node, 1s);
}

void World::heal() {
  healed_ = true;
  store_fails_next = false;
  for (Instant& until : disk_full_until_) until = {};
  net.heal();
  for (NodeIndex node = 0; node < nodes(); ++node) loop.thaw(node);
  trace("healed");
}

Incarnation World::next_incarnation(NodeIndex node, Incarnation above) {
  Incarnation& last = incarnations_[node];
  if (mutated(Mutation::incarnation_reused) && last != Incarnation()) return last;
  last = std::max(last, above).next();
  return last;
}

SessionConfig World::session(NodeIndex self, NodeIndex peer, Incarnation incarnation) const {
  SessionConfig config;
  config.cluster = ClusterName("sim");
  config.self = name_of(self);
  config.incarnation = incarnation;
  config.peer = name_of(peer);
  config.lease = node_lease;
  config.lease_margin = node_lease / 10;
  config.lost_is_final = self == coordinator;
  return config;
}

void World::violation(const std::string& what) const { throw Violation(what); }

Duration World::between(Duration low, Duration high) {
  static std::uint64_t unseeded = 0;
  if (mutated(Mutation::unseeded_chance)) return low + Duration(++unseeded % 1000);
  return low + Duration(random.below(static_cast<std::uint64_t>((high - low).count()) + 1));
}

void World::print(const std::string& text) const {
  std::printf("%10.6f %s\n", std::chrono::duration<double>(loop.now().time_since_epoch()).count(),
              text.c_str());
}

}  // namespace troupe::sim
