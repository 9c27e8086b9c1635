#pragma once

#include "runtime/exec/task.hpp"
#include "runtime/host/remote_channels.hpp"
#include "runtime/host/snapshot_store.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// State files of a run that shall be on this node's disk: a task goes on from them here, or a copy
/// of them is wanted.
struct SnapshotOrder {
  RunUid run;
  std::string directory;  ///< that all nodes see: they only look; empty: this node's own
  std::vector<StoredSnapshot> files;  ///< with the nodes whose disks have them
  std::vector<PeerNode> nodes;        ///< where those are; one that is away is left out
  std::string tag;  ///< of this order alone, also among those of earlier processes
};

/// Whose disk it is, and how others are reached.
struct FetchSite {
  NodeId self;
  SnapshotStore store;
  RemoteChannels* remote = nullptr;  ///< null: a node that has no others
};

/// A task that brings the files of an order here, and what has come of it.
struct FetchingTask {
  std::shared_ptr<Task> task;
  /// Once it is done: the same files, each with the nodes that have a good copy as far as is known
  /// now, this one among them.
  std::shared_ptr<const std::vector<StoredSnapshot>> here;
};

/// Looks at what is here already, every byte of it, and fetches the rest from one node after the
/// other, each checked before it stands under its name. A copy that is damaged here is replaced.
/// Twice at once is harmless. Does not block: the disk is read and written on the I/O pool.
///
/// The task fails with
/// - `unavailable`, where a node is away, or does not answer, that may have a good copy;
/// - `corrupt`, and not as this node's fault, where every node that should have a copy has none, or
///   a bad one. To try again is of no use;
/// - this node's own fault, where its disk is.
FetchingTask fetching_task(SnapshotOrder order, FetchSite site, std::shared_ptr<TaskHost> host,
                           const Clock& clock);

/// Files of one order that are on their way at a time, each within the window of its channel.
inline constexpr std::size_t snapshots_at_once = 4;
/// A node that has sent nothing of a file for so long is passed over: it may be frozen, or have
/// forgotten who asked it.
inline constexpr Duration snapshot_silence_max = 10s;
/// What is handed to the disk at a time, about.
inline constexpr std::size_t snapshot_write_bytes = std::size_t{1} << 20;

}  // namespace troupe
