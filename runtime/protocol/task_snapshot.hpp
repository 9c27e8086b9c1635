#pragma once

#include "runtime/base/fields.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/operator/sink.hpp"
#include "runtime/state/snapshot_file.hpp"

#include <string>
#include <tuple>
#include <vector>

namespace troupe {

/// A file of a task's state, and the nodes whose disks have it; none: all nodes see it.
struct StoredSnapshot {
  SnapshotFile file;
  std::vector<NodeId> nodes;

  static constexpr auto fields() {
    return std::tuple{field("file", &StoredSnapshot::file), field("nodes", &StoredSnapshot::nodes)};
  }
  friend bool operator==(const StoredSnapshot&, const StoredSnapshot&) = default;
};

/// Files that a task may name: it merges small ones long before it has so many.
inline constexpr std::size_t snapshot_files_max = 64;

/// Everything that a task would be restored from to where it was at a barrier, and all that it has
/// staged up to there and does not know to be published. So whoever adds up the snapshots of all
/// tasks has all of an epoch, and needs nothing of the epoch before.
struct TaskSnapshot {
  std::vector<StoredSnapshot> files;  ///< the oldest first
  std::string sink;                   ///< its vertex, if the chain ends in a sink
  std::vector<Committable> committables;
  Duration aligned = {};  ///< from its first barrier to its last one
  Duration written = {};  ///< from there until all of this was durable

  static constexpr auto fields() {
    return std::tuple{field("files", &TaskSnapshot::files), field("sink", &TaskSnapshot::sink),
                      field("committables", &TaskSnapshot::committables),
                      field("aligned", &TaskSnapshot::aligned),
                      field("written", &TaskSnapshot::written)};
  }
  friend bool operator==(const TaskSnapshot&, const TaskSnapshot&) = default;
};

/// How the task of a stream takes part in the epochs of its run.
struct EpochRole {
  bool takes_part = false;  ///< else it is a batch task, or a table's
  std::string directory;    ///< of state files, which all nodes see; empty: nodes have their own
  Epoch restore;            ///< it goes on from the barrier of this one; 0: it begins
  std::vector<StoredSnapshot> files;  ///< of that one

  static constexpr auto fields() {
    return std::tuple{field("takes_part", &EpochRole::takes_part),
                      field("directory", &EpochRole::directory),
                      field("restore", &EpochRole::restore), field("files", &EpochRole::files)};
  }
  friend bool operator==(const EpochRole&, const EpochRole&) = default;
};

}  // namespace troupe
