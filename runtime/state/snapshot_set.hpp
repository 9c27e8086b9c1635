#pragma once

#include "runtime/os/file_system.hpp"
#include "runtime/state/snapshot_file.hpp"
#include "runtime/state/snapshot_reader.hpp"

#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// The files that a task is restored from, or that are merged, each open once.
///
/// `lists`: one list a task of the manifest, of all tasks whose key groups the reader wants some
/// of, and of all tasks at all where it reads tables that belong to tasks. Immutable, shared by the
/// readers of all tables.
class SnapshotSet {
 public:
  struct Member {
    SnapshotFile file;
    std::shared_ptr<const SnapshotReader> reader;
  };
  using Members = std::vector<Member>;

  /// `corrupt` where a file is not as long as listed, or holds other epochs.
  static Result<std::shared_ptr<const SnapshotSet>> open(FileSystem& files,
                                                         const std::string& directory,
                                                         const std::vector<SnapshotFiles>& lists);

  const std::vector<Members>& lists() const { return lists_; }
  /// Of the job, as the files say; `key_groups_default` where there are none.
  std::uint32_t key_groups() const { return key_groups_; }

 private:
  SnapshotSet() = default;

  std::vector<Members> lists_;
  std::uint32_t key_groups_ = key_groups_default;
};

}  // namespace troupe
