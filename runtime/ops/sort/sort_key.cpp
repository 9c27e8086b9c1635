#include "runtime/ops/sort/sort_key.hpp"

#include "runtime/data/batch.hpp"
#include "runtime/data/stored_number.hpp"
#include "runtime/data/take.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

namespace troupe {
namespace {

constexpr std::uint64_t sign = std::uint64_t{1} << 63;

template <class Value>
std::uint64_t ordinal(Value value) {
  if constexpr (std::is_floating_point_v<Value>) {
    double number = static_cast<double>(value) + 0.0;  // -0 is 0
    if (std::isnan(number)) number = std::numeric_limits<double>::quiet_NaN();
    const auto bits = std::bit_cast<std::uint64_t>(number);
    return bits & sign ? ~bits : bits | sign;
  } else if constexpr (std::is_signed_v<Value>) {
    return static_cast<std::uint64_t>(std::int64_t{value}) ^ sign;
  } else {
    return value;
  }
}

/// Seven bytes and the length, so that short text is told apart by the number alone.
std::uint64_t text_ordinal(std::string_view text) {
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, text.data(), std::min<std::size_t>(text.size(), 7));
  return __builtin_bswap64(bytes) | std::min<std::uint64_t>(text.size(), 8);
}

constexpr std::uint64_t length_mask = 0xFF;

bool is_long(std::uint64_t number) { return (number & length_mask) == 8; }

template <class ArrayType>
bool texts_of(const arrow::Array& array, std::vector<std::uint64_t>& out) {
  const auto& texts = static_cast<const ArrayType&>(array);
  bool exact = true;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (texts.IsNull(static_cast<std::int64_t>(i))) continue;
    out[i] = text_ordinal(std::string_view(texts.GetView(static_cast<std::int64_t>(i))));
    exact = exact && !is_long(out[i]);
  }
  return exact;
}

/// True where it could be read as one plain number a row.
bool plain_numbers(const arrow::Array& array, std::vector<std::uint64_t>& out) {
  if (array.type_id() == arrow::Type::NA) return true;
  if (array.type_id() == arrow::Type::BOOL) {
    const auto& flags = static_cast<const arrow::BooleanArray&>(array);
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = flags.Value(static_cast<std::int64_t>(i)) ? 1 : 0;
    }
    return true;
  }
  return visit_stored_number(array.type_id(), [&]<class Value>(Value) {
    const auto* values = array.data()->GetValues<Value>(1);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = ordinal(values[i]);
  });
}

bool is_text(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      return true;
    default:
      return false;
  }
}

std::string_view text_at(const arrow::Array& array, std::int64_t row) {
  if (array.type_id() == arrow::Type::STRING || array.type_id() == arrow::Type::BINARY) {
    return static_cast<const arrow::BinaryArray&>(array).GetView(row);
  }
  return static_cast<const arrow::LargeBinaryArray&>(array).GetView(row);
}

/// Of a dictionary that few rows use, most entries are not worth an order.
bool has_more_entries_than_rows(const arrow::Array& array) {
  return array.type_id() == arrow::Type::DICTIONARY &&
         array.data()->dictionary->length > array.length();
}

}  // namespace

Result<> SortColumn::check(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::DICTIONARY:
      return check(*static_cast<const arrow::DictionaryType&>(type).value_type());
    case arrow::Type::NA:
    case arrow::Type::BOOL:
    case arrow::Type::INT8:
    case arrow::Type::INT16:
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::UINT8:
    case arrow::Type::UINT16:
    case arrow::Type::UINT32:
    case arrow::Type::UINT64:
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
    case arrow::Type::DATE32:
    case arrow::Type::DATE64:
    case arrow::Type::TIME32:
    case arrow::Type::TIME64:
    case arrow::Type::TIMESTAMP:
    case arrow::Type::DURATION:
    case arrow::Type::DECIMAL128:
      return {};
    default:
      break;
  }
  if (is_text(type)) return {};
  return make_error(ErrorCode::unsupported, "values of type {} have no order", type.ToString());
}

Result<SortColumn> SortColumn::make(std::shared_ptr<arrow::Array> array, Scale scale) {
  TRY(check(*array->type()));
  if (has_more_entries_than_rows(*array)) array = TRY(plain(array));
  SortColumn column;
  const auto rows = static_cast<std::size_t>(array->length());
  column.high_.assign(rows, 0);
  if (array->type_id() == arrow::Type::DICTIONARY) {
    TRY(column.encode_dictionary(static_cast<const arrow::DictionaryArray&>(*array), scale));
  } else {
    TRY(column.encode(*array));
  }
  if (array->null_count() > 0) {
    column.nulls_.resize(rows);
    for (std::size_t i = 0; i < rows; ++i) {
      if (!array->IsNull(static_cast<std::int64_t>(i))) continue;
      column.nulls_[i] = 1;
      column.high_[i] = 0;
      if (!column.low_.empty()) column.low_[i] = 0;
    }
  }
  column.array_ = std::move(array);
  return column;
}

Result<> SortColumn::encode(const arrow::Array& array) {
  if (plain_numbers(array, high_)) return {};
  if (array.type_id() == arrow::Type::DECIMAL128) {
    low_.assign(high_.size(), 0);
    const auto* bytes = array.data()->GetValues<std::uint8_t>(1, array.offset() * 16);
    for (std::size_t i = 0; i < high_.size(); ++i) {
      std::memcpy(&low_[i], bytes + i * 16, 8);
      std::memcpy(&high_[i], bytes + i * 16 + 8, 8);
      high_[i] ^= sign;
    }
    return {};
  }
  const bool wide =
      array.type_id() == arrow::Type::LARGE_STRING || array.type_id() == arrow::Type::LARGE_BINARY;
  exact_ = wide ? texts_of<arrow::LargeBinaryArray>(array, high_)
                : texts_of<arrow::BinaryArray>(array, high_);
  return {};
}

Result<> SortColumn::encode_dictionary(const arrow::DictionaryArray& array, Scale scale) {
  SortColumn entries = TRY(make(array.dictionary(), Scale::across));
  std::vector<std::uint64_t> numbers = entries.high_;
  const bool ranked = scale == Scale::within && entries.low_.empty();
  if (ranked) {
    std::vector<std::uint32_t> order(numbers.size());
    std::iota(order.begin(), order.end(), 0u);
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
      return entries.compare(a, entries, b, {}) < 0;
    });
    for (std::size_t i = 0, rank = 0; i < order.size(); ++i) {
      if (i > 0 && entries.compare(order[i - 1], entries, order[i], {}) < 0) ++rank;
      numbers[order[i]] = rank;
    }
  }
  exact_ = ranked || entries.exact_;
  if (!entries.low_.empty()) low_.assign(high_.size(), 0);
  const bool usual =
      array.indices()->type_id() == arrow::Type::INT32 && low_.empty() && array.null_count() == 0;
  if (usual) {
    const auto* indices = array.indices()->data()->GetValues<std::int32_t>(1);
    for (std::size_t i = 0; i < high_.size(); ++i) high_[i] = numbers[indices[i]];
    return {};
  }
  for (std::size_t i = 0; i < high_.size(); ++i) {
    if (array.IsNull(static_cast<std::int64_t>(i))) continue;
    const auto entry = static_cast<std::size_t>(array.GetValueIndex(static_cast<std::int64_t>(i)));
    high_[i] = numbers[entry];
    if (!low_.empty()) low_[i] = entries.low_[entry];
  }
  return {};
}

std::string_view SortColumn::text(std::size_t row) const {
  const auto index = static_cast<std::int64_t>(row);
  if (array_->type_id() != arrow::Type::DICTIONARY) return text_at(*array_, index);
  const auto& encoded = static_cast<const arrow::DictionaryArray&>(*array_);
  return text_at(*encoded.dictionary(), encoded.GetValueIndex(index));
}

int SortColumn::compare(std::size_t row, const SortColumn& other, std::size_t other_row,
                        SortOrder order) const {
  const bool null = is_null(row);
  const bool other_null = other.is_null(other_row);
  if (null || other_null) {
    if (null == other_null) return 0;
    return null == order.nulls_first ? -1 : 1;
  }
  const int direction = order.descending ? -1 : 1;
  if (high_[row] != other.high_[other_row]) {
    return high_[row] < other.high_[other_row] ? -direction : direction;
  }
  if (!low_.empty() && low_[row] != other.low_[other_row]) {
    return low_[row] < other.low_[other_row] ? -direction : direction;
  }
  if (exact_ || other.exact_ || !is_long(high_[row])) return 0;
  return direction * text(row).compare(other.text(other_row));
}

bool SortKey::sorted() const {
  for (std::size_t i = 1; i < rows(); ++i) {
    if (compare(i - 1, *this, i) > 0) return false;
  }
  return true;
}

std::vector<SortOrder> orders_of(const std::vector<OrderTerm>& terms) {
  std::vector<SortOrder> orders;
  for (const OrderTerm& term : terms) orders.push_back({term.descending, term.nulls_first});
  return orders;
}

Result<std::vector<std::shared_ptr<arrow::Array>>> values_of(const std::vector<OrderTerm>& terms,
                                                             const Batch& batch) {
  std::vector<std::shared_ptr<arrow::Array>> values;
  for (const OrderTerm& term : terms) {
    const int column = term.value.as_column();
    values.push_back(column >= 0 ? batch.columns()->column(column)
                                 : TRY(term.value.evaluate(batch)));
  }
  return values;
}

Result<SortKey> make_sort_key(std::vector<std::shared_ptr<arrow::Array>> values,
                              std::vector<SortOrder> orders, SortColumn::Scale scale) {
  SortKey key;
  key.orders = std::move(orders);
  for (auto& array : values) key.columns.push_back(TRY(SortColumn::make(std::move(array), scale)));
  return key;
}

Result<SortKey> make_sort_key(const std::vector<OrderTerm>& terms, const Batch& batch) {
  return make_sort_key(TRY(values_of(terms, batch)), orders_of(terms), SortColumn::Scale::across);
}

}  // namespace troupe
