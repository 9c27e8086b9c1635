#pragma once

#include "runtime/base/metrics.hpp"
#include "runtime/host/deployed_run.hpp"
#include "runtime/net/session.hpp"
#include "runtime/operator/operator_kind.hpp"
#include "runtime/os/clock.hpp"
#include "runtime/os/own_files.hpp"
#include "runtime/wire/frame.hpp"
#include "tests/sim/door.hpp"
#include "tests/sim/kill_point.hpp"
#include "tests/sim/model_job.hpp"
#include "tests/sim/mutation.hpp"
#include "tests/sim/sim_database.hpp"
#include "tests/sim/stream_check.hpp"
#include "tests/support/sim_disk.hpp"
#include "tests/support/sim_loop.hpp"
#include "tests/support/sim_net.hpp"
#include "tests/support/sim_store.hpp"

#include <array>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace troupe::sim {

/// What a seed may never do was done. Ends the seed.
class Violation : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct SimOptions {
  std::uint64_t seed = 1;
  bool verbose = false;
  Mutation mutation = Mutation::none;
  std::uint64_t messages_min = 4000;
  /// Its jobs are streams, and it goes on until so many of their epochs are committed.
  bool streams = false;
  std::uint64_t epochs_min = 20;
};

/// What is damaged beside processes and connections, and how often something noticed.
struct Damage {
  std::uint64_t frames = 0;        ///< refused: changed on the way
  std::uint64_t partitions = 0;    ///< kept partitions found rotten by a reader
  std::uint64_t kept_writes = 0;   ///< kept partitions that could not be written or synced
  std::uint64_t store_writes = 0;  ///< of the metadata, refused by the disk
  std::uint64_t clock_jumps = 0;
  std::uint64_t black_outs = 0;
  std::uint64_t set_aside = 0;  ///< files of rows that memory did not hold
  std::uint64_t storage_away = 0;
  std::uint64_t errands_hung = 0;
  std::uint64_t commits_at_once = 0;  ///< another executor did all of it in the middle of one
  std::uint64_t state_rotten = 0;     ///< state files of which another copy was good
  std::uint64_t state_lost = 0;       ///< state files without a good copy
};
struct DamageName {
  std::uint64_t Damage::*count;
  std::string_view name;
  enum { always, of_batches, of_streams } when = always;
};
inline constexpr std::array<DamageName, 12> damages{{
    {&Damage::frames, "frames refused as damaged"},
    {&Damage::partitions, "kept partitions found rotten", DamageName::of_batches},
    {&Damage::kept_writes, "kept partitions not written"},
    {&Damage::store_writes, "store writes refused"},
    {&Damage::clock_jumps, "clocks that jumped"},
    {&Damage::black_outs, "power cuts"},
    {&Damage::set_aside, "files of rows set aside", DamageName::of_batches},
    {&Damage::storage_away, "storages away"},
    {&Damage::errands_hung, "errands hung"},
    {&Damage::commits_at_once, "commits at the same time"},
    {&Damage::state_rotten, "copies of state that rot", DamageName::of_streams},
    {&Damage::state_lost, "state that rots everywhere", DamageName::of_streams},
}};

/// One process of the simulated cluster.
class Process : public Endpoint {
 public:
  /// At the moment of its death, for what its disk has to decide.
  virtual void on_kill() {}
};

/// Everything that outlives the processes of one seed: time, network, disks, what was submitted and
/// what must hold. Node 0 is the coordinator, the others are executors.
class World {
 public:
  explicit World(const SimOptions& options);
  ~World();

  static constexpr NodeIndex coordinator = 0;
  std::size_t nodes() const { return processes_.size(); }
  static NodeId name_of(NodeIndex node) {
    return NodeId(node == coordinator ? std::string("c") : fmt::format("n{}", node));
  }
  static NodeIndex index_of(const NodeId& name) {
    return name.value() == "c" ? 0 : std::stoul(name.value().substr(1));
  }

  bool mutated(Mutation mutation) const { return options.mutation == mutation; }
  bool alive(NodeIndex node) const { return processes_[node] != nullptr; }
  Process* process(NodeIndex node) { return processes_[node].get(); }

  void start(NodeIndex node);
  void kill(NodeIndex node, Duration down);
  /// It goes on at once as an incarnation above this one.
  void restart(NodeIndex node, Incarnation above);
  /// All processes die, and every disk loses what it had not made durable.
  void black_out(Duration down);
  /// It never comes back: the others must do its work.
  void lose_for_good(NodeIndex node);
  /// True where the plan of this seed kills the process here; the caller must return at once.
  bool killed_at(KillPoint point, NodeIndex node);
  /// Likewise, but it dies when the call at hand is over.
  void kill_soon(KillPoint point, NodeIndex node);
  /// No more faults; what is down comes up.
  void heal();
  bool healed() const { return healed_; }
  void bury();

  /// The monotonic clock of a node: it began elsewhere, goes a little faster or slower than others,
  /// and may jump ahead. No two nodes' clocks can be compared, and nothing may try.
  Instant clock(NodeIndex node) const;
  const Clock& clock_of(NodeIndex node) const { return node_clocks_[node]; }
  void jump_ahead(NodeIndex node, Duration length);
  /// No fault is planned for this seed: nothing may be restarted or refused.
  bool calm() const { return calm_; }
  bool streams() const { return options.streams; }
  /// What blocks takes at most so long.
  Duration disk_max() const { return disk_max_; }
  /// By chance, in some seeds: the rows with which a channel ends shall be lost.
  bool cuts_an_end() {
    return ends_cut_one_in_ > 0 && !healed_ && random.chance(1, ends_cut_one_in_);
  }
  /// Nothing else is wrong, but the disk of one executor takes nothing for as long as there are
  /// faults: no run may fail by that, though it may restart as seldom as runs may by default.
  bool one_bad_disk() const { return bad_disk_.has_value(); }
  void fill_disk(NodeIndex node, Duration length);
  /// A state file on this node's disk is damaged: one of which there is a good copy; in some seeds,
  /// all copies of it, and then its run may halt.
  void rot_state(NodeIndex node, std::uint64_t chance);
  bool may_halt() const { return state_rotten_; }
  bool disk_full(NodeIndex node) const {
    return disk_full_until_[node] > loop.now() || (bad_disk_ == node && !healed_);
  }
  /// The disk of a node's own files, and the door to it that its processes use.
  Disk& disk(NodeIndex node) { return *disks_[node]; }
  FileSystem& own_files(NodeIndex node) { return *own_files_[node]; }
  /// The disk of users' files, which all nodes share.
  FileSystem& users_files() { return *users_door_; }
  Door& users_door() { return *users_door_; }
  /// Where sinks commit: for a while, no executor reaches it.
  void lose_storage(Duration length);
  bool storage_away() const { return storage_away_until_ > loop.now(); }
  /// In some seeds one executor's way to it hangs: what it begins there does not end before all is
  /// over. Others must do it.
  bool storage_hangs(NodeIndex node) const { return hanging_ == node && !lost_for_good_ && !over_; }
  /// No run is waited for any more: what hung goes on.
  void end_hanging() { over_ = true; }
  Disk& users_disk() { return *disks_.front(); }
  Planner& planner() { return *planner_; }
  Database& database(int number) { return *databases_.at(static_cast<std::size_t>(number)); }
  /// Of a streaming run; null for any other one.
  StreamCheck* stream_check(RunId run);
  /// What may be used after its process is dead, by what that has left in the loop.
  template <class T>
  std::shared_ptr<T> keep(std::shared_ptr<T> thing) {
    kept_.push_back(thing);
    return thing;
  }
  /// What a failure that is told says about what was damaged.
  void count_failure(const TaskFailed& failed);
  void note_staged(const AttemptKey& key, const std::string& sink,
                   const std::vector<Committable>& staged);
  /// Mixed into what must be equal for two runs of one seed.
  void witness(std::uint64_t what);
  std::uint64_t course() const { return course_; }
  /// What arrived, or nothing where it was changed on the way.
  std::optional<Frame> opened(const Packet& packet, NodeIndex self, NodeIndex peer);
  /// Counts it and ends the connection that brought it, as ZeroMQ does.
  void refuse_damaged(NodeIndex self, NodeIndex peer);

  /// The next incarnation of a node; durable.
  Incarnation next_incarnation(NodeIndex node);
  SessionConfig session(NodeIndex self, NodeIndex peer, Incarnation incarnation) const;

  [[noreturn]] void violation(const std::string& what) const;
  void check(bool holds, const char* what) const {
    if (!holds) violation(what);
  }
  template <class... Args>
  void trace(fmt::format_string<Args...> text, Args&&... args) const {
    if (options.verbose) print(fmt::format(text, std::forward<Args>(args)...));
  }

  Duration between(Duration low, Duration high);

  SimOptions options;
  Random random;
  Metrics metrics;

 private:
  class NodeClock final : public Clock {
   public:
    NodeClock(const World& world, NodeIndex node) : world_(world), node_(node) {}
    Instant now() const override { return world_.clock(node_); }
    WallTime wall() const override { return {}; }

   private:
    const World& world_;
    const NodeIndex node_;
  };
  // Before all that uses them, so that they outlive it.
  bool burying_ = false;
  std::vector<std::unique_ptr<Disk>> disks_;  ///< the users', and of each executor its own
  std::vector<std::unique_ptr<Door>> doors_;
  std::vector<std::unique_ptr<OwnFiles>> own_files_;
  std::unique_ptr<Door> users_door_;
  std::unique_ptr<OperatorRegistry> true_kinds_;  ///< of mutants
  std::unique_ptr<OperatorRegistry> registry_;
  std::vector<std::unique_ptr<Database>> databases_;
  std::unique_ptr<Planner> planner_;  ///< one for all nodes: it takes most of the time otherwise
  std::vector<NodeClock> node_clocks_;
  std::vector<std::shared_ptr<void>> kept_;

 public:
  Loop loop;
  Net net;
  Store store;
  std::map<std::string, ModelJob> jobs;  ///< by plan
  ModelStreams model_streams;
  /// What attempts have told that they have staged, by marker: a mutant commits it, whoever has
  /// won.
  std::map<std::string, std::vector<Committable>> staged;
  std::set<std::string> failed_once;
  Duration node_lease;
  std::array<std::uint64_t, kill_points> kills_at{};
  std::uint64_t kills = 0;
  std::uint64_t refused_commands = 0;
  std::uint64_t refused_reports = 0;
  std::uint64_t ghosts = 0;
  std::uint64_t epochs = 0;  ///< committed
  /// Of a mutant: how often each split of a stream was opened.
  std::map<std::string, std::int64_t> read_of_splits;
  Damage damage;
  bool store_fails_next = false;
  /// Frames that a node received earlier, to be heard again as if by an attacker or a defect.
  std::vector<std::vector<Frame>> heard;

 private:
  struct ClockOf {
    Duration ahead = {};
    std::int64_t drift_permille = 0;
  };
  void make_disks();
  void make_databases();
  void register_all();
  Database::Fate fate_of_request();
  void database_changed(const std::string& marker);
  void plan_kill_points();
  bool struck(KillPoint point);
  Result<> own_disk_changes(NodeIndex node, const std::string& path);
  void set_clocks();
  bool has_the_only_copy(NodeIndex node);
  bool has_good_copy(NodeIndex node, const std::string& state);
  bool named(const std::string& state) const;
  void take_down(NodeIndex node);
  void print(const std::string& text) const;

  std::vector<std::unique_ptr<Process>> processes_;
  std::vector<std::unique_ptr<Process>> graveyard_;
  std::vector<Incarnation> incarnations_;
  std::array<std::uint64_t, kill_points> passed_{};
  std::array<std::set<std::uint64_t>, kill_points> planned_;
  std::optional<NodeIndex> lost_for_good_;
  bool healed_ = false;
  bool calm_ = false;
  std::uint64_t ends_cut_one_in_ = 0;
  std::optional<NodeIndex> bad_disk_;
  std::set<std::pair<NodeIndex, std::string>> rotten_;
  bool rots_all_copies_ = false;
  bool state_rotten_ = false;  ///< a file has no good copy
  Duration disk_max_ = 1ms;
  std::map<RunId, StreamCheck> stream_checks_;
  std::optional<NodeIndex> hanging_;
  bool over_ = false;
  std::vector<ClockOf> clocks_;
  std::vector<Instant> disk_full_until_;
  std::vector<bool> down_;  ///< its process is dead, whatever of it still runs
  Instant storage_away_until_ = {};
  std::uint64_t course_ = 0;
};

std::unique_ptr<Process> make_coordinator(World& world);
std::unique_ptr<Process> make_executor(World& world, NodeIndex self);

}  // namespace troupe::sim
