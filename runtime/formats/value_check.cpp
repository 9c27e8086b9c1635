#include "runtime/formats/value_check.hpp"

#include "runtime/formats/damage.hpp"
#include "runtime/formats/nested_rows.hpp"
#include "runtime/formats/time_units.hpp"
#include "runtime/formats/utf8_check.hpp"

#include <arrow/array.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include <cstring>

namespace troupe {
namespace {

using Bad = std::optional<BadValue>;

template <class Array>
Bad first_bad_time(const Array& times) {
  const auto& type = static_cast<const arrow::TimeType&>(*times.type());
  const std::int64_t day = units_of_day(type.unit());
  for (std::int64_t row = 0; row < times.length(); ++row) {
    if (times.IsNull(row) || (times.Value(row) >= 0 && times.Value(row) < day)) continue;
    return BadValue{row, fmt::format("{} is outside of a day of {} units", times.Value(row), day)};
  }
  return std::nullopt;
}

template <class Decimal, class Array>
Bad first_bad_decimal(const Array& decimals) {
  const auto& type = static_cast<const arrow::DecimalType&>(*decimals.type());
  for (std::int64_t row = 0; row < decimals.length(); ++row) {
    if (decimals.IsNull(row)) continue;
    const Decimal value(decimals.GetValue(row));
    if (value.FitsInPrecision(type.precision())) continue;
    return BadValue{row, fmt::format("{} has more than the {} digits of its type",
                                     value.ToString(type.scale()), type.precision())};
  }
  return std::nullopt;
}

/// True where one look at all values together finds none of more digits, as it mostly does.
[[gnu::optimize("O3")]] bool surely_good(const arrow::Decimal128Array& decimals) {
  const std::uint8_t* values = decimals.raw_values();
  std::uint64_t high = 0, low = 0;
  for (std::int64_t row = 0; row < decimals.length(); ++row) {
    std::int64_t words[2];
    std::memcpy(words, values + row * std::int64_t{sizeof words}, sizeof words);
    const std::int64_t sign = words[1] >> 63;
    low |= static_cast<std::uint64_t>(words[0] ^ sign);
    high |= static_cast<std::uint64_t>(words[1] ^ sign);
  }
  // No value is farther from zero than all bits that any of them has, and one for -1.
  const arrow::Decimal128 reach(static_cast<std::int64_t>(high), low);
  const auto& type = static_cast<const arrow::DecimalType&>(*decimals.type());
  return reach < arrow::Decimal128::GetMaxValue(type.precision());
}

std::int64_t& row_of(BadValue& bad) { return bad.row; }

}  // namespace

Bad first_bad_value(const arrow::Array& column) {
  switch (column.type_id()) {
    case arrow::Type::TIME32:
      return first_bad_time(static_cast<const arrow::Time32Array&>(column));
    case arrow::Type::TIME64:
      return first_bad_time(static_cast<const arrow::Time64Array&>(column));
    case arrow::Type::DECIMAL128:
      if (surely_good(static_cast<const arrow::Decimal128Array&>(column))) return std::nullopt;
      return first_bad_decimal<arrow::Decimal128>(
          static_cast<const arrow::Decimal128Array&>(column));
    case arrow::Type::DECIMAL256:
      return first_bad_decimal<arrow::Decimal256>(
          static_cast<const arrow::Decimal256Array&>(column));
    case arrow::Type::LIST:
    case arrow::Type::MAP:
      return first_in_lists(static_cast<const arrow::ListArray&>(column), first_bad_value, row_of);
    case arrow::Type::STRUCT:
      return first_in_structs(static_cast<const arrow::StructArray&>(column), first_bad_value,
                              row_of);
    default:
      return std::nullopt;
  }
}

Result<> ValueChecks::check(const arrow::Array& array, const std::string& column, bool proven,
                            const std::function<std::string(std::int64_t row)>& place) {
  if (proven) return {};
  if (const Bad bad = first_bad_value(array)) {
    return damaged(path_, fmt::format("{}, column '{}'", place(bad->row), column), bad->why);
  }
  if (known(array, column)) return {};
  if (const auto row = first_not_utf8(array)) return at_place(not_utf8(column), path_, place(*row));
  return {};
}

/// True where the texts are those of a dictionary that is well.
bool ValueChecks::known(const arrow::Array& array, const std::string& column) {
  const auto& dictionary = array.data()->dictionary;
  if (dictionary == nullptr) return false;
  auto& checked = checked_[column];
  if (dictionary != checked) {
    if (first_not_utf8(*arrow::MakeArray(dictionary))) return false;
    checked = dictionary;
  }
  return true;
}

}  // namespace troupe
