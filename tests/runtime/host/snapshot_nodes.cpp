#include "tests/runtime/host/snapshot_nodes.hpp"

#include "runtime/base/log.hpp"
#include "runtime/host/serving_task.hpp"

#include <xxhash.h>

namespace troupe {

const RunUid SnapshotNodes::run("run-uid");

SomeSnapshot::SomeSnapshot(std::string name, std::size_t size, std::uint64_t seed) {
  Random random(seed);
  for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(random.next());
  file.name = std::move(name);
  file.bytes = bytes.size();
  file.hash = XXH3_64bits(bytes.data(), bytes.size());
  file.groups = {0, 128};
}

StoredSnapshot SomeSnapshot::on(const std::vector<std::string>& nodes) const {
  StoredSnapshot stored{file, {}};
  for (const std::string& node : nodes) stored.nodes.emplace_back(node);
  return stored;
}

class SnapshotNodes::Wire final : public PeerWire {
 public:
  Wire(SnapshotNodes& nodes, std::string self) : nodes_(nodes), self_(std::move(self)) {}
  Result<> send(const NodeId& peer, Frame frame) override {
    return send({self_, peer.value(), std::move(frame), {}});
  }
  Result<> send_data(const NodeId& peer, DataFrame frame) override {
    return send({self_, peer.value(), {}, std::move(frame)});
  }
  Result<> connect(const NodeId&, const std::string&, bool) override { return {}; }

 private:
  Result<> send(Frames frames) {
    if (!nodes_.up(frames.from, frames.to)) return make_error(ErrorCode::unavailable, "no session");
    nodes_.transit_.push_back(std::move(frames));
    return {};
  }

  SnapshotNodes& nodes_;
  const std::string self_;
};

struct SnapshotNodes::Node {
  Node(SnapshotNodes& nodes, const std::string& name, std::uint64_t incarnation)
      : wire(nodes, name),
        plane(DataPlane::over(wire, nodes.metrics_, nodes.clock_, ClusterName("c"), NodeId(name),
                              Incarnation(incarnation))),
        peer{NodeId(name), Incarnation(incarnation), "tcp://" + name} {}

  sim::Disk disk;
  FaultyFiles faulty{disk};
  OwnFiles files{faulty};
  Wire wire;
  std::shared_ptr<DataPlane> plane;
  PeerNode peer;
};

SnapshotNodes::SnapshotNodes(std::uint64_t seed) : random_(seed) {
  log::set_level(log::Level::error);  // thousands of copies that cannot be had, on purpose
  std::uint64_t incarnation = 0;
  for (const char* name : {"a", "b", "c", "d"}) {
    nodes_.emplace(name, std::make_unique<Node>(*this, name, ++incarnation));
  }
  for (auto& [name, one] : nodes_) {
    for (auto& [other, peer] : nodes_) {
      if (name == other) continue;
      one->plane->hear_peer(NodeId(other), session_effect::Up{peer->peer.incarnation});
    }
  }
}

SnapshotNodes::~SnapshotNodes() = default;

// ---- disks

sim::Disk& SnapshotNodes::disk(const std::string& name) { return node(name).disk; }
FaultyFiles& SnapshotNodes::faults(const std::string& name) { return node(name).faulty; }
SnapshotStore SnapshotNodes::store(const std::string& name) {
  return SnapshotStore(node(name).files, "/data/checkpoints");
}

void SnapshotNodes::put(const std::string& name, const SomeSnapshot& file) {
  put(name, file.file.name, file.bytes);
}

void SnapshotNodes::put(const std::string& name, const std::string& file,
                        const std::string& bytes) {
  const SnapshotStore in(disk(name), "/data/checkpoints");
  in.prepare(run).value();
  write_atomically(disk(name), in.path(run, file).value(), bytes).value();
}

std::map<std::string, std::string> SnapshotNodes::files(const std::string& name) {
  std::map<std::string, std::string> found;
  const std::string directory = store(name).of_run(run).value();
  for (const std::string& path : disk(name).files_below(directory)) {
    found[path.substr(directory.size() + 1)] = disk(name).read(path).value();
  }
  return found;
}

// ---- the network

bool SnapshotNodes::up(const std::string& one, const std::string& other) const {
  return !cut_.contains({one, other});
}

void SnapshotNodes::cut(const std::string& one, const std::string& other) {
  if (!cut_.insert({one, other}).second) return;
  std::erase_if(transit_, [&](const Frames& each) { return !up(each.from, each.to); });
  const session_effect::Down down{DownReason::closed, "its connection closed", Incarnation(9)};
  node(one).plane->hear_peer(NodeId(other), down);
  node(other).plane->hear_peer(NodeId(one), down);
}

void SnapshotNodes::wait_in_vain() {
  clock_.time += connect_max + 1ms;
  for (auto& [name, one] : nodes_) one->plane->tick(clock_.time);
  run_all();
}

void SnapshotNodes::wait_in_silence() {
  clock_.time += snapshot_silence_max;
  for (Running& each : running_) {
    const auto timer = std::exchange(each.host->timer, std::nullopt);
    if (timer && *timer <= clock_.time) each.host->wake();
  }
  run_all();
}

void SnapshotNodes::hear(Frames next) {
  if (frozen_.contains(next.to)) return;
  Node& to = node(next.to);
  const NodeId from(next.from);
  if (next.data) {
    ++data_frames;
    return to.plane->hear_data(from, std::move(next.data));
  }
  if (next.frame.to() == store_address) return serve(next.to, next.from, next.frame);
  to.plane->hear(from, next.frame);
}

// ---- tasks

void SnapshotNodes::serve(const std::string& at, const std::string& peer, const Frame& frame) {
  const FetchRequest request = fetch_request_of(NodeId(peer), frame).value();
  const auto plane = node(at).plane;
  const ServedFiles files{KeptFiles(node(at).files, "/data/work"), store(at)};
  auto host = std::make_shared<ManualHost>();
  auto task = serving_task(request, files, *plane, host, clock_);
  if (!task) return plane->refuse_fetch(request.from, task.error());
  host->woken = true;
  running_.push_back({host, TaskTurns({}, *task), [plane, request](const auto& error) {
                        if (error) plane->refuse_fetch(request.from, *error);
                      }});
}

std::size_t SnapshotNodes::fetch(const std::string& name, std::vector<StoredSnapshot> files,
                                 const std::set<std::string>& away, std::string directory) {
  const std::size_t number = fetches_.size();
  fetches_.emplace_back();
  SnapshotOrder order{run, std::move(directory), std::move(files), {}, std::to_string(number)};
  for (const auto& [each, peer] : nodes_) {
    if (!away.contains(each)) order.nodes.push_back(peer->peer);
  }
  auto host = std::make_shared<ManualHost>();
  FetchingTask task = fetching_task(
      std::move(order), {NodeId(name), store(name), node(name).plane.get()}, host, clock_);
  host->woken = true;
  const auto ended = [this, number, here = task.here](const std::optional<Error>& error) {
    using Files = Result<std::vector<StoredSnapshot>>;
    fetches_[number] = error ? Files(*error) : Files(*here);
  };
  running_.push_back({host, TaskTurns({}, std::move(task.task)), ended, number});
  return number;
}

void SnapshotNodes::stop(std::size_t fetch) {
  for (Running& each : running_) {
    if (each.fetch == fetch) each.turns.stop();
  }
}

bool SnapshotNodes::step(Running& running) {
  auto& [host, turns, ended, fetch] = running;
  if (!host->offloaded.empty()) {
    const std::size_t which = random_.below(host->offloaded.size());
    const auto work = std::move(host->offloaded[which]);
    host->offloaded.erase(host->offloaded.begin() + static_cast<std::ptrdiff_t>(which));
    work();
    return true;
  }
  if (turns.ended() || !std::exchange(host->woken, false)) return false;
  if (turns.turn()) host->woken = true;
  return true;
}

bool SnapshotNodes::step() {
  for (auto each = running_.begin(); each != running_.end(); ++each) {
    if (!each->turns.ended() || !each->host->offloaded.empty()) continue;
    each->ended(each->turns.error());
    running_.erase(each);
    return true;
  }
  // From a place that chance chooses, the first who has something to do.
  const std::size_t choices = running_.size() + 1;
  const std::size_t first = random_.below(choices);
  for (std::size_t i = 0; i < choices; ++i) {
    const std::size_t choice = (first + i) % choices;
    if (choice < running_.size()) {
      if (step(*std::next(running_.begin(), static_cast<std::ptrdiff_t>(choice)))) return true;
    } else if (!transit_.empty()) {
      Frames next = std::move(transit_.front());
      transit_.pop_front();
      hear(std::move(next));
      return true;
    }
  }
  return false;
}

int SnapshotNodes::run_all() {
  int steps = 0;
  while (step()) ++steps;
  return steps;
}

}  // namespace troupe
