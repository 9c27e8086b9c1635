#pragma once

#include "runtime/operator/batch_reader.hpp"
#include "runtime/state/merge_rows.hpp"
#include "runtime/state/snapshot_set.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// What a reader of state reads and merges at once, about; more only where one key group has more.
inline constexpr std::int64_t state_window_bytes = std::int64_t{64} << 20;

/// Which rows of a set of files.
struct StateQuery {
  OperatorTable table;
  KeyGroupRange groups;  ///< no others; those of a table that belongs to tasks come all
  MergeScope scope = {};
  std::int64_t window_bytes = state_window_bytes;
};

/// What one table of an operator holds, from the files that its changes were written to.
///
/// Rows come merged, by windows of key groups that ascend: all rows of a key at once, so whoever
/// builds an index can finish group by group. Memory is that of one window, and of one block for
/// each section of each file. A block is read and unpacked once.
///
/// `conflict` where the files hold the table with another schema, key or merge: the job has
/// changed. `corrupt` as of `SnapshotReader`, and where a block has rows of other key groups than
/// it says.
class StateReader final : public BatchReader {
 public:
  static Result<std::unique_ptr<StateReader>> open(std::shared_ptr<const SnapshotSet> set,
                                                   StateQuery query);

  /// At most `batch_rows_max` rows; empty at the end.
  Result<Batch> next() override;
  /// All rows of the next window that has any, however many; empty (`!batch`) at the end.
  Result<Batch> next_window();

 private:
  /// Rows of a block in the order of their groups, with the hashes of their keys.
  struct Rows {
    Batch batch;
    std::vector<std::uint64_t> hashes;
  };
  /// Where one section of one file stands.
  struct Cursor {
    const SnapshotReader* file;
    const SnapshotSection* section;
    KeyGroupRange groups;  ///< those that are wanted of it
    std::size_t block = 0;
    Rows held = {};  ///< of groups that no window has reached
  };
  /// What one window has gathered so far.
  struct Window {
    std::vector<Batch> rows;
    std::vector<std::uint64_t> hashes;
  };

  StateReader(std::shared_ptr<const SnapshotSet> set, StateQuery query);
  Result<> add_cursors(const SnapshotSet::Members& list);
  Result<> check_declared(const SnapshotReader& file, const SnapshotSection& section) const;
  std::uint32_t end_of_window() const;
  Result<> gather(Cursor& cursor, std::uint32_t end, Window& window);
  Result<Rows> read(const Cursor& cursor, const SnapshotBlock& block) const;
  std::size_t rows_below(const std::vector<std::uint64_t>& hashes, std::uint32_t group) const;
  Result<Batch> next_of_tasks();

  const std::shared_ptr<const SnapshotSet> set_;
  const StateQuery query_;
  std::vector<Cursor> cursors_;
  std::vector<std::int64_t> bytes_at_;  ///< of blocks, by the group they begin with
  std::uint32_t group_ = 0;             ///< the next window begins here
  Batch rest_;                          ///< of a window, for `next`
};

}  // namespace troupe
