#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/base/result.hpp"
#include "runtime/os/file_system.hpp"
#include "runtime/state/key_group_range.hpp"

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

namespace troupe {

/// One file of a task's state, as acknowledgements and manifests list it: what the task changed in
/// the epochs [epoch_first, epoch_last].
///
/// `groups` are the key groups for which whoever lists the file would read it, which may be fewer
/// than it holds: after a change of parallelism several tasks list the same file, each for its own
/// groups, until it has merged it away. So in all the lists of a manifest together each key group
/// of an operator is in the files of one task only, and nothing is read twice.
struct SnapshotFile {
  std::string name;  ///< within the directory of state files; unique for ever
  std::uint64_t bytes = 0;
  std::uint64_t hash = 0;  ///< xxh3_64 of all bytes
  std::int64_t rows = 0;
  Epoch epoch_first;
  Epoch epoch_last;
  KeyGroupRange groups;

  static constexpr auto fields() {
    return std::tuple{
        field("name", &SnapshotFile::name),
        field("bytes", &SnapshotFile::bytes),
        field("hash", &SnapshotFile::hash),
        field("rows", &SnapshotFile::rows),
        field("epoch_first", &SnapshotFile::epoch_first),
        field("epoch_last", &SnapshotFile::epoch_last),
        field("groups", &SnapshotFile::groups),
    };
  }

  friend bool operator==(const SnapshotFile&, const SnapshotFile&) = default;
};

/// All live files of one task, the oldest first: what it would be restored from.
using SnapshotFiles = std::vector<SnapshotFile>;

/// Whether the file at `path` is the one that is meant, every byte of it: `corrupt` with what
/// differs. For a node that finds files of an earlier life, and for who has copied one.
Result<> verify_snapshot(FileSystem& files, const std::string& path, const SnapshotFile& file);

}  // namespace troupe
