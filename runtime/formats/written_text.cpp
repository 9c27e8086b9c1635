#include "runtime/formats/written_text.hpp"

#include "runtime/data/arrow_result.hpp"
#include "runtime/formats/time_units.hpp"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/api.h>
#include <arrow/type.h>

#include <cmath>
#include <utility>

namespace troupe {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;

// The days of years 0000 to 9999, which everybody writes in the same way.
constexpr std::int64_t first_near_day = -719'528;
constexpr std::int64_t last_near_day = 2'932'896;

bool is_near(std::int64_t day) { return day >= first_near_day && day <= last_near_day; }

/// The date of a day since 1970-01-01 in the proleptic Gregorian calendar. Years begin in March
/// here, so that the leap day is the last of its year; an era of 400 of them always has as many
/// days.
std::string far_date(std::int64_t day) {
  constexpr std::int64_t era_days = 146'097;
  const std::int64_t shifted = day + 719'468;
  const std::int64_t era = (shifted >= 0 ? shifted : shifted - (era_days - 1)) / era_days;
  const std::int64_t of_era = shifted - era * era_days;
  const std::int64_t year_of_era =
      (of_era - of_era / 1'460 + of_era / 36'524 - of_era / (era_days - 1)) / 365;
  const std::int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t from_march = (5 * of_year + 2) / 153;
  const std::int64_t month = from_march < 10 ? from_march + 3 : from_march - 9;
  const std::int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  return fmt::format("{}{:04}-{:02}-{:02}", year < 0 ? "-" : "", std::abs(year), month,
                     of_year - (153 * from_march + 2) / 5 + 1);
}

Result<ArrayPtr> cast_to_text(const ArrayPtr& values) {
  return TRY(arrow_try(arrow::compute::Cast(*values, arrow::utf8())));
}

/// The texts, with others in the rows where `far` holds, which are few as a rule.
template <class Far, class Text>
Result<ArrayPtr> replaced(ArrayPtr texts, Far&& far, Text&& text) {
  std::int64_t row = 0;
  while (row < texts->length() && (texts->IsNull(row) || !far(row))) ++row;
  if (row == texts->length()) return texts;
  const auto& old = static_cast<const arrow::StringArray&>(*texts);
  arrow::StringBuilder builder;
  for (row = 0; row < old.length(); ++row) {
    if (old.IsNull(row)) {
      TRY(arrow_try(builder.AppendNull()));
    } else {
      TRY(arrow_try(far(row) ? builder.Append(text(row)) : builder.Append(old.GetView(row))));
    }
  }
  return TRY(arrow_try(builder.Finish()));
}

Result<ArrayPtr> dates(const ArrayPtr& values) {
  const auto& days = static_cast<const arrow::Date32Array&>(*values);
  return replaced(
      TRY(cast_to_text(values)), [&](std::int64_t row) { return !is_near(days.Value(row)); },
      [&](std::int64_t row) { return far_date(days.Value(row)); });
}

/// The time of day is told by the library, of the first day there is; the date by us where it is
/// far.
Result<ArrayPtr> moments(const ArrayPtr& values) {
  const auto& type = static_cast<const arrow::TimestampType&>(*values->type());
  const auto in_utc = arrow::timestamp(type.unit(), type.timezone().empty() ? "" : "UTC");
  const auto& moments = static_cast<const arrow::TimestampArray&>(*values);
  const std::int64_t day_units = units_of_day(type.unit());
  const auto day_of = [&](std::int64_t row) {
    const std::int64_t value = moments.Value(row);
    return value / day_units - (value % day_units < 0 ? 1 : 0);
  };
  // Not by way of the day: the first day of a unit begins before its first number.
  const auto time_of_day = [&](std::int64_t row) {
    const std::int64_t time = moments.Value(row) % day_units;
    return time < 0 ? time + day_units : time;
  };
  const auto far = [&](std::int64_t row) { return !is_near(day_of(row)); };
  bool any = false;
  for (std::int64_t row = 0; row < moments.length() && !any; ++row) {
    any = moments.IsValid(row) && far(row);
  }
  if (!any) return cast_to_text(TRY(arrow_try(values->View(in_utc))));
  arrow::TimestampBuilder of_day(in_utc, arrow::default_memory_pool());
  TRY(arrow_try(of_day.Reserve(moments.length())));
  for (std::int64_t row = 0; row < moments.length(); ++row) {
    if (moments.IsNull(row)) {
      of_day.UnsafeAppendNull();
    } else {
      of_day.UnsafeAppend(far(row) ? time_of_day(row) : moments.Value(row));
    }
  }
  const ArrayPtr texts = TRY(cast_to_text(TRY(arrow_try(of_day.Finish()))));
  constexpr std::size_t date_letters = 10;
  return replaced(texts, far, [&](std::int64_t row) {
    const auto text = static_cast<const arrow::StringArray&>(*texts).GetView(row);
    return far_date(day_of(row)) + std::string(text.substr(date_letters));
  });
}

template <class Array>
Result<ArrayPtr> times(const ArrayPtr& values) {
  const auto& type = static_cast<const arrow::TimeType&>(*values->type());
  const auto& times = static_cast<const Array&>(*values);
  for (std::int64_t row = 0; row < times.length(); ++row) {
    const std::int64_t time = times.IsNull(row) ? 0 : std::int64_t{times.Value(row)};
    if (time >= 0 && time < units_of_day(type.unit())) continue;
    return make_error(ErrorCode::invalid_argument, "{} in {} is no time of day", time,
                      type.ToString());
  }
  return cast_to_text(values);
}

/// A zero keeps its sign: "-0" would be read as the integer.
template <class Array>
Result<ArrayPtr> reals(const ArrayPtr& values) {
  const auto& numbers = static_cast<const Array&>(*values);
  const auto negative_zero = [&](std::int64_t row) {
    return numbers.Value(row) == 0 && std::signbit(numbers.Value(row));
  };
  return replaced(TRY(cast_to_text(values)), negative_zero,
                  [](std::int64_t) { return std::string("-0.0"); });
}

}  // namespace

Result<ArrayPtr> written_texts(const ArrayPtr& values) {
  switch (values->type_id()) {
    case arrow::Type::STRING:
      return values;
    case arrow::Type::DATE32:
      return dates(values);
    case arrow::Type::TIMESTAMP:
      return moments(values);
    case arrow::Type::TIME32:
      return times<arrow::Time32Array>(values);
    case arrow::Type::TIME64:
      return times<arrow::Time64Array>(values);
    case arrow::Type::FLOAT:
      return reals<arrow::FloatArray>(values);
    case arrow::Type::DOUBLE:
      return reals<arrow::DoubleArray>(values);
    default:
      return cast_to_text(values);
  }
}

}  // namespace troupe
