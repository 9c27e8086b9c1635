#pragma once

#include "runtime/data/batch.hpp"

#include <cstdint>
#include <vector>

namespace troupe {

/// The rows of a batch by the subtask that owns their key group; an empty batch where a subtask
/// gets none. Rows keep their order. Dictionaries are shared, not copied.
Result<std::vector<Batch>> partition_by_key(const Batch& batch, const std::vector<int>& keys,
                                            std::uint32_t partitions);

/// Small batches of one stream, made into larger ones.
class Coalescer {
 public:
  /// What is ready after `batch` was added, in order.
  Result<std::vector<Batch>> add(Batch batch);
  /// What is left.
  Result<std::vector<Batch>> flush();

 private:
  std::vector<Batch> pending_;
  std::int64_t rows_ = 0;
};

/// Rows below which a batch waits for others before it is sent.
inline constexpr std::int64_t coalesce_rows_min = 4096;

}  // namespace troupe
