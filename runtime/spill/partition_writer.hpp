#pragma once

#include "runtime/data/batch.hpp"
#include "runtime/os/file_system.hpp"
#include "runtime/spill/partition_index.hpp"

#include <memory>
#include <string>
#include <vector>

namespace troupe {

enum class SpillCompression { none, lz4 };
/// Whether a finished file must survive a power cut (edges that outlive their task) or only the
/// process that wrote it (overflow).
enum class SpillDurability { page_cache, disk };

struct SpillOptions {
  SpillCompression compression = SpillCompression::lz4;
  SpillDurability durability = SpillDurability::page_cache;
  /// Fill in `SpillPartition::hash`; costs a hash of every value.
  bool hash_rows = false;
  /// Small slices of a partition wait until they have so many rows together...
  std::int64_t block_rows_min = 8192;
  /// ... or until all that waits is larger than this; then the largest partitions are written.
  std::int64_t waiting_bytes_max = 32 << 20;
  std::string producer = {};
};

/// Writes rows into numbered partitions of one file: the output of one task attempt on a blocking
/// edge, a run of a sort, the overflow of a join. One data file and one index file, whatever the
/// number of partitions, since a file costs more than a block.
///
/// Order within a partition is kept. Nothing of it can be read before `finish`; a writer that is
/// destroyed earlier removes its file. Dictionary-encoded columns stay so if the dictionary is
/// small beside the block. Blocks: I/O pool only.
class PartitionWriter {
 public:
  static Result<std::unique_ptr<PartitionWriter>> create(FileSystem& files, std::string path,
                                                         std::uint32_t partitions,
                                                         SpillOptions options = {});
  ~PartitionWriter();
  PartitionWriter(const PartitionWriter&) = delete;
  PartitionWriter& operator=(const PartitionWriter&) = delete;

  Result<> write(std::uint32_t partition, Batch batch);
  /// Writes the rows that wait, then the index: the file is complete. Call it once, at the end.
  Result<PartitionIndex> finish();

  /// Bytes in the file so far.
  std::uint64_t bytes_written() const { return index_.file_bytes; }
  std::int64_t rows(std::uint32_t partition) const;

 private:
  struct Waiting {
    std::vector<Batch> batches;
    std::int64_t rows = 0;
    std::int64_t bytes = 0;
  };

  PartitionWriter(FileSystem& files, std::string path, std::uint32_t partitions,
                  SpillOptions options);
  Result<> flush(std::uint32_t partition);
  Result<> flush_largest();
  Result<> append_block(SpillPartition& partition, const Batch& batch);

  FileSystem& files_;
  const std::string path_;
  const SpillOptions options_;
  std::unique_ptr<WritableFile> file_;
  std::vector<Waiting> waiting_;
  std::int64_t waiting_bytes_ = 0;
  PartitionIndex index_;
  bool created_ = false;
  bool finished_ = false;
};

}  // namespace troupe
