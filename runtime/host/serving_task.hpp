#pragma once

#include "runtime/exec/task.hpp"
#include "runtime/host/data_plane.hpp"
#include "runtime/host/kept_files.hpp"
#include "runtime/host/snapshot_store.hpp"

#include <memory>

namespace troupe {

/// Partitions and state files that a node sends at the same time; more are refused, and asked for
/// again by a later attempt.
inline constexpr std::size_t serving_max = 4096;

/// What a node's disk has for others.
struct ServedFiles {
  KeptFiles kept;
  SnapshotStore snapshots;
};

/// A task that sends one kept partition or state file of this node to who has asked for it: from
/// the file to the channel, so that it has the same bounds and costs as any other. It reads ahead
/// on the I/O pool, and stops while the consumer grants no credit. Does not block; what goes wrong
/// with the file comes up when it runs, and is for `DataPlane::refuse_fetch`.
Result<std::shared_ptr<Task>> serving_task(const FetchRequest& request, const ServedFiles& files,
                                           DataPlane& plane, std::shared_ptr<TaskHost> host,
                                           const Clock& clock);
/// The same, of rows that are read otherwise.
Result<std::shared_ptr<Task>> serving_task(const FetchRequest& request,
                                           std::unique_ptr<BatchReader> rows, DataPlane& plane,
                                           std::shared_ptr<TaskHost> host, const Clock& clock);

}  // namespace troupe
