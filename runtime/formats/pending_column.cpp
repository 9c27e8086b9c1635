#include "runtime/formats/pending_column.hpp"

#include "runtime/data/arrow_result.hpp"
#include "runtime/formats/column_types.hpp"

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/type.h>
#include <arrow/util/byte_size.h>

#include <algorithm>
#include <limits>

namespace troupe {
namespace {

template <class Is>
bool any_type(const arrow::DataType& type, Is&& is) {
  if (is(type)) return true;
  return std::any_of(type.fields().begin(), type.fields().end(),
                     [&](const auto& field) { return any_type(*field->type(), is); });
}

/// Types whose arrays may hold more than the runtime's may: they become that piece by piece.
bool is_wide(const arrow::DataType& type) {
  return any_type(type, [](const arrow::DataType& one) {
    switch (one.id()) {
      case arrow::Type::LARGE_STRING:
      case arrow::Type::LARGE_BINARY:
      case arrow::Type::LARGE_LIST:
      case arrow::Type::STRING_VIEW:
      case arrow::Type::BINARY_VIEW:
        return true;
      default:
        return false;
    }
  });
}

/// How many of `rows` rows from `begin` on take at most `column_bytes_max`, by their offsets.
template <class Array>
std::int64_t fitting_by_offsets(const arrow::Array& values, std::int64_t begin, std::int64_t rows) {
  const auto& array = static_cast<const Array&>(values);
  const auto bytes = [&](std::int64_t count) {
    return static_cast<std::int64_t>(array.value_offset(begin + count)) -
           static_cast<std::int64_t>(array.value_offset(begin));
  };
  if (bytes(rows) <= column_bytes_max) return rows;
  std::int64_t fits = 0;
  for (std::int64_t beyond = rows; beyond - fits > 1;) {
    const std::int64_t middle = fits + (beyond - fits) / 2;
    (bytes(middle) <= column_bytes_max ? fits : beyond) = middle;
  }
  return std::max<std::int64_t>(fits, 1);
}

/// The same by the size of each value.
template <class Size>
std::int64_t fitting_by_sizes(std::int64_t rows, Size&& size) {
  std::int64_t bytes = 0;
  for (std::int64_t row = 0; row < rows; ++row) {
    bytes += size(row);
    if (bytes > column_bytes_max) return std::max<std::int64_t>(row, 1);
  }
  return rows;
}

/// The same for lists and structs, roughly: by halves.
std::int64_t fitting_by_halves(const arrow::Array& values, std::int64_t begin, std::int64_t rows) {
  const bool measurable = !any_type(*values.type(), [](const arrow::DataType& one) {
    return one.id() == arrow::Type::DICTIONARY;  // counts whole in each piece
  });
  while (measurable && rows > 1) {
    const auto bytes = arrow::util::ReferencedBufferSize(*values.Slice(begin, rows));
    if (!bytes.ok() || *bytes <= column_bytes_max) break;
    rows /= 2;
  }
  return rows;
}

bool ends_beyond_int32(const arrow::Array& slice) {
  const auto end = [&](const auto& array) {
    return array.value_offset(array.length()) > std::numeric_limits<std::int32_t>::max();
  };
  switch (slice.type_id()) {
    case arrow::Type::LARGE_STRING:
      return end(static_cast<const arrow::LargeStringArray&>(slice));
    case arrow::Type::LARGE_BINARY:
      return end(static_cast<const arrow::LargeBinaryArray&>(slice));
    default:
      return false;
  }
}

}  // namespace

std::int64_t PendingColumn::rows() const { return values_ ? values_->length() - taken_ : 0; }

Result<> PendingColumn::fill(std::shared_ptr<arrow::Array> values) {
  ENSURE(rows() == 0, "{} values of a column would be lost", rows());
  values_ = is_wide(*values->type()) ? std::move(values) : TRY(as_runtime_column(values, type_));
  taken_ = 0;
  return {};
}

std::int64_t PendingColumn::fitting(std::int64_t rows) {
  switch (values_->type_id()) {
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return fitting_by_offsets<arrow::BinaryArray>(*values_, taken_, rows);
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      return fitting_by_offsets<arrow::LargeBinaryArray>(*values_, taken_, rows);
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW: {
      const auto& views = static_cast<const arrow::BinaryViewArray&>(*values_);
      return fitting_by_sizes(rows, [&](std::int64_t row) {
        return views.IsNull(taken_ + row) ? std::int64_t{0}
                                          : std::int64_t{views.raw_values()[taken_ + row].size()};
      });
    }
    case arrow::Type::DICTIONARY:
      return fitting_words(rows);
    default:
      return arrow::is_nested(values_->type_id()) ? fitting_by_halves(*values_, taken_, rows)
                                                  : rows;
  }
}

/// Looks at the indices only where the longest words could make it too much.
std::int64_t PendingColumn::fitting_words(std::int64_t rows) {
  const auto& coded = static_cast<const arrow::DictionaryArray&>(*values_);
  if (coded.dictionary()->type_id() != arrow::Type::STRING) return rows;
  const auto& words = static_cast<const arrow::StringArray&>(*coded.dictionary());
  if (dictionary_ == nullptr || dictionary_->data() != words.data()) {
    dictionary_ = coded.dictionary();
    longest_ = 0;
    for (std::int64_t i = 0; i < words.length(); ++i) {
      longest_ = std::max<std::int64_t>(longest_, words.value_length(i));
    }
  }
  if (longest_ * rows <= column_bytes_max) return rows;
  return fitting_by_sizes(rows, [&](std::int64_t row) {
    return coded.IsNull(taken_ + row)
               ? std::int64_t{0}
               : std::int64_t{words.value_length(coded.GetValueIndex(taken_ + row))};
  });
}

Result<std::shared_ptr<arrow::Array>> PendingColumn::take(std::int64_t rows) {
  const bool whole = taken_ == 0 && rows == values_->length();
  auto slice = whole ? values_ : values_->Slice(taken_, rows);
  taken_ += rows;
  if (!is_wide(*slice->type())) return slice;
  // A copy begins at offset 0 again, which is all that a cast to 32 bits wants.
  const bool part = !whole && arrow::is_nested(slice->type_id());
  if (part || ends_beyond_int32(*slice)) slice = TRY(arrow_try(arrow::Concatenate({slice})));
  return TRY(as_runtime_column(slice, type_));
}

}  // namespace troupe
