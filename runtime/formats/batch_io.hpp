#pragma once

#include "runtime/base/result.hpp"
#include "runtime/data/batch.hpp"

namespace troupe {

/// Batches out of one file, or a part of one. Used by one thread at a time. Blocks.
class BatchReader {
 public:
  virtual ~BatchReader() = default;
  /// The next rows, at most `batch_rows_max`; an empty batch (`!batch`) at the end.
  virtual Result<Batch> next() = 0;
};

/// Batches into one file. Used by one thread at a time. Blocks.
class BatchWriter {
 public:
  virtual ~BatchWriter() = default;
  virtual Result<> write(const Batch& batch) = 0;
  /// Writes what belongs at the end; the file is complete and durable when this returns. Called
  /// once; a writer that is dropped without it leaves a file that nobody may use.
  virtual Result<> close() = 0;
};

}  // namespace troupe
