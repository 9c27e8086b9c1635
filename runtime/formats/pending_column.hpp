#pragma once

#include "runtime/base/result.hpp"
#include "runtime/data/schema.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace arrow {
class Array;
class DataType;
}  // namespace arrow

namespace troupe {

/// A batch of a reader ends before one of its columns would hold more than this in values of
/// variable length (a single larger value is a batch of one row): arrays of texts end at 2 GiB, and
/// whoever works on batches counts on them being small.
inline constexpr std::int64_t column_bytes_max = std::int64_t{32} << 20;

/// Values of one column that a file has given and nobody has taken yet: columns of a file come in
/// pieces of different lengths, batches have one.
class PendingColumn {
 public:
  /// `type` is the one that `runtime_schema` gave the column.
  explicit PendingColumn(std::shared_ptr<arrow::DataType> type) : type_(std::move(type)) {}

  std::int64_t rows() const;
  /// Before anything is taken of it, all of what came before must have been.
  Result<> fill(std::shared_ptr<arrow::Array> values);
  /// How many of the next `rows` rows take at most `column_bytes_max`; at least one.
  std::int64_t fitting(std::int64_t rows);
  /// The next `rows` values, as the column's type.
  Result<std::shared_ptr<arrow::Array>> take(std::int64_t rows);

 private:
  std::int64_t fitting_words(std::int64_t rows);

  const std::shared_ptr<arrow::DataType> type_;
  std::shared_ptr<arrow::Array> values_;
  std::int64_t taken_ = 0;
  /// The longest text of a dictionary, which the pieces of a column share.
  std::shared_ptr<arrow::Array> dictionary_;
  std::int64_t longest_ = 0;
};

}  // namespace troupe
