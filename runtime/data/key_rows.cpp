#include "runtime/data/key_rows.hpp"

#include "runtime/data/stored_number.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>

#include <cmath>
#include <cstring>
#include <type_traits>

namespace troupe {
namespace {

template <class Value>
Value at(const std::uint8_t* values, std::int64_t i) {
  Value value;
  std::memcpy(&value, values + i * static_cast<std::int64_t>(sizeof value), sizeof value);
  return value;
}

template <class Value>
bool same_number(const std::uint8_t* a, std::int64_t i, const std::uint8_t* b, std::int64_t j) {
  const Value x = at<Value>(a, i), y = at<Value>(b, j);
  if constexpr (std::is_floating_point_v<Value>) {
    return x == y || (std::isnan(x) && std::isnan(y));
  } else {
    return x == y;
  }
}

template <class Offset>
std::string_view text(const std::uint8_t* offsets, const std::uint8_t* texts, std::int64_t i) {
  const auto begin = at<Offset>(offsets, i), end = at<Offset>(offsets, i + 1);
  return {reinterpret_cast<const char*>(texts) + begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace

KeyRows::Column KeyRows::column_of(std::shared_ptr<arrow::Array> array) {
  Column column;
  if (array->type_id() == arrow::Type::DICTIONARY) {
    const auto& encoded = static_cast<const arrow::DictionaryArray&>(*array);
    column.codes = std::move(array);
    array = encoded.dictionary();
  }
  const arrow::ArrayData& data = *array->data();
  column.offset = data.offset;
  if (array->null_count() > 0) column.valid = array->null_bitmap_data();
  if (data.buffers.size() > 1 && data.buffers[1]) column.data = data.buffers[1]->data();
  if (data.buffers.size() > 2 && data.buffers[2]) column.texts = data.buffers[2]->data();
  const bool number = visit_stored_number(array->type_id(), [&]<class Value>(Value) {
    constexpr bool real = std::is_floating_point_v<Value>;
    column.kind = sizeof(Value) == 1   ? Kind::word1
                  : sizeof(Value) == 2 ? Kind::word2
                  : sizeof(Value) == 4 ? (real ? Kind::float4 : Kind::word4)
                                       : (real ? Kind::float8 : Kind::word8);
  });
  if (!number) {
    switch (array->type_id()) {
      case arrow::Type::NA:
        column.kind = Kind::null;
        break;
      case arrow::Type::BOOL:
        column.kind = Kind::boolean;
        break;
      case arrow::Type::STRING:
      case arrow::Type::BINARY:
        column.kind = Kind::text4;
        break;
      case arrow::Type::LARGE_STRING:
      case arrow::Type::LARGE_BINARY:
        column.kind = Kind::text8;
        break;
      case arrow::Type::DECIMAL128:
      case arrow::Type::FIXED_SIZE_BINARY:
        column.kind = Kind::bytes;
        column.width = array->type()->byte_width();
        break;
      default:
        column.kind = Kind::nested;
    }
  }
  column.values = std::move(array);
  return column;
}

KeyRows::KeyRows(const Batch& batch, const std::vector<int>& columns) {
  columns_.reserve(columns.size());
  for (const int column : columns) columns_.push_back(column_of(batch.columns()->column(column)));
}

std::int64_t KeyRows::Column::place(std::uint32_t row) const {
  std::int64_t place = row;
  if (codes) {
    if (codes->IsNull(row)) return -1;
    place = static_cast<const arrow::DictionaryArray&>(*codes).GetValueIndex(row);
  }
  if (kind == Kind::null) return -1;
  const bool null = valid != nullptr && !arrow::bit_util::GetBit(valid, offset + place);
  return null ? -1 : place;
}

bool KeyRows::same_value(const Column& a, std::int64_t i, const Column& b, std::int64_t j) {
  const std::int64_t x = a.offset + i, y = b.offset + j;
  switch (a.kind) {
    case Kind::null:
      return true;
    case Kind::boolean:
      return arrow::bit_util::GetBit(a.data, x) == arrow::bit_util::GetBit(b.data, y);
    case Kind::word1:
      return a.data[x] == b.data[y];
    case Kind::word2:
      return same_number<std::uint16_t>(a.data, x, b.data, y);
    case Kind::word4:
      return same_number<std::uint32_t>(a.data, x, b.data, y);
    case Kind::word8:
      return same_number<std::uint64_t>(a.data, x, b.data, y);
    case Kind::float4:
      return same_number<float>(a.data, x, b.data, y);
    case Kind::float8:
      return same_number<double>(a.data, x, b.data, y);
    case Kind::bytes:
      return std::memcmp(a.data + x * a.width, b.data + y * b.width,
                         static_cast<std::size_t>(a.width)) == 0;
    case Kind::text4:
      return text<std::int32_t>(a.data, a.texts, x) == text<std::int32_t>(b.data, b.texts, y);
    case Kind::text8:
      return text<std::int64_t>(a.data, a.texts, x) == text<std::int64_t>(b.data, b.texts, y);
    case Kind::nested:
      break;
  }
  const auto bitwise = arrow::EqualOptions::Defaults().nans_equal(true).signed_zeros_equal(false);
  return a.values->RangeEquals(*b.values, i, i + 1, j, bitwise);
}

bool KeyRows::same(std::uint32_t row, const KeyRows& other, std::uint32_t other_row) const {
  ENSURE(columns_.size() == other.columns_.size(), "keys of {} and of {} columns", columns_.size(),
         other.columns_.size());
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    const Column& a = columns_[c];
    const Column& b = other.columns_[c];
    const std::int64_t i = a.place(row), j = b.place(other_row);
    if ((i < 0) != (j < 0)) return false;
    if (i < 0) continue;
    ENSURE(a.kind == b.kind && a.width == b.width, "key column {}: {} and {}", c,
           a.values->type()->ToString(), b.values->type()->ToString());
    if (!same_value(a, i, b, j)) return false;
  }
  return true;
}

}  // namespace troupe
