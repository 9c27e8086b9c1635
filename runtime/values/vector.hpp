#pragma once

#include "runtime/data/arrow_result.hpp"

#include <arrow/array.h>
#include <arrow/array/builder_binary.h>
#include <arrow/buffer.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>

#include <cstring>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

namespace troupe {

/// The values of a (sub-)expression: one for each row, or one (`constant`) for all rows.
/// The array's type is `arrow_type` of the expression's SQL type.
struct Vector {
  std::shared_ptr<arrow::Array> values;
  bool constant = false;
};

// The C++ types of one value of each SQL type. Booleans, integers and floats are themselves; text
// is std::string_view, and std::string as a result.

__extension__ typedef __int128 Int128;

struct Numeric {
  Int128 digits = 0;  ///< the value times 10^scale of the type
};

struct Date {
  std::int32_t days = 0;  ///< since 1970-01-01
};

struct Moment {
  std::int64_t micros = 0;  ///< since 1970-01-01 00:00:00 UTC
};

struct Interval {
  std::int32_t months = 0;
  std::int32_t days = 0;
  std::int64_t nanos = 0;
};

/// One argument of a kernel, read row by row; a constant repeats. The value of a NULL row may be
/// anything: do not use it.
template <class T>
class ValueLane {
 public:
  explicit ValueLane(const Vector& vector)
      : array_(vector.values.get()), mask_(vector.constant ? 0 : ~std::int64_t{0}) {
    if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, std::string_view>) {
      if constexpr (std::is_same_v<T, std::string_view>) {
        strings_ = static_cast<const arrow::StringArray*>(array_);
      } else {
        bits_ = array_->data()->template GetValues<std::uint8_t>(1, 0);
      }
    } else {
      bytes_ = array_->data()->buffers[1] ? array_->data()->buffers[1]->data() : nullptr;
    }
    offset_ = array_->offset();
    has_nulls_ = array_->null_count() > 0;
  }

  bool valid(std::int64_t row) const { return !has_nulls_ || array_->IsValid(row & mask_); }
  bool has_nulls() const { return has_nulls_; }

  T operator[](std::int64_t row) const {
    const std::int64_t at = row & mask_;
    if constexpr (std::is_same_v<T, bool>) {
      return arrow::bit_util::GetBit(bits_, at + offset_);
    } else if constexpr (std::is_same_v<T, std::string_view>) {
      return strings_->GetView(at);
    } else {
      T value;
      std::memcpy(&value, bytes_ + static_cast<std::size_t>(at + offset_) * sizeof(T), sizeof(T));
      return value;
    }
  }

 private:
  const arrow::Array* array_;
  const arrow::StringArray* strings_ = nullptr;
  const std::uint8_t* bits_ = nullptr;
  const std::uint8_t* bytes_ = nullptr;
  std::int64_t offset_ = 0;
  std::int64_t mask_;
  bool has_nulls_ = false;
};

/// The result of a kernel, written row by row, each row once and in order.
template <class T>
class ValueOutput {
 public:
  static constexpr bool is_text = std::is_same_v<T, std::string>;
  static constexpr bool is_bool = std::is_same_v<T, bool>;

  Result<> reserve(std::int64_t rows) {
    rows_ = rows;
    if constexpr (is_text) {
      return arrow_try(text_.Reserve(rows));
    } else {
      const std::int64_t bytes = is_bool ? arrow::bit_util::BytesForBits(rows)
                                         : rows * static_cast<std::int64_t>(sizeof(T));
      data_ = TRY(arrow_try(arrow::AllocateBuffer(bytes)));
      std::memset(data_->mutable_data(), 0, static_cast<std::size_t>(bytes));
      return {};
    }
  }

  /// Like `reserve`, but does not clear the memory: every row must be written through `data`.
  Result<> allocate(std::int64_t rows) {
    rows_ = rows;
    data_ = TRY(arrow_try(arrow::AllocateBuffer(rows * static_cast<std::int64_t>(sizeof(T)))));
    return {};
  }

  using Value = std::conditional_t<is_text, std::string_view, T>;

  Result<> set(std::int64_t row, const Value& value) {
    if constexpr (is_text) {
      return arrow_try(text_.Append(value));
    } else if constexpr (is_bool) {
      if (value) arrow::bit_util::SetBit(data_->mutable_data(), row);
    } else {
      std::memcpy(data_->mutable_data() + static_cast<std::size_t>(row) * sizeof(T), &value,
                  sizeof(T));
    }
    return {};
  }

  Result<> set_null(std::int64_t row) {
    if constexpr (is_text) {
      return arrow_try(text_.AppendNull());
    } else {
      if (!valid_) {
        valid_ = TRY(arrow_try(arrow::AllocateBuffer(arrow::bit_util::BytesForBits(rows_))));
        std::memset(valid_->mutable_data(), 0xff, static_cast<std::size_t>(valid_->size()));
      }
      arrow::bit_util::ClearBit(valid_->mutable_data(), row);
      return {};
    }
  }

  T* data() { return reinterpret_cast<T*>(data_->mutable_data()); }
  /// For booleans: one bit per row.
  std::uint8_t* bytes() { return data_->mutable_data(); }

  /// `valid` is the validity of all rows, if they were written through `data` or `bytes`.
  Result<std::shared_ptr<arrow::Array>> finish(const std::shared_ptr<arrow::DataType>& type,
                                               std::shared_ptr<arrow::Buffer> valid = nullptr) {
    if (valid) valid_ = std::move(valid);
    if constexpr (is_text) {
      return arrow_try(text_.Finish());
    } else {
      return arrow::MakeArray(
          arrow::ArrayData::Make(type, rows_, {std::move(valid_), std::move(data_)}));
    }
  }

 private:
  std::int64_t rows_ = 0;
  std::shared_ptr<arrow::Buffer> data_;
  std::shared_ptr<arrow::Buffer> valid_;
  std::conditional_t<is_text, arrow::StringBuilder, char> text_{};
};

}  // namespace troupe
