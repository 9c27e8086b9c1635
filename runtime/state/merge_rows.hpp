#pragma once

#include "runtime/base/time.hpp"
#include "runtime/operator/state_table.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace troupe {

/// What rows to be merged are of all that was written.
struct MergeScope {
  /// False where older rows of the same keys may exist that are not at hand: then deletions stay,
  /// and so do expired rows, since either hides what is older.
  bool complete = true;
  /// Rows whose time is before it are left out.
  std::optional<EventTime> watermark = {};
};

/// What rows of a table that were written one after another come to: the heart of a restore and of
/// a merge of files. `rows` are the oldest first, and with a row come all later ones of its key.
/// Rows keep their order. `key_hashes` as `hash_rows_of` has them. Never a null batch.
Result<Batch> merge_rows(const StateTable& table, const std::vector<Batch>& rows,
                         const std::vector<std::uint64_t>& key_hashes, const MergeScope& scope);

/// The rows that have not expired.
Result<Batch> unexpired(const StateTable& table, const Batch& rows, EventTime watermark);

}  // namespace troupe
