#pragma once

#include "runtime/operator/state_table.hpp"
#include "runtime/os/file_system.hpp"
#include "runtime/state/snapshot_file.hpp"
#include "runtime/state/snapshot_index.hpp"

#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// What a block holds at most, before it is packed: small, since a reader holds one of each
/// section; large beside the schema that every block carries.
inline constexpr std::int64_t snapshot_block_bytes = std::int64_t{256} << 10;
/// Rows that are sorted into their groups at once; more become several sections.
inline constexpr std::int64_t snapshot_section_bytes = std::int64_t{64} << 20;

struct SnapshotOptions {
  std::string directory;  ///< durable already, if it is to outlive a power cut
  std::string name;       ///< of the file
  Epoch epoch_first = {};
  Epoch epoch_last = {};
  KeyGroupRange groups = all_key_groups();  ///< of the task
  std::uint32_t key_groups = key_groups_default;
  std::int64_t section_bytes = snapshot_section_bytes;
  std::int64_t block_bytes = snapshot_block_bytes;
};

/// Writes one file with what the operators of one task changed in one epoch, or in several that are
/// merged.
///
/// Rows come as immutable batches in the order of their changes; they are put into the order of
/// their key groups by counting, so that a reader of some groups reads only their blocks. Equal
/// input makes equal bytes. Until `finish` has returned nothing stands under the file's name, and
/// from then on the file is durable; a writer that is destroyed earlier leaves nothing.
/// Blocks, and costs time: not on a task's thread.
class SnapshotWriter {
 public:
  static Result<std::unique_ptr<SnapshotWriter>> create(FileSystem& files, SnapshotOptions options);
  ~SnapshotWriter();
  SnapshotWriter(const SnapshotWriter&) = delete;
  SnapshotWriter& operator=(const SnapshotWriter&) = delete;

  /// Rows of one table. A table that belongs to its task has all its rows here, maybe none, in one
  /// call; of any other table none means that nothing changed.
  Result<> write(const std::string& op, const StateTable& table, const std::vector<Batch>& rows);
  /// More rows of the table of the last call, all of higher key groups: they continue its section.
  Result<> write_more(const StateTable& table, const Batch& rows);
  /// Call it once, at the end.
  Result<SnapshotFile> finish();

 private:
  class Output;

  SnapshotWriter(FileSystem& files, SnapshotOptions options);
  void begin_section(const std::string& op, const StateTable& table);
  Result<> write_sorted(const StateTable& table, const Batch& rows);
  Result<> write_blocks(const Batch& rows, const std::vector<KeyGroup>& groups,
                        const std::vector<std::uint32_t>& order);
  Result<> append_block(const Batch& rows, const KeyGroupRange& groups);

  FileSystem& files_;
  const SnapshotOptions options_;
  const std::string path_;
  std::unique_ptr<Output> output_;
  SnapshotIndex index_;
  bool finished_ = false;
};

}  // namespace troupe
