#pragma once

#include "runtime/data/batch.hpp"

#include <arrow/buffer.h>
#include <arrow/buffer_builder.h>
#include <arrow/result.h>
#include <parquet/exception.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace troupe {

/// What the decoders of columns have in common: they throw as the Parquet library does, and keep a
/// byte a row for nulls, none at all where there are no nulls.

using Validity = std::vector<std::uint8_t>;

template <class T>
T must(arrow::Result<T> result) {
  PARQUET_THROW_NOT_OK(result.status());
  return *std::move(result);
}
inline void must(const arrow::Status& status) { PARQUET_THROW_NOT_OK(status); }

inline std::shared_ptr<arrow::Buffer> bitmap_of(const Validity& valid) {
  if (valid.empty()) return nullptr;
  auto bits = must(arrow::AllocateEmptyBitmap(static_cast<std::int64_t>(valid.size())));
  std::uint8_t* bytes = bits->mutable_data();
  for (std::size_t i = 0; i < valid.size(); ++i) {
    bytes[i / 8] |= static_cast<std::uint8_t>(valid[i] << (i % 8));
  }
  return bits;
}

/// Moves `count` values that stand at the begin to where `valid` has its ones.
template <class T>
void spread(T* values, const std::uint8_t* valid, std::int64_t rows, std::int64_t count) {
  for (std::int64_t row = rows; row-- > 0 && count <= row;) {
    values[row] = valid[row] ? values[--count] : T{};
  }
}

/// Notes whether `count` more rows are null: by `valid_at(i)` where there are nulls among them.
template <class ValidAt>
void add_validity(Validity& valid, std::int64_t rows_before, std::size_t count, bool nulls,
                  ValidAt&& valid_at) {
  if (valid.empty() && !nulls) return;
  if (valid.empty()) valid.assign(static_cast<std::size_t>(rows_before), 1);
  for (std::size_t i = 0; i < count; ++i) valid.push_back(nulls ? valid_at(i) : 1);
}

/// What has been chosen of a column, `bytes_each` bytes a value, in one piece.
class ChosenValues {
 public:
  explicit ChosenValues(std::int64_t bytes_each) : bytes_each_(bytes_each) {}

  std::int64_t rows() const { return bytes_.length() / bytes_each_; }
  /// Room for `count` more values, which the caller writes; they are of `of_rows` rows. As many
  /// more are made room for as a batch will have if rows go on being chosen like that: to grow is
  /// to copy.
  std::uint8_t* add(std::int64_t count, std::int64_t of_rows) {
    if (bytes_.capacity() == 0) {
      const std::int64_t rows = (count * batch_rows_max / of_rows + count) * 9 / 8;
      must(bytes_.Resize(std::min(rows, batch_rows_max) * bytes_each_));
    }
    must(bytes_.Reserve(count * bytes_each_));
    std::uint8_t* begin = bytes_.mutable_data() + bytes_.length();
    bytes_.UnsafeAdvance(count * bytes_each_);
    return begin;
  }
  std::shared_ptr<arrow::Buffer> finish() {
    const bool wasteful = bytes_.length() < bytes_.capacity() / 2;
    return must(bytes_.Finish(/*shrink_to_fit=*/wasteful));
  }

 private:
  const std::int64_t bytes_each_;
  arrow::BufferBuilder bytes_;
};

}  // namespace troupe
