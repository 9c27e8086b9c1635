#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/base/result.hpp"
#include "runtime/operator/state_table.hpp"
#include "runtime/spill/partition_index.hpp"
#include "runtime/state/key_group_range.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// Some rows of a section: bytes as `block_codec` makes them.
struct SnapshotBlock {
  SpillBlock place;
  KeyGroupRange groups;           ///< the smallest range with all its rows
  std::int64_t memory_bytes = 0;  ///< what its rows take once decoded, about
};

/// Rows of one table in the order of their key groups, within a group in the order of their
/// writing. A table may have several sections in a file: the rows of the first are the oldest.
struct SnapshotSection {
  std::string op;
  std::string table;
  SchemaPtr schema;
  std::vector<std::string> key;
  StateMerge merge = StateMerge::last;
  StateOwner owner = StateOwner::key_groups;
  std::vector<SnapshotBlock> blocks;

  bool is(std::string_view of_op, std::string_view of_table) const {
    return op == of_op && table == of_table;
  }
};

/// What a snapshot file says about itself, at its end: blocks, then the index, then
///
///     bytes of the index (8) | its checksum, xxh3_64 (8) | "TRSTAT01" (8)
///
/// The blocks fill the file from its first byte to the index without a gap, so there is no byte
/// that nothing checks.
struct SnapshotIndex {
  std::uint32_t key_groups = key_groups_default;  ///< of the job
  KeyGroupRange groups;                           ///< of the task
  Epoch epoch_first;
  Epoch epoch_last;
  std::uint64_t data_bytes = 0;  ///< of all blocks
  std::vector<SnapshotSection> sections;

  static constexpr std::size_t footer_bytes = 24;

  std::int64_t rows() const;
  /// The index and the footer.
  Result<std::string> encode() const;

  /// How many bytes the index has in front of this footer of a file of `file_bytes`.
  static Result<std::uint64_t> index_bytes(std::string_view footer, std::uint64_t file_bytes,
                                           const std::string& file);
  /// From the last bytes of a file, index and footer, which may be damaged: `corrupt`, naming
  /// `file`. Asks for no more memory than those bytes allow.
  static Result<SnapshotIndex> decode(std::string_view bytes, std::uint64_t file_bytes,
                                      const std::string& file);
};

}  // namespace troupe
