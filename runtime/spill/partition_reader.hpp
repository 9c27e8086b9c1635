#pragma once

#include "runtime/operator/batch_reader.hpp"
#include "runtime/os/file_system.hpp"
#include "runtime/spill/partition_index.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace troupe {

/// Reads the index of a finished data file and checks the file's length. `not_found` if the file or
/// its index is missing (a writer that never finished), `corrupt` if they disagree.
Result<PartitionIndex> read_partition_index(FileSystem& files, const std::string& path);

/// The rows of one block, from its bytes as they are in the file. A consumer on another node calls
/// it with the byte range that it was sent. `file` is for messages.
Result<Batch> decode_block(std::string bytes, const SpillBlock& block, const std::string& file);

/// Reads one partition, block by block, in the order it was written. Every byte is checked before
/// it is used: a flipped bit or a short file is `corrupt` with the file's name. Several readers may
/// share a file. Blocks: I/O pool only.
class PartitionReader final : public BatchReader {
 public:
  static Result<std::unique_ptr<PartitionReader>> open(FileSystem& files, std::string path,
                                                       std::uint32_t partition);
  /// The same, if the index is at hand already.
  PartitionReader(FileSystem& files, std::string path, SpillPartition partition)
      : files_(files), path_(std::move(path)), partition_(std::move(partition)) {}

  Result<Batch> next() override;
  /// The bytes of the next block, checked but not decoded, to be sent on; empty at the end.
  Result<std::string> next_bytes();
  const SpillPartition& partition() const { return partition_; }

 private:
  FileSystem& files_;
  const std::string path_;
  const SpillPartition partition_;
  std::size_t block_ = 0;
};

}  // namespace troupe
