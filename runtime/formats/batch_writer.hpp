#pragma once

#include "runtime/base/result.hpp"
#include "runtime/data/batch.hpp"

#include <cstdint>

namespace troupe {

/// Batches into one file. Used by one thread at a time. Blocks.
class BatchWriter {
 public:
  virtual ~BatchWriter() = default;
  virtual Result<> write(const Batch& batch) = 0;
  /// What it holds of rows that are not in the file yet; `let_go` puts them there.
  virtual std::int64_t held_bytes() const { return 0; }
  virtual Result<> let_go() { return {}; }
  /// Writes what belongs at the end; the file is complete and durable when this returns. Called
  /// once; a writer that is dropped without it leaves a file that nobody may use.
  virtual Result<> close() = 0;
};

}  // namespace troupe
