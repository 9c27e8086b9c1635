#include "runtime/values/calendar.hpp"

#include <array>
#include <cmath>
#include <optional>

namespace troupe {

namespace {

/// Years of moments; a sum of months beyond them is out of range before it is a date.
constexpr std::int32_t year_min = -4713, year_max = 294276;

Error out_of_range(const char* what) {
  return make_error(ErrorCode::invalid_argument, "{} out of range", what);
}

}  // namespace

Result<Moment> checked_moment(Int128 micros) {
  if (micros < moment_min.micros || micros > moment_max.micros) return out_of_range("timestamp");
  return Moment{static_cast<std::int64_t>(micros)};
}

Result<Date> checked_date(std::int64_t days) {
  if (days < date_min.days || days > date_max.days) return out_of_range("date");
  return Date{static_cast<std::int32_t>(days)};
}

CivilDate civil(Date date) {
  // Years begin in March, so that the leap day is the last of the year.
  const std::int64_t shifted = std::int64_t{date.days} + 719468;
  const std::int64_t era = floor_divide<std::int64_t>(shifted, 146097);
  const std::int64_t of_era = shifted - era * 146097;
  const std::int64_t year_of_era =
      (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  const std::int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t month_index = (5 * of_year + 2) / 153;
  const int day = static_cast<int>(of_year - (153 * month_index + 2) / 5 + 1);
  const int month = static_cast<int>(month_index < 10 ? month_index + 3 : month_index - 9);
  const std::int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  return {static_cast<std::int32_t>(year), month, day};
}

Date date_of(const CivilDate& date) {
  const std::int64_t year = std::int64_t{date.year} - (date.month <= 2 ? 1 : 0);
  const std::int64_t era = floor_divide<std::int64_t>(year, 400);
  const std::int64_t year_of_era = year - era * 400;
  const int month_index = date.month > 2 ? date.month - 3 : date.month + 9;
  const std::int64_t of_year = (153 * month_index + 2) / 5 + date.day - 1;
  const std::int64_t of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
  return Date{static_cast<std::int32_t>(era * 146097 + of_era - 719468)};
}

CivilTime civil(Moment moment) {
  CivilTime time;
  time.days = static_cast<std::int32_t>(floor_divide(moment.micros, micros_per_day));
  time.of_day_micros = moment.micros - std::int64_t{time.days} * micros_per_day;
  time.date = civil(Date{time.days});
  return time;
}

Result<Moment> moment_of(Date date, std::int64_t of_day_micros) {
  return checked_moment(Int128{date.days} * micros_per_day + of_day_micros);
}

Result<Moment> moment_of(const CivilDate& date, std::int64_t of_day_micros) {
  return moment_of(date_of(date), of_day_micros);
}

int days_in_month(std::int32_t year, int month) {
  constexpr std::array<int, 12> days = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && leap ? 29 : days[static_cast<std::size_t>(month - 1)];
}

bool is_valid(const CivilDate& date) {
  return date.month >= 1 && date.month <= 12 && date.day >= 1 &&
         date.day <= days_in_month(date.year, date.month);
}

int iso_weekday(Date date) {
  return static_cast<int>(((std::int64_t{date.days} + 3) % 7 + 7) % 7) + 1;
}

Date week_begin(Date date) { return Date{date.days - (iso_weekday(date) - 1)}; }

std::int32_t iso_year(Date date) { return civil(Date{week_begin(date).days + 3}).year; }

int iso_week(Date date) {
  const Date thursday{week_begin(date).days + 3};
  return (thursday.days - date_of({civil(thursday).year, 1, 1}).days) / 7 + 1;
}

namespace {

/// Adds months, then days, then time; each sum must be a moment. Takes 64 bits, for the negative of
/// the smallest field of an interval does not fit into the field.
Result<Moment> moved(Moment moment, std::int64_t months, std::int64_t days, std::int64_t micros) {
  if (months != 0) {
    CivilTime time = civil(moment);
    const std::int64_t all = std::int64_t{time.date.year} * 12 + time.date.month - 1 + months;
    const std::int64_t year = floor_divide<std::int64_t>(all, 12);
    if (year < year_min || year > year_max) return out_of_range("timestamp");
    time.date.year = static_cast<std::int32_t>(year);
    time.date.month = static_cast<int>(all - year * 12) + 1;
    time.date.day = std::min(time.date.day, days_in_month(time.date.year, time.date.month));
    moment = TRY(moment_of(time.date, time.of_day_micros));
  }
  if (days != 0)
    moment = TRY(checked_moment(Int128{moment.micros} + Int128{days} * micros_per_day));
  return checked_moment(Int128{moment.micros} + micros);
}

}  // namespace

Result<Moment> add(Moment moment, const Interval& interval) {
  return moved(moment, interval.months, interval.days,
               floor_divide<std::int64_t>(interval.nanos, 1000));
}

Result<Moment> subtract(Moment moment, const Interval& interval) {
  return moved(moment, -std::int64_t{interval.months}, -std::int64_t{interval.days},
               -floor_divide<std::int64_t>(interval.nanos, 1000));
}

Result<Interval> negate(const Interval& interval) { return subtract(Interval{}, interval); }

Result<Interval> add(const Interval& a, const Interval& b) {
  Interval result;
  if (__builtin_add_overflow(a.months, b.months, &result.months) ||
      __builtin_add_overflow(a.days, b.days, &result.days) ||
      __builtin_add_overflow(a.nanos, b.nanos, &result.nanos)) {
    return out_of_range("interval");
  }
  return result;
}

Result<Interval> subtract(const Interval& a, const Interval& b) {
  Interval result;
  if (__builtin_sub_overflow(a.months, b.months, &result.months) ||
      __builtin_sub_overflow(a.days, b.days, &result.days) ||
      __builtin_sub_overflow(a.nanos, b.nanos, &result.nanos)) {
    return out_of_range("interval");
  }
  return result;
}

namespace {

/// The whole part of a number of months or days; nothing if the field cannot hold it.
std::optional<std::int32_t> whole_part(double value) {
  if (!(value >= -2147483648.0 && value <= 2147483647.0)) return std::nullopt;
  return static_cast<std::int32_t>(value);
}

/// An interval of so many months, days and microseconds. As in PostgreSQL, fractions of months
/// become days, and fractions of days become time.
Result<Interval> cascaded(double months, double days, double micros) {
  const auto whole_months = whole_part(months), whole_days = whole_part(days);
  if (!whole_months || !whole_days) return out_of_range("interval");
  Interval result{*whole_months, *whole_days, 0};
  const auto at_micros = [](double value) { return std::rint(value * 1e6) / 1e6; };
  const double month_days = at_micros((months - result.months) * 30.0);
  double seconds = at_micros((days - result.days + month_days - std::trunc(month_days)) * 86400.0);
  std::int64_t all_days = result.days;
  if (std::fabs(seconds) >= 86400.0) {
    all_days += static_cast<std::int64_t>(seconds / 86400.0);
    seconds -= static_cast<int>(seconds / 86400.0) * 86400.0;
  }
  all_days += static_cast<std::int64_t>(month_days);
  result.days = static_cast<std::int32_t>(all_days);
  const double time = std::rint(micros + seconds * 1e6);
  // This double is just above the microseconds that 64 bits of nanoseconds can hold.
  if (result.days != all_days || !(std::fabs(time) < 9223372036854776.0)) {
    return out_of_range("interval");
  }
  if (__builtin_mul_overflow(static_cast<std::int64_t>(time), 1000, &result.nanos)) {
    return out_of_range("interval");
  }
  return result;
}

double micros_of(const Interval& interval) {
  return static_cast<double>(floor_divide<std::int64_t>(interval.nanos, 1000));
}

}  // namespace

Result<Interval> multiply(const Interval& interval, double factor) {
  return cascaded(interval.months * factor, interval.days * factor, micros_of(interval) * factor);
}

Result<Interval> divide(const Interval& interval, double divisor) {
  if (divisor == 0) return make_error(ErrorCode::invalid_argument, "division by zero");
  return cascaded(interval.months / divisor, interval.days / divisor,
                  micros_of(interval) / divisor);
}

Result<Interval> justify_hours(const Interval& interval) {
  constexpr std::int64_t day = micros_per_day * 1000;
  Interval result = interval;
  const auto whole_days = static_cast<std::int32_t>(result.nanos / day);
  result.nanos %= day;
  if (__builtin_add_overflow(result.days, whole_days, &result.days)) {
    return out_of_range("interval");
  }
  if (result.days > 0 && result.nanos < 0) {
    result.nanos += day;
    --result.days;
  } else if (result.days < 0 && result.nanos > 0) {
    result.nanos -= day;
    ++result.days;
  }
  return result;
}

Result<Interval> justify_days(const Interval& interval) {
  Interval result = interval;
  const std::int32_t whole_months = result.days / 30;
  result.days %= 30;
  if (__builtin_add_overflow(result.months, whole_months, &result.months)) {
    return out_of_range("interval");
  }
  if (result.months > 0 && result.days < 0) {
    result.days += 30;
    --result.months;
  } else if (result.months < 0 && result.days > 0) {
    result.days -= 30;
    ++result.months;
  }
  return result;
}

Result<Interval> justify(const Interval& interval) {
  constexpr std::int64_t day = micros_per_day * 1000;
  // If days and time have one sign, months are taken from the days first: the sum of days with
  // those of the time could leave its range.
  Interval result = interval;
  const bool one_sign =
      (result.days > 0 && result.nanos > 0) || (result.days < 0 && result.nanos < 0);
  if (one_sign) {
    const std::int32_t months = result.days / 30;
    result.days -= months * 30;
    if (__builtin_add_overflow(result.months, months, &result.months)) {
      return out_of_range("interval");
    }
  }
  std::int64_t days = std::int64_t{result.days} + result.nanos / day;
  result.nanos %= day;
  std::int64_t months = result.months + days / 30;
  days %= 30;
  if (months > 0 && (days < 0 || (days == 0 && result.nanos < 0))) {
    days += 30;
    --months;
  } else if (months < 0 && (days > 0 || (days == 0 && result.nanos > 0))) {
    days -= 30;
    ++months;
  }
  if (days > 0 && result.nanos < 0) {
    result.nanos += day;
    --days;
  } else if (days < 0 && result.nanos > 0) {
    result.nanos -= day;
    ++days;
  }
  result.days = static_cast<std::int32_t>(days);
  result.months = static_cast<std::int32_t>(months);
  if (result.months != months) return out_of_range("interval");
  return result;
}

Result<Interval> difference(Moment a, Moment b) {
  std::int64_t micros = 0;
  if (__builtin_sub_overflow(a.micros, b.micros, &micros)) return out_of_range("interval");
  return Interval{0, static_cast<std::int32_t>(micros / micros_per_day),
                  micros % micros_per_day * 1000};
}

Result<Interval> age(Moment a, Moment b) {
  if (a.micros < b.micros) return negate(TRY(age(b, a)));
  // As PostgreSQL: a borrowed month has the days of the earlier moment's month.
  const CivilTime late = civil(a), early = civil(b);
  std::int64_t micros = late.of_day_micros - early.of_day_micros;
  int days = late.date.day - early.date.day;
  int months = (late.date.year - early.date.year) * 12 + late.date.month - early.date.month;
  if (micros < 0) {
    micros += micros_per_day;
    --days;
  }
  if (days < 0) {
    days += days_in_month(early.date.year, early.date.month);
    --months;
  }
  return Interval{months, days, micros * 1000};
}

Int128 comparable(const Interval& interval) {
  const Int128 days = Int128{interval.months} * 30 + interval.days;
  return days * (Int128{micros_per_day} * 1000) + interval.nanos;
}

Result<Moment> date_bin(const Interval& stride, Moment moment, Moment origin) {
  if (stride.months != 0) {
    return make_error(ErrorCode::invalid_argument,
                      "timestamps cannot be binned into intervals containing months or years");
  }
  const Int128 micros =
      Int128{stride.days} * micros_per_day + floor_divide<std::int64_t>(stride.nanos, 1000);
  if (micros <= 0)
    return make_error(ErrorCode::invalid_argument, "stride must be greater than zero");
  const Int128 since = Int128{moment.micros} - origin.micros;
  constexpr Int128 int64_max = std::numeric_limits<std::int64_t>::max();
  if (micros > int64_max || since > int64_max || since < -int64_max)
    return out_of_range("interval");
  const Int128 into = since % micros;
  return checked_moment(moment.micros - into - (into < 0 ? micros : 0));
}

}  // namespace troupe
