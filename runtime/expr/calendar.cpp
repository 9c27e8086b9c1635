#include "runtime/expr/calendar.hpp"

#include "runtime/base/near.hpp"

#include <array>
#include <cmath>
#include <string>
#include <vector>

namespace troupe {

namespace {

struct FieldName {
  const char* name;
  TimeField field;
};

constexpr std::array<FieldName, 18> field_names = {{
    {"microseconds", TimeField::microseconds},
    {"milliseconds", TimeField::milliseconds},
    {"second", TimeField::second},
    {"minute", TimeField::minute},
    {"hour", TimeField::hour},
    {"day", TimeField::day},
    {"week", TimeField::week},
    {"month", TimeField::month},
    {"quarter", TimeField::quarter},
    {"year", TimeField::year},
    {"decade", TimeField::decade},
    {"century", TimeField::century},
    {"millennium", TimeField::millennium},
    {"dow", TimeField::dow},
    {"isodow", TimeField::isodow},
    {"doy", TimeField::doy},
    {"isoyear", TimeField::isoyear},
    {"epoch", TimeField::epoch},
}};

template <class T>
T floor_divide(T a, T b) {
  const T quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

Error out_of_range(const char* what) {
  return fail(ErrorCode::invalid_argument, "{} out of range", what);
}

Error no_field(TimeField field, const char* type) {
  return fail(ErrorCode::unsupported, "unit \"{}\" not supported for type {}", to_string(field),
              type);
}

/// PostgreSQL counts 2001 as the first year of its century and its millennium.
std::int64_t period_of(std::int64_t year, int length) {
  return year > 0 ? (year + length - 1) / length : -((length - 1 - (year - 1)) / length);
}

}  // namespace

const char* to_string(TimeField field) {
  for (const FieldName& known : field_names) {
    if (known.field == field) return known.name;
  }
  return "?";
}

Result<TimeField> time_field(std::string_view name, std::string_view type) {
  std::string wanted;
  for (const char letter : name) {
    wanted += letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
  }
  std::vector<std::string> known;
  for (const FieldName& field : field_names) {
    if (wanted == field.name || wanted == std::string(field.name) + "s") return field.field;
    known.emplace_back(field.name);
  }
  Error error =
      fail(ErrorCode::invalid_argument, "unit \"{}\" not recognized for type {}", name, type);
  error.hint = did_you_mean(wanted, known);
  return error;
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

Moment moment_of(const CivilDate& date, std::int64_t of_day_micros) {
  return Moment{std::int64_t{date_of(date).days} * micros_per_day + of_day_micros};
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

Result<Moment> add(Moment moment, const Interval& interval) {
  if (interval.months != 0) {
    CivilTime time = civil(moment);
    const std::int64_t months =
        std::int64_t{time.date.year} * 12 + time.date.month - 1 + interval.months;
    const std::int64_t year = floor_divide<std::int64_t>(months, 12);
    if (year < -4713 || year > 294276) return out_of_range("timestamp");
    time.date.year = static_cast<std::int32_t>(year);
    time.date.month = static_cast<int>(months - year * 12) + 1;
    time.date.day = std::min(time.date.day, days_in_month(time.date.year, time.date.month));
    moment = moment_of(time.date, time.of_day_micros);
  }
  const Int128 sum = Int128{moment.micros} + Int128{interval.days} * micros_per_day +
                     floor_divide<std::int64_t>(interval.nanos, 1000);
  if (sum != static_cast<std::int64_t>(sum)) return out_of_range("timestamp");
  return Moment{static_cast<std::int64_t>(sum)};
}

Result<Interval> negate(const Interval& interval) {
  Interval result;
  if (__builtin_sub_overflow(0, interval.months, &result.months) ||
      __builtin_sub_overflow(0, interval.days, &result.days) ||
      __builtin_sub_overflow(std::int64_t{0}, interval.nanos, &result.nanos)) {
    return out_of_range("interval");
  }
  return result;
}

Result<Interval> add(const Interval& a, const Interval& b) {
  Interval result;
  if (__builtin_add_overflow(a.months, b.months, &result.months) ||
      __builtin_add_overflow(a.days, b.days, &result.days) ||
      __builtin_add_overflow(a.nanos, b.nanos, &result.nanos)) {
    return out_of_range("interval");
  }
  return result;
}

Result<Interval> multiply(const Interval& interval, double factor) {
  // Fractions of months go on as days, fractions of days as time, as PostgreSQL does.
  const double months = interval.months * factor;
  const double days = interval.days * factor;
  if (!std::isfinite(months) || std::fabs(months) > 2147483647.0 ||
      std::fabs(days) > 2147483647.0) {
    return out_of_range("interval");
  }
  Interval result;
  result.months = static_cast<std::int32_t>(months);
  result.days = static_cast<std::int32_t>(days);
  const auto at_micros = [](double value) { return std::rint(value * 1e6) / 1e6; };
  double month_days = at_micros((months - result.months) * 30.0);
  double seconds = at_micros((days - result.days + month_days - std::trunc(month_days)) * 86400.0);
  if (std::fabs(seconds) >= 86400.0) {
    result.days += static_cast<std::int32_t>(seconds / 86400.0);
    seconds -= static_cast<int>(seconds / 86400.0) * 86400.0;
  }
  result.days += static_cast<std::int32_t>(month_days);
  const double micros =
      std::rint(static_cast<double>(interval.nanos) / 1000.0 * factor + seconds * 1e6);
  if (!(std::fabs(micros) < 9.2e15)) return out_of_range("interval");
  result.nanos = static_cast<std::int64_t>(micros) * 1000;
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

Result<Moment> truncate(TimeField field, Moment moment) {
  const auto to_multiple = [&](std::int64_t unit) {
    return Moment{floor_divide(moment.micros, unit) * unit};
  };
  const auto to_year = [&](std::int64_t year) {
    return moment_of({static_cast<std::int32_t>(year), 1, 1});
  };
  switch (field) {
    case TimeField::microseconds:
      return moment;
    case TimeField::milliseconds:
      return to_multiple(1000);
    case TimeField::second:
      return to_multiple(micros_per_second);
    case TimeField::minute:
      return to_multiple(micros_per_minute);
    case TimeField::hour:
      return to_multiple(micros_per_hour);
    case TimeField::day:
      return to_multiple(micros_per_day);
    default:
      break;
  }
  const CivilTime time = civil(moment);  // the units above need no calendar
  switch (field) {
    case TimeField::week:
      return Moment{std::int64_t{week_begin(Date{time.days}).days} * micros_per_day};
    case TimeField::month:
      return moment_of({time.date.year, time.date.month, 1});
    case TimeField::quarter:
      return moment_of({time.date.year, (time.date.month - 1) / 3 * 3 + 1, 1});
    case TimeField::year:
      return to_year(time.date.year);
    case TimeField::decade:
      return to_year(floor_divide<std::int64_t>(time.date.year, 10) * 10);
    case TimeField::century:
      return to_year(floor_divide<std::int64_t>(time.date.year - 1, 100) * 100 + 1);
    case TimeField::millennium:
      return to_year(floor_divide<std::int64_t>(time.date.year - 1, 1000) * 1000 + 1);
    default:
      return no_field(field, "timestamp without time zone");
  }
}

Result<std::int64_t> extract_micros(TimeField field, Moment moment) {
  const auto whole = [](std::int64_t value) { return value * 1'000'000; };
  CivilTime time;
  time.days = static_cast<std::int32_t>(floor_divide(moment.micros, micros_per_day));
  time.of_day_micros = moment.micros - std::int64_t{time.days} * micros_per_day;
  switch (field) {
    case TimeField::microseconds:
      return whole(time.micros_of_minute());
    case TimeField::milliseconds:
      return time.micros_of_minute() * 1000;
    case TimeField::second:
      return time.micros_of_minute();
    case TimeField::minute:
      return whole(time.minute());
    case TimeField::hour:
      return whole(time.hour());
    case TimeField::epoch:
      return moment.micros;
    default:
      break;
  }
  const Date day{time.days};  // the fields above need no calendar
  time.date = civil(day);
  const std::int64_t year = time.date.year > 0 ? time.date.year : time.date.year - 1;
  switch (field) {
    case TimeField::day:
      return whole(time.date.day);
    case TimeField::week:
      return whole(iso_week(day));
    case TimeField::month:
      return whole(time.date.month);
    case TimeField::quarter:
      return whole((time.date.month - 1) / 3 + 1);
    case TimeField::year:
      return whole(year);
    case TimeField::decade:
      return whole(floor_divide<std::int64_t>(time.date.year, 10));
    case TimeField::century:
      return whole(period_of(time.date.year, 100));
    case TimeField::millennium:
      return whole(period_of(time.date.year, 1000));
    case TimeField::dow:
      return whole(iso_weekday(day) % 7);
    case TimeField::isodow:
      return whole(iso_weekday(day));
    case TimeField::doy:
      return whole(time.days - date_of({time.date.year, 1, 1}).days + 1);
    case TimeField::isoyear:
      return whole(iso_year(day) > 0 ? iso_year(day) : iso_year(day) - 1);
    default:
      return no_field(field, "timestamp without time zone");
  }
}

Result<std::int64_t> extract_micros(TimeField field, const Interval& interval) {
  const std::int64_t micros = interval.nanos / 1000;
  const std::int64_t years = interval.months / 12;
  const auto whole = [](std::int64_t value) { return value * 1'000'000; };
  switch (field) {
    case TimeField::microseconds:
      return whole(micros % micros_per_minute);
    case TimeField::milliseconds:
      return micros % micros_per_minute * 1000;
    case TimeField::second:
      return micros % micros_per_minute;
    case TimeField::minute:
      return whole(micros / micros_per_minute % 60);
    case TimeField::hour:
      return whole(micros / micros_per_hour);
    case TimeField::day:
      return whole(interval.days);
    case TimeField::month:
      return whole(interval.months % 12);
    case TimeField::quarter:
      return whole(interval.months % 12 / 3 + 1);
    case TimeField::year:
      return whole(years);
    case TimeField::decade:
      return whole(years / 10);
    case TimeField::century:
      return whole(years / 100);
    case TimeField::millennium:
      return whole(years / 1000);
    case TimeField::epoch: {
      // A year is 365.25 days here, and only here.
      const std::int64_t days = std::int64_t{interval.months % 12} * 30 + interval.days;
      return years * 31'557'600 * micros_per_second + days * micros_per_day + micros;
    }
    default:
      return no_field(field, "interval");
  }
}

int field_scale(TimeField field) {
  if (field == TimeField::second || field == TimeField::epoch) return 6;
  return field == TimeField::milliseconds ? 3 : 0;
}

}  // namespace troupe
