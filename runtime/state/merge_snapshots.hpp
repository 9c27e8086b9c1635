#pragma once

#include "runtime/base/time.hpp"
#include "runtime/operator/state_table.hpp"
#include "runtime/state/snapshot_file.hpp"

#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// How files of one task are merged into one.
struct SnapshotMerge {
  std::string name;  ///< of the new file
  /// All tables of all operators of the task: what a file holds beyond them is a `conflict`.
  std::vector<OperatorTable> tables;
  KeyGroupRange groups;  ///< of the task: what the files have of others is left behind
  /// Whether the oldest live file of the task is among them: then deletions and expired rows end.
  bool from_oldest = false;
  std::optional<EventTime> watermark = {};
};

/// Makes one file of files that stand side by side in a task's list, the oldest first. Reading it
/// in their place gives the same. They stay as they are: the caller names the new one in its next
/// acknowledgement (`replace_merged`), and they go when no manifest names them.
/// A task merges only once its list ends with a file of its own: that one tells the whole of tables
/// that belong to tasks, which files taken over from several tasks could not.
/// Blocks, and takes as long as it takes to read and write them: in the pool for such work.
Result<SnapshotFile> merge_snapshots(FileSystem& files, const std::string& directory,
                                     const SnapshotFiles& parts, const SnapshotMerge& merge);

/// A task's list with `merged` in the place of exactly the `parts` it was made of; newer files may
/// have come behind them since. A defect where they do not stand in it side by side.
SnapshotFiles replace_merged(const SnapshotFiles& list, const SnapshotFiles& parts,
                             const SnapshotFile& merged);

}  // namespace troupe
