#pragma once

#include "runtime/base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// One run of bytes in a data file: a self-contained Arrow IPC stream of one batch.
struct SpillBlock {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::int64_t rows = 0;
  std::uint64_t checksum = 0;  ///< xxh3_64 of the bytes

  friend bool operator==(const SpillBlock&, const SpillBlock&) = default;
};

/// One partition of a data file. `hash` does not depend on the order of the rows, on how they were
/// cut into batches, or on the encoding of strings: two attempts that made the same rows have the
/// same hash (0 if the writer was not asked to hash).
struct SpillPartition {
  std::int64_t rows = 0;
  std::uint64_t bytes = 0;  ///< in the file
  std::uint64_t hash = 0;
  std::vector<SpillBlock> blocks;

  friend bool operator==(const SpillPartition&, const SpillPartition&) = default;
};

/// Lists what a finished data file holds. Kept beside it as `<data file>.index`, with a checksum of
/// its own. It has the data file's length, so a torn file is noticed before it is read.
struct PartitionIndex {
  std::string producer;  ///< the attempt that wrote the file, as its owner names it
  std::uint64_t file_bytes = 0;
  std::vector<SpillPartition> partitions;

  std::int64_t rows() const;
  std::string encode() const;
  /// From bytes that may be damaged: `corrupt`, naming `file`.
  static Result<PartitionIndex> decode(std::string_view bytes, const std::string& file);

  friend bool operator==(const PartitionIndex&, const PartitionIndex&) = default;
};

/// The index that belongs to a data file.
inline std::string index_path(const std::string& data_path) { return data_path + ".index"; }

}  // namespace troupe
