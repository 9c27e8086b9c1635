#pragma once

#include "runtime/base/result.hpp"
#include "runtime/data/schema.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace arrow {
class Status;
}

namespace troupe {

/// Rows on their way: an immutable Arrow record batch, passed by pointer.
///
/// Batches between operators hold at most `batch_rows_max` rows; a reader may hand out fewer, never
/// more. String columns may be dictionary-encoded (a reader keeps the encoding of its file): an
/// operator that looks at values handles `dictionary<int32, utf8>` wherever it handles `utf8`; the
/// logical schema always says `utf8` (see `logical_type`).
class Batch {
 public:
  Batch() = default;
  explicit Batch(std::shared_ptr<arrow::RecordBatch> columns) : columns_(std::move(columns)) {}

  const std::shared_ptr<arrow::RecordBatch>& columns() const { return columns_; }
  std::int64_t rows() const;
  /// Bytes of the buffers that the rows use; shared buffers count in every batch that uses them.
  std::int64_t bytes() const;
  explicit operator bool() const { return columns_ != nullptr; }

 private:
  std::shared_ptr<arrow::RecordBatch> columns_;
};

/// 64 Ki rows: large enough that costs per batch vanish, small enough for the L2 cache by column.
inline constexpr std::int64_t batch_rows_max = 65536;

/// The type that a column has for users: what a dictionary encodes, else the type itself.
std::shared_ptr<arrow::DataType> logical_type(const std::shared_ptr<arrow::DataType>& type);

/// An Arrow failure as ours: IOError is unavailable, Invalid and TypeError invalid_argument,
/// OutOfMemory unavailable, NotImplemented unsupported, anything else internal.
Error from_arrow(const arrow::Status& status);

}  // namespace troupe
