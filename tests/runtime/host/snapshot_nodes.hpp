#pragma once

#include "runtime/host/data_plane.hpp"
#include "runtime/host/snapshot_fetch.hpp"
#include "runtime/host/task_turns.hpp"
#include "runtime/os/own_files.hpp"
#include "runtime/os/random.hpp"
#include "tests/runtime/exec/fakes.hpp"
#include "tests/runtime/host/stepped_run.hpp"
#include "tests/support/faulty_files.hpp"
#include "tests/support/sim_disk.hpp"

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace troupe {

/// A state file for tests: any bytes, and what a manifest says of them.
struct SomeSnapshot {
  SomeSnapshot(std::string name, std::size_t size, std::uint64_t seed = 1);
  StoredSnapshot on(const std::vector<std::string>& nodes) const;

  SnapshotFile file;
  std::string bytes;
};

/// Nodes "a", "b", "c" and "d" with a disk each, real data planes between them, and what serves and
/// fetches state files. In one thread: which frame is heard next, which call of a disk done, which
/// task given a turn, is chosen by chance, so a seed is an interleaving.
class SnapshotNodes {
 public:
  explicit SnapshotNodes(std::uint64_t seed = 1);
  ~SnapshotNodes();

  static const RunUid run;
  /// On this node's disk, durably.
  void put(const std::string& node, const SomeSnapshot& file);
  void put(const std::string& node, const std::string& name, const std::string& bytes);
  /// All files of the run there, with what is in them.
  std::map<std::string, std::string> files(const std::string& node);
  sim::Disk& disk(const std::string& node);
  FaultyFiles& faults(const std::string& node);
  SnapshotStore store(const std::string& node);

  /// Begins to fetch at `node`, from those nodes that are not away. The number of the fetch.
  std::size_t fetch(const std::string& node, std::vector<StoredSnapshot> files,
                    const std::set<std::string>& away = {}, std::string directory = "");
  void stop(std::size_t fetch);
  using Outcome = std::optional<Result<std::vector<StoredSnapshot>>>;
  /// None while it is under way.
  const Outcome& outcome(std::size_t fetch) const { return fetches_.at(fetch); }
  /// The session between these two ends.
  void cut(const std::string& one, const std::string& other);
  /// A node hears nothing any more, and nobody knows.
  void freeze(const std::string& node) { frozen_.insert(node); }
  /// So long that nobody waits any more for who says nothing.
  void wait_in_silence();
  /// So long that who cannot be reached is waited for no longer.
  void wait_in_vain();

  /// One choice; false: there is nothing to do.
  bool step();
  /// Until there is nothing to do. The number of steps.
  int run_all();

  std::uint64_t data_frames = 0;  ///< that were delivered

 private:
  class Wire;
  struct Node;
  struct Frames {
    std::string from, to;
    Frame frame;
    DataFrame data;
  };
  struct Running {
    std::shared_ptr<ManualHost> host;
    TaskTurns turns;
    std::function<void(const std::optional<Error>&)> ended;
    std::size_t fetch = SIZE_MAX;
  };

  Node& node(const std::string& name) { return *nodes_.at(name); }
  bool up(const std::string& one, const std::string& other) const;
  void hear(Frames next);
  void serve(const std::string& at, const std::string& peer, const Frame& frame);
  bool step(Running& running);

  Random random_;
  StillClock clock_;
  Metrics metrics_;
  std::map<std::string, std::unique_ptr<Node>> nodes_;
  std::set<std::set<std::string>> cut_;
  std::set<std::string> frozen_;
  std::deque<Frames> transit_;
  std::list<Running> running_;
  std::vector<Outcome> fetches_;
};

}  // namespace troupe
