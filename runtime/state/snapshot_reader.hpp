#pragma once

#include "runtime/os/file_system.hpp"
#include "runtime/state/snapshot_index.hpp"

#include <memory>
#include <string>

namespace troupe {

/// One snapshot file, open for reading: its index is checked, its blocks are checked when they are
/// read. A changed bit, a cut, bytes of another file or version are `corrupt`, with the file's name
/// and what is wrong, as the fault of the node whose disk it is. Several readers may share it.
/// Blocks: I/O pool only.
class SnapshotReader {
 public:
  static Result<std::shared_ptr<const SnapshotReader>> open(FileSystem& files, std::string path);

  const SnapshotIndex& index() const { return index_; }
  std::uint64_t file_bytes() const { return file_bytes_; }
  const std::string& path() const { return path_; }

  /// The rows of one block of the index. Allocates what the block has in the file and what its rows
  /// take, nothing that a damaged byte says.
  Result<Batch> read(const SnapshotSection& section, const SnapshotBlock& block) const;

 private:
  SnapshotReader(std::string path, std::unique_ptr<ReadableFile> file)
      : path_(std::move(path)), file_(std::move(file)) {}
  Result<> read_index();
  Result<std::string> bytes_at(std::uint64_t offset, std::uint64_t length) const;

  const std::string path_;
  const std::unique_ptr<ReadableFile> file_;
  std::uint64_t file_bytes_ = 0;
  SnapshotIndex index_;
};

}  // namespace troupe
