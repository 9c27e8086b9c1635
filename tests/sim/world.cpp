#include "tests/sim/world.hpp"

#include "runtime/connectors/connectors.hpp"
#include "runtime/ops/builtin_ops.hpp"
#include "tests/sim/faulty_operators.hpp"
#include "tests/sim/sim_operators.hpp"
#include "tests/sim/sim_source.hpp"

#include <cstdio>

namespace troupe::sim {
namespace {

/// Every so many seeds, one without faults, and one with a bad disk alone.
constexpr std::uint64_t calm_one_in = 20;
/// Two clocks drift apart by less than the margin of a lease, which is a tenth.
constexpr std::int64_t drift_permille_max = 40;
constexpr Duration apart_at_most = std::chrono::hours(300);

/// Users' disk is where outputs are committed, a node's own one where it keeps rows.
Mutation door_mutation(Mutation mutation, bool own) {
  const bool of_own =
      mutation == Mutation::failed_sync_ignored || mutation == Mutation::state_not_synced;
  return of_own == own ? mutation : Mutation::none;
}

std::size_t cluster_size(Random& random) { return 1 + (random.chance(1, 5) ? 5 : 3); }

/// So late is a request to a database that nobody waits for any more.
constexpr Duration late_request_max = 5s;
constexpr int databases = 2;

/// So slow that a source, which reads from it, lasts for some epochs.
Duration slow_disk(Random& random, Duration delay_max) {
  const Duration slow = delay_max * static_cast<std::int64_t>(10 + random.below(20));
  return std::min<Duration>(slow, 200ms);
}

/// Whatever is damaged throws a stream back to its last epoch, so it must be rare.
NetSettings net_settings(Random& random, bool streams) {
  NetSettings settings;
  if (random.chance(1, 4)) settings.delay_max = 20ms;
  if (random.chance(1, 2)) settings.duplicate_one_in = 50;
  if (random.chance(1, 3)) settings.damage_one_in = (streams ? 50 : 1) * (20 + random.below(200));
  return settings;
}

}  // namespace

World::World(const SimOptions& given)
    : options(given),
      random(given.seed),
      loop(cluster_size(random)),
      net(loop, Random(random.next()), net_settings(random, given.streams), 1 + 5),
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
  if (streams()) disk_max_ = slow_disk(random, net.delay_max());
  make_disks();
  make_databases();
  register_all();
  set_clocks();
  if (calm_ || bad_disk_) {
    net.heal();
  } else {
    plan_kill_points();
    rots_all_copies_ = streams() && random.chance(1, 6);
    if (random.chance(1, 3)) ends_cut_one_in_ = streams() ? 2000 : 40;
    if (random.chance(1, 4)) hanging_ = 1 + random.below(size - 1);
  }
}

World::~World() { burying_ = true; }

void World::make_disks() {
  down_.resize(nodes());
  for (NodeIndex node = 0; node < nodes(); ++node) {
    const auto shut = [this, node] {
      return burying_ || loop.burying() || (node != coordinator && down_[node]);
    };
    disks_.push_back(std::make_unique<Disk>(random.next()));
    const bool own = node != coordinator;
    const Mutation mutation = door_mutation(options.mutation, own);
    auto door = std::make_unique<Door>(*disks_.back(), mutation, shut);
    if (!own) {
      users_door_ = std::move(door);
      own_files_.emplace_back();
      continue;
    }
    door->on_create([this](const std::string& path) {
      damage.set_aside += path.find("/scratch/") != std::string::npos;
    });
    if (streams()) {
      door->meanwhile(
          [this, node](const std::string& path) { return own_disk_changes(node, path); });
    }
    own_files_.push_back(std::make_unique<OwnFiles>(*door));
    doors_.push_back(std::move(door));
  }
  if (bad_disk_) disk(*bad_disk_).be_full(true);
}

/// In the middle of writing, merging or copying state.
Result<> World::own_disk_changes(NodeIndex node, const std::string& path) {
  if (!path.starts_with("/checkpoints/")) return {};
  const auto dash = path.rfind('-');
  const bool copied = path.ends_with(".new");
  const bool merged = !copied && dash != std::string::npos && path.substr(dash).starts_with("-m");
  const KillPoint point = copied   ? KillPoint::state_being_copied
                          : merged ? KillPoint::state_being_merged
                                   : KillPoint::state_being_written;
  if (!killed_at(point, node)) return {};
  return make_error(ErrorCode::unavailable, "the process is dead");
}

void World::make_databases() {
  if (!streams()) return;
  const Database::Hands hands{
      .fate = [this] { return fate_of_request(); },
      .later =
          [this](std::function<void()> what) {
            loop.after(between(1ms, late_request_max), std::move(what));
          },
      .changed = [this](const std::string& marker) { database_changed(marker); }};
  for (int i = 0; i < databases; ++i) {
    const Database::Faults faults{mutated(Mutation::database_marker_ignored),
                                  mutated(Mutation::database_marker_apart)};
    databases_.push_back(std::make_unique<Database>(faults, hands));
  }
}

Database::Fate World::fate_of_request() {
  if (calm() || healed_ || !random.chance(1, 8)) return Database::Fate::done;
  return static_cast<Database::Fate>(1 + random.below(3));
}

void World::register_all() {
  registry_ = std::make_unique<OperatorRegistry>(*users_door_);
  if (is_of_operators(options.mutation)) {
    true_kinds_ = std::make_unique<OperatorRegistry>(*users_door_);
    register_operators(*true_kinds_);
    register_faulty(*registry_, *true_kinds_, options.mutation, random);
  } else {
    register_operators(*registry_);
  }
  register_connectors(*registry_);
  register_sim_operators(
      *registry_,
      {[this](const std::string& name) { return failed_once.insert(name).second; }, &random});
  SourceHooks hooks{[this](const std::string& name) { return model_streams.at(name); }};
  if (mutated(Mutation::position_read_ahead)) {
    hooks.left_out = [this](const std::string& split) {
      return read_of_splits[split]++ > 0 ? 1 : 0;
    };
  }
  register_sim_source(*registry_, std::move(hooks));
  register_sim_database(*registry_, [this](std::int64_t number) -> Database& {
    return database(static_cast<int>(number));
  });
  planner_ = std::make_unique<Planner>(*registry_);
}

StreamCheck* World::stream_check(RunId run) {
  const RunImage& image = store.all_runs().at(run);
  const auto& stream = jobs.at(*image.plan).stream;
  if (stream == nullptr) return nullptr;
  return &stream_checks_.try_emplace(run, *this, run, image.made.uid, stream).first->second;
}

/// Who has a marker like this has committed something.
void World::database_changed(const std::string& marker) {
  for (const auto& [id, run] : store.all_runs()) {
    if (marker.starts_with(run.made.uid.value() + "/")) return stream_check(id)->moved();
  }
}

void World::set_clocks() {
  for (NodeIndex node = 0; node < nodes(); ++node) node_clocks_.emplace_back(*this, node);
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
  disk_full_until_[node] = std::max(disk_full_until_[node], loop.now() + length);
  disk(node).be_full(true);
  loop.after(length, [this, node] { disk(node).be_full(disk_full(node)); });
}

bool World::has_good_copy(NodeIndex node, const std::string& state) {
  return node != lost_for_good_ && disk(node).exists(state) && !rotten_.contains({node, state});
}

/// By a manifest that somebody could go back to.
bool World::named(const std::string& state) const {
  const std::string name = state.substr(state.rfind('/') + 1);
  for (const auto& [id, run] : store.all_runs()) {
    for (const EpochImage& epoch : run.epochs) {
      if (!epoch.manifest) continue;
      for (const TaskPart& part : epoch.manifest->tasks) {
        for (const StoredSnapshot& file : part.files) {
          if (file.file.name == name) return true;
        }
      }
    }
  }
  return false;
}

void World::rot_state(NodeIndex node, std::uint64_t chance) {
  const auto files = disk(node).files_below("/checkpoints");
  if (files.empty()) return;
  const std::string& victim = files[chance % files.size()];
  std::vector<NodeIndex> good;
  for (NodeIndex other = 1; other < nodes(); ++other) {
    if (has_good_copy(other, victim)) good.push_back(other);
  }
  if (!has_good_copy(node, victim)) return;
  const bool all = rots_all_copies_ && !state_rotten_;
  // What nobody has copied yet nobody goes on from.
  if (good.size() < 2 && !all && named(victim)) return;
  if (!all) good = {node};
  ++(all ? damage.state_lost : damage.state_rotten);
  state_rotten_ = state_rotten_ || all;
  for (const NodeIndex one : good) {
    trace("{} of {} rots", victim, name_of(one));
    rotten_.emplace(one, victim);
    disk(one).rot(victim);
  }
}

void World::lose_storage(Duration length) {
  trace("the storage is away for {} ms", length / 1ms);
  ++damage.storage_away;
  storage_away_until_ = std::max(storage_away_until_, loop.now() + length);
}

/// The metadata is somewhere else: what it says is durable is so.
void World::black_out(Duration down) {
  trace("the power is gone for {} ms", down / 1ms);
  ++damage.black_outs;
  for (NodeIndex node = 0; node < nodes(); ++node) kill(node, down);
  for (const auto& disk : disks_) disk->power_cut();
}

void World::count_failure(const TaskFailed& failed) {
  const bool rotten = failed.error.code == ErrorCode::corrupt && !failed.lost_inputs.empty();
  damage.partitions += rotten;
  damage.kept_writes += failed.failure == FailureClass::node_fault;
}

void World::note_staged(const AttemptKey& key, const std::string& sink,
                        const std::vector<Committable>& staged) {
  const auto run = store.all_runs().find(key.run);
  if (run != store.all_runs().end()) {
    auto& all = this->staged[sink_marker(run->second.made.uid, sink)];
    all.insert(all.end(), staged.begin(), staged.end());
  }
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
  for (int i = 0; i < (streams() ? 10 : 6); ++i) {
    const bool of_streams = streams() && !random.chance(1, 4);
    const std::size_t point = of_streams
                                  ? first_of_streams + random.below(kill_points - first_of_streams)
                                  : random.below(first_of_streams);
    planned_[point].insert(random.below(random.chance(1, 2) ? 4 : 40));
  }
}

bool World::struck(KillPoint point) {
  const auto index = static_cast<std::size_t>(point);
  return !healed_ && planned_[index].contains(passed_[index]++);
}

bool World::killed_at(KillPoint point, NodeIndex node) {
  if (!struck(point)) return false;
  const auto index = static_cast<std::size_t>(point);
  ++kills_at[index];
  trace("{} is killed: {}", name_of(node), kill_point_names[index]);
  kill(node, between(10ms, 2s));
  return true;
}

void World::kill_soon(KillPoint point, NodeIndex node) {
  if (!struck(point)) return;
  loop.after(node, Duration(0), [this, point, node] {
    const auto index = static_cast<std::size_t>(point);
    ++kills_at[index];
    trace("{} is killed: {}", name_of(node), kill_point_names[index]);
    kill(node, between(10ms, 2s));
  });
}

void World::start(NodeIndex node) {
  if (alive(node)) return;
  loop.replace(node);
  down_[node] = false;
  trace("{} starts", name_of(node));
  processes_[node] = node == coordinator ? make_coordinator(*this) : make_executor(*this, node);
}

void World::take_down(NodeIndex node) {
  net.down(node);
  down_[node] = true;
  processes_[node]->on_kill();
  loop.replace(node);
  graveyard_.push_back(std::move(processes_[node]));
}

void World::kill(NodeIndex node, Duration down) {
  if (!alive(node)) return;
  ++kills;
  trace("{} is killed, for {} ms", name_of(node), down / 1ms);
  take_down(node);
  loop.after(down, [this, node] {
    if (lost_for_good_ != node) start(node);
  });
}

void World::restart(NodeIndex node, Incarnation above) {
  trace("{} is reborn above {}", name_of(node), above);
  if (!mutated(Mutation::incarnation_reused)) {
    incarnations_[node] = std::max(incarnations_[node], above);
  }
  take_down(node);
  start(node);
}

void World::bury() {
  burying_ = true;
  graveyard_.clear();
  burying_ = false;
}

/// Not where a stream would wait for it for ever: nobody was there to copy its state to.
void World::lose_for_good(NodeIndex node) {
  if (has_the_only_copy(node)) return;
  lost_for_good_ = node;
  kill(node, 1s);
}

bool World::has_the_only_copy(NodeIndex node) {
  for (const auto& [id, run] : store.all_runs()) {
    for (const EpochImage& epoch : run.epochs) {
      if (ended(run.state) || !epoch.manifest) continue;
      for (const TaskPart& part : epoch.manifest->tasks) {
        for (const StoredSnapshot& file : part.files) {
          const std::string path = "/checkpoints/" + run.made.uid.value() + "/" + file.file.name;
          bool elsewhere = false;
          for (NodeIndex other = 1; other < nodes(); ++other) {
            elsewhere |= other != node && has_good_copy(other, path);
          }
          if (!elsewhere) return true;
        }
      }
    }
  }
  return false;
}

void World::heal() {
  healed_ = true;
  store_fails_next = false;
  storage_away_until_ = {};
  for (Instant& until : disk_full_until_) until = {};
  for (const auto& disk : disks_) disk->be_full(false);
  net.heal();
  for (NodeIndex node = 0; node < nodes(); ++node) loop.thaw(node);
  trace("healed");
}

Incarnation World::next_incarnation(NodeIndex node) {
  Incarnation& last = incarnations_[node];
  if (mutated(Mutation::incarnation_reused) && last != Incarnation()) return last;
  last = last.next();
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
