#pragma once

#include "runtime/os/file_system.hpp"
#include "runtime/protocol/messages.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// The state files of streaming runs on one disk: a node's own, or one that all nodes see.
///
///     DIRECTORY/<uid of the run>/<name>        whole and durable, once the name stands
///     DIRECTORY/<uid of the run>/<...>.new     begun; of no use to anybody who did not begin it
///
/// Unlike what tasks keep (`KeptFiles`) they outlive their process: a run goes on from them, on any
/// node. That they are what a manifest names is checked before they are used.
///
/// A value: where, and by which door. Names come from other nodes, so each is looked at before it
/// becomes a path.
class SnapshotStore {
 public:
  SnapshotStore(FileSystem& files, std::string directory)
      : files_(&files), directory_(std::move(directory)) {}

  FileSystem& files() const { return *files_; }
  const std::string& directory() const { return directory_; }
  /// `invalid_argument` for what would lead elsewhere.
  Result<std::string> of_run(const RunUid& run) const;
  /// Likewise, and for the name of a file that is begun.
  Result<std::string> path(const RunUid& run, const std::string& name) const;

  // All that follows blocks.

  /// Removes what an earlier process has begun and not finished, and says of which runs there are
  /// files. Nobody may be writing.
  Result<std::vector<RunUid>> recover() const;
  /// Makes the run's directory, so that it is there after a power cut: before its first file.
  Result<> prepare(const RunUid& run) const;
  /// Whether this very file is here, every byte of it: `not_found`, or `corrupt` with what differs.
  Result<> verify(const RunUid& run, const SnapshotFile& file) const;

 private:
  FileSystem* files_;
  std::string directory_;
};

/// Behind the name of a file that is begun.
inline constexpr std::string_view unfinished_suffix = ".new";

}  // namespace troupe
