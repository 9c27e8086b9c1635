#include "runtime/formats/value_check.hpp"

#include "runtime/formats/damage.hpp"
#include "runtime/formats/nested_rows.hpp"
#include "runtime/formats/time_units.hpp"
#include "runtime/formats/utf8_check.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
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

class CheckedValues final : public BatchReader {
 public:
  CheckedValues(std::string path, std::vector<GroupRows> groups,
                std::unique_ptr<BatchReader> batches)
      : path_(std::move(path)), groups_(std::move(groups)), batches_(std::move(batches)) {}

  Result<Batch> next() override {
    Batch batch = TRY(batches_->next());
    if (!batch) return batch;
    const auto& columns = *batch.columns();
    checked_.resize(static_cast<std::size_t>(columns.num_columns()));
    for (int i = 0; i < columns.num_columns(); ++i) {
      TRY(check(*columns.column(i), columns.column_name(i), checked_[static_cast<std::size_t>(i)]));
    }
    row_ += batch.rows();
    return batch;
  }

 private:
  Result<> check(const arrow::Array& column, const std::string& name,
                 std::shared_ptr<arrow::ArrayData>& checked) const {
    if (const Bad bad = first_bad_value(column)) {
      return damaged(path_, fmt::format("{}, column '{}'", place(row_ + bad->row), name), bad->why);
    }
    if (known(column, checked)) return {};
    if (const auto row = first_not_utf8(column)) {
      return at_place(not_utf8(name), path_, place(row_ + *row));
    }
    return {};
  }

  /// True where the column's texts are those of a dictionary that has been checked: the batches of
  /// a row group share one.
  static bool known(const arrow::Array& column, std::shared_ptr<arrow::ArrayData>& checked) {
    const auto& dictionary = column.data()->dictionary;
    if (dictionary == nullptr) return false;
    if (dictionary != checked) {
      if (first_not_utf8(*arrow::MakeArray(dictionary))) return false;
      checked = dictionary;
    }
    return true;
  }

  std::string place(std::int64_t row) const {
    for (const GroupRows& group : groups_) {
      if (row < group.rows) return fmt::format("row group {}, row {}", group.group, row + 1);
      row -= group.rows;
    }
    ENSURE(false, "a row beyond those of its row groups");
    return {};
  }

  const std::string path_;
  const std::vector<GroupRows> groups_;
  const std::unique_ptr<BatchReader> batches_;
  std::vector<std::shared_ptr<arrow::ArrayData>> checked_;  ///< dictionaries, by column
  std::int64_t row_ = 0;                                    ///< the next one, of all row groups
};

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

std::unique_ptr<BatchReader> with_values_checked(const std::string& path,
                                                 std::vector<GroupRows> groups,
                                                 std::unique_ptr<BatchReader> batches) {
  return std::make_unique<CheckedValues>(path, std::move(groups), std::move(batches));
}

}  // namespace troupe
