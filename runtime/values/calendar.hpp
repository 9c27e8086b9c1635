#pragma once

#include "runtime/base/result.hpp"
#include "runtime/values/vector.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

namespace troupe {

inline constexpr std::int64_t micros_per_second = 1'000'000;
inline constexpr std::int64_t micros_per_minute = 60 * micros_per_second;
inline constexpr std::int64_t micros_per_hour = 60 * micros_per_minute;
inline constexpr std::int64_t micros_per_day = 24 * micros_per_hour;

/// Rounds down, also below zero.
template <class T>
T floor_divide(T a, T b) {
  const T quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

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

/// The range of dates in PostgreSQL: 4713-11-24 BC to 5874897-12-31.
inline constexpr Date date_min{-2'440'588};
inline constexpr Date date_max{2'145'042'905};
/// Moments begin with the first day, and end where 64 bits of microseconds since 1970 do:
/// 294247-01-10 04:00:54.775807.
inline constexpr Moment moment_min{date_min.days * micros_per_day};
inline constexpr Moment moment_max{std::numeric_limits<std::int64_t>::max()};

/// The value if it is in range, else "timestamp out of range". Everything that computes a moment or
/// a date ends with these.
Result<Moment> checked_moment(Int128 micros);
Result<Date> checked_date(std::int64_t days);

CivilDate civil(Date date);
Date date_of(const CivilDate& date);
CivilTime civil(Moment moment);
/// The moment so much after midnight of a day.
Result<Moment> moment_of(Date date, std::int64_t of_day_micros = 0);
Result<Moment> moment_of(const CivilDate& date, std::int64_t of_day_micros = 0);
int days_in_month(std::int32_t year, int month);
bool is_valid(const CivilDate& date);
/// Monday 1 to Sunday 7.
int iso_weekday(Date date);
/// The Monday of its week.
Date week_begin(Date date);
/// The year that the ISO week of the date belongs to, and the week's number in it.
std::int32_t iso_year(Date date);
int iso_week(Date date);

/// The sum with an interval that has no months and no days; nothing if it has, or out of range.
inline std::optional<Moment> add_time(Moment moment, const Interval& interval) {
  std::int64_t micros = 0;
  if (interval.months != 0 || interval.days != 0 ||
      __builtin_add_overflow(moment.micros, floor_divide<std::int64_t>(interval.nanos, 1000),
                             &micros) ||
      micros < moment_min.micros) {
    return std::nullopt;
  }
  return Moment{micros};
}
/// The product of such an interval, to the microsecond; nothing if it has months or days, or the
/// result may be out of range.
inline std::optional<Interval> multiply_time(const Interval& interval, double factor) {
  const double micros =
      static_cast<double>(floor_divide<std::int64_t>(interval.nanos, 1000)) * factor;
  if (interval.months != 0 || interval.days != 0 || !(std::fabs(micros) < 9e15)) {
    return std::nullopt;
  }
  return Interval{0, 0, static_cast<std::int64_t>(std::rint(micros)) * 1000};
}

/// Adds months first (the day is clamped to the month's end), then days, then time.
Result<Moment> add(Moment moment, const Interval& interval);
Result<Moment> subtract(Moment moment, const Interval& interval);
Result<Interval> negate(const Interval& interval);
Result<Interval> add(const Interval& a, const Interval& b);
Result<Interval> subtract(const Interval& a, const Interval& b);
Result<Interval> multiply(const Interval& interval, double factor);
Result<Interval> divide(const Interval& interval, double divisor);
/// Turns whole days of the time into days, whole months of the days (30 each) into months, or both;
/// no part has another sign than a larger one then.
Result<Interval> justify_hours(const Interval& interval);
Result<Interval> justify_days(const Interval& interval);
Result<Interval> justify(const Interval& interval);
/// In days and time, as PostgreSQL's timestamp - timestamp.
Result<Interval> difference(Moment a, Moment b);
/// Years, months, days and time between two moments: age(a, b).
Result<Interval> age(Moment a, Moment b);
/// A number by which intervals are ordered as in PostgreSQL: a month is 30 days, a day 24 hours.
Int128 comparable(const Interval& interval);

/// The begin of the bin that a moment falls into. Bins are as long as the stride; one of them
/// begins at the origin.
Result<Moment> date_bin(const Interval& stride, Moment moment, Moment origin);

}  // namespace troupe
