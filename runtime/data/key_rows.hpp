#pragma once

#include "runtime/base/result.hpp"
#include "runtime/data/batch.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace troupe {

/// Key columns of one batch, read where they stand: whether a row of it has the key of another row,
/// of this batch or of another one. No key is copied or encoded, so who keeps rows keeps their keys
/// with them, and an index over them is no more than row numbers beside hashes.
///
/// Two keys are the same where their canonical bytes are (`key_hash.hpp`): null is one value and so
/// is NaN, -0.0 is 0.0, an entry of a dictionary is its value. Equal keys have equal hashes
/// (`hash_keys`), so it is asked only where those are equal. Nested values have no canonical bytes:
/// they are the same where Arrow says so, bit for bit.
class KeyRows {
 public:
  /// `columns` by index. It shares the batch's memory.
  KeyRows(const Batch& batch, const std::vector<int>& columns);

  /// Both have the same number of key columns, of the same types but for dictionaries.
  bool same(std::uint32_t row, const KeyRows& other, std::uint32_t other_row) const;

 private:
  enum class Kind {
    null,
    boolean,
    word1,
    word2,
    word4,
    word8,
    float4,
    float8,
    bytes,
    text4,
    text8,
    nested
  };
  struct Column {
    std::shared_ptr<arrow::Array> values;  ///< of the dictionary, where there is one
    Kind kind = Kind::null;
    std::int32_t width = 0;  ///< of a value, where it is `bytes`
    const std::uint8_t* data = nullptr;
    const std::uint8_t* texts = nullptr;
    const std::uint8_t* valid = nullptr;  ///< a bit a value; null: all are
    std::int64_t offset = 0;
    std::shared_ptr<arrow::Array> codes;  ///< null: a row is its value's place

    /// The place of a row's value; negative for null.
    std::int64_t place(std::uint32_t row) const;
  };

  static Column column_of(std::shared_ptr<arrow::Array> array);
  static bool same_value(const Column& a, std::int64_t i, const Column& b, std::int64_t j);

  std::vector<Column> columns_;
};

}  // namespace troupe
