#include "runtime/formats/parquet_leaf_check.hpp"

#include "runtime/formats/time_units.hpp"

#include <fmt/format.h>
#include <parquet/column_reader.h>
#include <parquet/exception.h>
#include <parquet/schema.h>
#include <parquet/types.h>

#include <cstring>
#include <optional>
#include <vector>

namespace troupe {
namespace {

constexpr std::int64_t levels_at_once = 4096;

/// An integer type that Parquet keeps in more bits than it has.
struct Narrow {
  const char* name;
  std::int64_t low;
  std::int64_t high;
};

std::optional<Narrow> narrow_type(const parquet::ColumnDescriptor& leaf) {
  if (leaf.physical_type() != parquet::Type::INT32 || leaf.logical_type() == nullptr) return {};
  if (!leaf.logical_type()->is_int()) return {};
  const auto& type = static_cast<const parquet::IntLogicalType&>(*leaf.logical_type());
  if (type.bit_width() == 8) {
    return type.is_signed() ? Narrow{"int8", INT8_MIN, INT8_MAX} : Narrow{"uint8", 0, UINT8_MAX};
  }
  if (type.bit_width() != 16) return {};
  return type.is_signed() ? Narrow{"int16", INT16_MIN, INT16_MAX} : Narrow{"uint16", 0, UINT16_MAX};
}

/// Calls `see(row, value)` for each value of a leaf that is not null.
template <class Type, class See>
void each_value(parquet::ColumnReader& column, See&& see) {
  auto& leaf = static_cast<parquet::TypedColumnReader<Type>&>(column);
  const std::int16_t defined = leaf.descr()->max_definition_level();
  const bool repeats = leaf.descr()->max_repetition_level() > 0;
  std::vector<std::int16_t> definitions(levels_at_once, defined);
  std::vector<std::int16_t> repetitions(levels_at_once, 0);
  std::vector<typename Type::c_type> values(levels_at_once);
  std::int64_t row = -1;
  while (leaf.HasNext()) {
    std::int64_t found = 0;
    const std::int64_t levels = leaf.ReadBatch(levels_at_once, definitions.data(),
                                               repetitions.data(), values.data(), &found);
    std::int64_t value = 0;
    for (std::int64_t i = 0; i < levels; ++i) {
      const auto at = static_cast<std::size_t>(i);
      if (!repeats || repetitions[at] == 0) ++row;
      if (definitions[at] != defined) continue;
      if (value == found) throw parquet::ParquetException("a page holds fewer values than it says");
      see(row, values[static_cast<std::size_t>(value++)]);
    }
    if (levels == 0) return;  // Arrow's reader says what is wrong
  }
}

/// The Julian day of 1970-01-01, as Parquet counts them.
constexpr std::int64_t julian_day_of_1970 = 2'440'588;

void check_moment(std::int64_t row, const parquet::Int96& moment) {
  constexpr std::uint64_t day = units_of_day(arrow::TimeUnit::NANO);
  constexpr std::int64_t days_max = INT64_MAX / units_of_day(arrow::TimeUnit::MICRO) - 1;
  std::uint64_t nanoseconds = 0;
  std::memcpy(&nanoseconds, moment.value.data(), sizeof nanoseconds);
  const std::int64_t days = std::int64_t{moment.value[2]} - julian_day_of_1970;
  const auto refuse = [&](const char* why) {
    throw parquet::ParquetException(
        fmt::format("row {}: {} days after 1970-01-01 and {} nanoseconds is no timestamp: {}",
                    row + 1, days, nanoseconds, why));
  };
  if (nanoseconds >= day) refuse("a day has fewer");
  if (days > days_max || days < -days_max) refuse("it is too far away");
  if (nanoseconds % 1'000 != 0) refuse("INT96 is read as microseconds, and it would be rounded");
}

}  // namespace

bool may_lose_values(const parquet::ColumnDescriptor& leaf) {
  return leaf.physical_type() == parquet::Type::INT96 || narrow_type(leaf);
}

void check_leaf(parquet::ColumnReader& leaf) {
  if (leaf.descr()->physical_type() == parquet::Type::INT96) {
    return each_value<parquet::Int96Type>(leaf, check_moment);
  }
  const auto type = narrow_type(*leaf.descr());
  if (!type) return;
  each_value<parquet::Int32Type>(leaf, [&](std::int64_t row, std::int32_t value) {
    if (value < type->low || value > type->high) throw_too_wide(row, value, type->name);
  });
}

void throw_too_wide(std::int64_t row, std::int64_t value, const char* type) {
  throw parquet::ParquetException(fmt::format("row {}: {} is no {}", row + 1, value, type));
}

}  // namespace troupe
