#pragma once

#include "runtime/base/result.hpp"
#include "runtime/expr/vector.hpp"

#include <string_view>

namespace troupe {

inline constexpr std::int64_t micros_per_second = 1'000'000;
inline constexpr std::int64_t micros_per_minute = 60 * micros_per_second;
inline constexpr std::int64_t micros_per_hour = 60 * micros_per_minute;
inline constexpr std::int64_t micros_per_day = 24 * micros_per_hour;

/// A day of the proleptic Gregorian calendar; the year before 1 is 0.
struct CivilDate {
  std::int32_t year = 1970;
  int month = 1;
  int day = 1;
};

/// A moment taken apart.
struct CivilTime {
  CivilDate date;
  std::int32_t days = 0;           ///< since 1970-01-01
  std::int64_t of_day_micros = 0;  ///< since midnight

  int hour() const { return static_cast<int>(of_day_micros / micros_per_hour); }
  int minute() const { return static_cast<int>(of_day_micros / micros_per_minute % 60); }
  int second() const { return static_cast<int>(of_day_micros / micros_per_second % 60); }
  std::int64_t micros_of_minute() const { return of_day_micros % micros_per_minute; }
};

/// What extract() and date_trunc() can name.
enum class TimeField {
  microseconds,
  milliseconds,
  second,
  minute,
  hour,
  day,
  week,
  month,
  quarter,
  year,
  decade,
  century,
  millennium,
  dow,
  isodow,
  doy,
  isoyear,
  epoch,
};

/// "hour", "hours", "HOUR"; an unknown name is an error with the nearest right one, which says the
/// `type` that was asked for it.
Result<TimeField> time_field(std::string_view name, std::string_view type);
const char* to_string(TimeField field);

CivilDate civil(Date date);
Date date_of(const CivilDate& date);
CivilTime civil(Moment moment);
Moment moment_of(const CivilDate& date, std::int64_t of_day_micros = 0);
int days_in_month(std::int32_t year, int month);
bool is_valid(const CivilDate& date);
/// Monday 1 to Sunday 7.
int iso_weekday(Date date);
/// The Monday of its week.
Date week_begin(Date date);
/// The year that the ISO week of the date belongs to, and the week's number in it.
std::int32_t iso_year(Date date);
int iso_week(Date date);

/// Months first (the day clamped to the month's end), then days, then time.
Result<Moment> add(Moment moment, const Interval& interval);
Result<Interval> negate(const Interval& interval);
Result<Interval> add(const Interval& a, const Interval& b);
Result<Interval> multiply(const Interval& interval, double factor);
/// Days and time, as PostgreSQL's timestamp - timestamp.
Result<Interval> difference(Moment a, Moment b);
/// Years, months, days and time between two moments: age(a, b).
Result<Interval> age(Moment a, Moment b);
/// A month is 30 days and a day 24 hours, as PostgreSQL orders intervals.
Int128 comparable(const Interval& interval);

Result<Moment> truncate(TimeField field, Moment moment);
/// extract(field from ..) in millionths, which is exact for every field.
Result<std::int64_t> extract_micros(TimeField field, Moment moment);
Result<std::int64_t> extract_micros(TimeField field, const Interval& interval);
/// The digits after the point that the field has: 6 for seconds, 0 for years.
int field_scale(TimeField field);

}  // namespace troupe
