#include "runtime/values/time_parts.hpp"

#include "runtime/values/calendar.hpp"

namespace troupe {

namespace {

Error no_field(TimeField field, const char* type) {
  return make_error(ErrorCode::unsupported, "unit \"{}\" not supported for type {}",
                    to_string(field), type);
}

/// PostgreSQL counts 2001 as the first year of its century and its millennium.
std::int64_t period_of(std::int64_t year, int length) {
  return year > 0 ? (year + length - 1) / length : -((length - 1 - (year - 1)) / length);
}

Int128 whole(std::int64_t value) { return Int128{value} * 1'000'000; }

}  // namespace

Result<Moment> truncate(TimeField field, Moment moment) {
  const auto to_multiple = [&](std::int64_t unit) {
    return checked_moment(Int128{floor_divide(moment.micros, unit)} * unit);
  };
  const auto to_year = [&](std::int64_t year) {
    return moment_of(CivilDate{static_cast<std::int32_t>(year), 1, 1});
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
      return moment_of(week_begin(Date{time.days}));
    case TimeField::month:
      return moment_of(CivilDate{time.date.year, time.date.month, 1});
    case TimeField::quarter:
      return moment_of(CivilDate{time.date.year, (time.date.month - 1) / 3 * 3 + 1, 1});
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

Result<Interval> truncate(TimeField field, const Interval& interval) {
  const auto months = [&](std::int32_t unit) {
    return Interval{interval.months / unit * unit, 0, 0};
  };
  const auto time = [&](std::int64_t unit_micros) {
    const std::int64_t unit = unit_micros * 1000;
    return Interval{interval.months, interval.days, interval.nanos / unit * unit};
  };
  switch (field) {
    case TimeField::microseconds:
      return time(1);
    case TimeField::milliseconds:
      return time(1000);
    case TimeField::second:
      return time(micros_per_second);
    case TimeField::minute:
      return time(micros_per_minute);
    case TimeField::hour:
      return time(micros_per_hour);
    case TimeField::day:
      return Interval{interval.months, interval.days, 0};
    case TimeField::month:
      return months(1);
    case TimeField::quarter:
      return months(3);
    case TimeField::year:
      return months(12);
    case TimeField::decade:
      return months(120);
    case TimeField::century:
      return months(1200);
    case TimeField::millennium:
      return months(12'000);
    default:
      return no_field(field, "interval");
  }
}

Result<Int128> extract_micros(TimeField field, Moment moment) {
  CivilTime time;
  time.days = static_cast<std::int32_t>(floor_divide(moment.micros, micros_per_day));
  time.of_day_micros = moment.micros - std::int64_t{time.days} * micros_per_day;
  switch (field) {
    case TimeField::microseconds:
      return whole(time.micros_of_minute());
    case TimeField::milliseconds:
      return Int128{time.micros_of_minute() * 1000};
    case TimeField::second:
      return Int128{time.micros_of_minute()};
    case TimeField::minute:
      return whole(time.minute());
    case TimeField::hour:
      return whole(time.hour());
    case TimeField::epoch:
      return Int128{moment.micros};
    default:
      return extract_micros(field, Date{time.days});
  }
}

Result<Int128> extract_micros(TimeField field, Date day) {
  CivilTime time;
  time.days = day.days;
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
    case TimeField::epoch:
      return Int128{time.days} * micros_per_day;
    default:
      return no_field(field, "date");
  }
}

Result<Int128> extract_micros(TimeField field, const Interval& interval) {
  const std::int64_t micros = floor_divide<std::int64_t>(interval.nanos, 1000);
  const std::int64_t years = interval.months / 12;
  switch (field) {
    case TimeField::microseconds:
      return whole(micros % micros_per_minute);
    case TimeField::milliseconds:
      return Int128{micros % micros_per_minute * 1000};
    case TimeField::second:
      return Int128{micros % micros_per_minute};
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
      // As in PostgreSQL, a year is 365.25 days here, and only here.
      const std::int64_t days = std::int64_t{interval.months % 12} * 30 + interval.days;
      return Int128{years} * 31'557'600 * micros_per_second + Int128{days} * micros_per_day +
             micros;
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
