#include "runtime/functions/cast.hpp"
#include "runtime/functions/function.hpp"
#include "runtime/values/calendar.hpp"
#include "runtime/values/numeric.hpp"
#include "runtime/values/time_format.hpp"
#include "runtime/values/time_parts.hpp"
#include "runtime/values/time_zone.hpp"

#include <cmath>

namespace troupe {

namespace {

constexpr SqlKind text = SqlKind::text, date = SqlKind::date, timestamp = SqlKind::timestamp,
                  timestamptz = SqlKind::timestamptz, interval = SqlKind::interval,
                  float8 = SqlKind::float8, int4 = SqlKind::int4, numeric = SqlKind::numeric;

Error invalid(const char* message) { return Error{ErrorCode::invalid_argument, message}; }

template <auto function, class Out, class... In>
Result<Kernel> plain(const Signature& signature) {
  return strict<Out, In...>(signature.result, function);
}

Result<TimeField> field_of(const NodePtr& argument, const NodePtr& value) {
  Result<TimeField> field =
      time_field(TRY(constant_text(argument, "the unit")), to_string(value->type()));
  if (field) return field;
  Error error = std::move(field).error();
  error.span = argument->span();
  return error;
}

Result<SqlType> extract_type(const std::vector<NodePtr>& arguments) {
  return numeric_type(field_scale(TRY(field_of(arguments[0], arguments[1]))));
}

/// A unit that the type does not have is a mistake in the text, found before any row is seen.
template <class T>
Result<TimeField> checked_field(const Signature& signature) {
  const TimeField field = TRY(field_of(signature.arguments[0], signature.arguments[1]));
  TRY(extract_micros(field, T{}));
  return field;
}

std::int32_t day_of(Date day) { return day.days; }
std::int32_t day_of(Moment moment) {
  const std::int64_t days = moment.micros / micros_per_day;
  return static_cast<std::int32_t>(days - (moment.micros < days * micros_per_day ? 1 : 0));
}

/// True if the day of a moment alone decides the field.
bool is_of_day(TimeField field) { return field >= TimeField::day && field != TimeField::epoch; }

/// A kernel of the day of its second argument. Most batches have few days, so the results for the
/// last ones are remembered. `function` makes an `Out` of a day.
template <class Out, class T, class F>
Kernel by_day(const SqlType& type, F function) {
  struct Known {
    bool known = false;
    std::int32_t day = 0;
    Out value = {};
  };
  constexpr std::uint32_t days = 1024;
  return
      [type, function](const std::vector<Vector>& arguments, std::int64_t rows) -> Result<Vector> {
        const ValueLane<T> values(arguments[1]);
        ValueOutput<Out> out;
        TRY(out.reserve(rows));
        std::vector<Known> last(days);
        for (std::int64_t row = 0; row < rows; ++row) {
          if (!values.valid(row)) {
            TRY(out.set_null(row));
            continue;
          }
          const std::int32_t day = day_of(values[row]);
          Known& entry = last[static_cast<std::uint32_t>(day) % days];
          if (!entry.known || entry.day != day) {
            const auto value = TRY(function(Date{day}));
            entry = {true, day, value};
          }
          out.data()[row] = entry.value;
        }
        return Vector{TRY(out.finish(arrow_type(type)))};
      };
}

/// A kernel of a moment, a day or an interval by `function`; by the day if that alone decides.
template <class Out, class T, class F>
Kernel of_field(const SqlType& type, TimeField field, F function) {
  if constexpr (!std::is_same_v<T, Interval>) {
    if (is_of_day(field)) return by_day<Out, T>(type, function);
  }
  return strict<Out, std::string_view, T>(
      type, [function](std::string_view, const T& value) { return function(value); });
}

template <class T>
Result<Kernel> extract_kernel(const Signature& signature) {
  const TimeField field = TRY(checked_field<T>(signature));
  const int scale = signature.result.scale;
  return of_field<Numeric, T>(signature.result, field,
                              [field, scale](const auto& value) -> Result<Numeric> {
                                const Int128 micros = TRY(extract_micros(field, value));
                                if (scale == 0) return Numeric{micros / 1'000'000};
                                return rescale(Numeric{micros}, 6, scale);
                              });
}

template <class T>
Result<Kernel> date_part_kernel(const Signature& signature) {
  const TimeField field = TRY(checked_field<T>(signature));
  return of_field<double, T>(signature.result, field, [field](const auto& value) -> Result<double> {
    return static_cast<double>(TRY(extract_micros(field, value))) / 1e6;
  });
}

Result<Kernel> truncate_kernel(const Signature& signature) {
  const TimeField field = TRY(field_of(signature.arguments[0], signature.arguments[1]));
  TRY(truncate(field, Moment{}));
  if (is_of_day(field)) {
    return by_day<Moment, Moment>(signature.result, [field](Date day) -> Result<Moment> {
      return truncate(field, TRY(moment_of(day)));
    });
  }
  return strict<Moment, std::string_view, Moment>(
      signature.result, [field](std::string_view, Moment value) { return truncate(field, value); });
}

Result<Kernel> truncate_interval_kernel(const Signature& signature) {
  const TimeField field = TRY(field_of(signature.arguments[0], signature.arguments[1]));
  TRY(truncate(field, Interval{}));
  return strict<Interval, std::string_view, Interval>(
      signature.result,
      [field](std::string_view, const Interval& value) { return truncate(field, value); });
}

Result<TimeZone> zone_of(const NodePtr& argument) {
  Result<TimeZone> zone = TimeZone::find(TRY(constant_text(argument, "the time zone")));
  if (zone) return zone;
  Error error = std::move(zone).error();
  error.span = argument->span();
  return error;
}

/// AT TIME ZONE, both ways.
template <Result<Moment> (TimeZone::*convert)(Moment) const>
Result<Kernel> zone_kernel(const Signature& signature) {
  const TimeZone zone = TRY(zone_of(signature.arguments[0]));
  return strict<Moment, std::string_view, Moment>(
      signature.result,
      [zone](std::string_view, Moment moment) { return (zone.*convert)(moment); });
}

Result<Kernel> truncate_in_zone_kernel(const Signature& signature) {
  const TimeField field = TRY(field_of(signature.arguments[0], signature.arguments[1]));
  TRY(truncate(field, Moment{}));
  const TimeZone zone = TRY(zone_of(signature.arguments[2]));
  return strict<Moment, std::string_view, Moment, std::string_view>(
      signature.result,
      [field, zone](std::string_view, Moment moment, std::string_view) -> Result<Moment> {
        return zone.utc(TRY(truncate(field, TRY(zone.local(moment)))));
      });
}

Result<Date> make_date(std::int32_t year, std::int32_t month, std::int32_t day) {
  constexpr std::int32_t year_min = -4713, year_max = 5'874'897;
  const CivilDate made{year < 0 ? year + 1 : year, month, day};
  if (year == 0 || year < year_min || year > year_max || !is_valid(made)) {
    return make_error(ErrorCode::invalid_argument, "date field value out of range: {}-{:02}-{:02}",
                      year, month, day);
  }
  return checked_date(date_of(made).days);
}

Result<Moment> make_timestamp(std::int32_t year, std::int32_t month, std::int32_t day,
                              std::int32_t hour, std::int32_t minute, double second) {
  const Date made = TRY(make_date(year, month, day));
  const bool end_of_day = hour == 24 && minute == 0 && second == 0;
  const bool valid = hour >= 0 && (hour < 24 || end_of_day) && minute >= 0 && minute <= 59 &&
                     second >= 0 && second <= 60;
  if (!valid) {
    return make_error(ErrorCode::invalid_argument, "time field value out of range: {}:{:02}:{:02}",
                      hour, minute, second);
  }
  return moment_of(made,
                   hour * micros_per_hour + minute * micros_per_minute + std::llrint(second * 1e6));
}

Result<Moment> of_epoch(double seconds) {
  constexpr double epoch_2000 = 946'684'800;  // PostgreSQL's, from which it counts and rounds
  if (!(std::fabs(seconds) < 9.3e12)) return invalid("timestamp out of range");
  const double micros = std::rint((seconds - epoch_2000) * 1e6);
  return checked_moment(static_cast<Int128>(micros) + static_cast<Int128>(epoch_2000 * 1e6));
}

Result<TimeFormat> input_format(const Signature& signature) {
  TimeFormat format =
      TRY(TimeFormat::parse(TRY(constant_text(signature.arguments[1], "the format"))));
  TRY(format.check_readable());
  return format;
}

Result<Kernel> to_timestamp_kernel(const Signature& signature) {
  return strict<Moment, std::string_view, std::string_view>(
      signature.result,
      [format = TRY(input_format(signature))](std::string_view value, std::string_view) {
        return format.read(value);
      });
}

Result<Kernel> to_date_kernel(const Signature& signature) {
  return strict<Date, std::string_view, std::string_view>(
      signature.result,
      [format = TRY(input_format(signature))](std::string_view value, std::string_view)
          -> Result<Date> { return checked_date(civil(TRY(format.read(value))).days); });
}

Result<Kernel> to_char_kernel(const Signature& signature) {
  TimeFormat format =
      TRY(TimeFormat::parse(TRY(constant_text(signature.arguments[1], "the format"))));
  return strict<std::string, Moment, std::string_view>(
      signature.result, [format = std::move(format)](Moment moment, std::string_view) {
        return format.write(moment);
      });
}

}  // namespace

std::vector<FunctionEntry> time_functions() {
  return {
      {"extract",
       {text, date},
       numeric,
       "a field; written extract(year FROM x)",
       extract_kernel<Date>,
       false,
       false,
       extract_type},
      {"extract",
       {text, timestamp},
       numeric,
       "a field",
       extract_kernel<Moment>,
       false,
       false,
       extract_type},
      {"extract",
       {text, timestamptz},
       numeric,
       "a field, in UTC",
       extract_kernel<Moment>,
       false,
       false,
       extract_type},
      {"extract",
       {text, interval},
       numeric,
       "a field",
       extract_kernel<Interval>,
       false,
       false,
       extract_type},
      {"date_part", {text, timestamp}, float8, "as extract, as a double", date_part_kernel<Moment>},
      {"date_part",
       {text, timestamptz},
       float8,
       "as extract; also of a date",
       date_part_kernel<Moment>},
      {"date_part", {text, interval}, float8, "as extract", date_part_kernel<Interval>},
      {"date_trunc",
       {text, timestamp},
       timestamp,
       "the begin of the unit: 'week', 'month', ...",
       truncate_kernel,
       true},
      {"date_trunc",
       {text, timestamptz},
       timestamptz,
       "the begin of the unit, in UTC; also of a date",
       truncate_kernel,
       true},
      {"date_trunc",
       {text, timestamptz, text},
       timestamptz,
       "the begin of the unit in a time zone",
       truncate_in_zone_kernel,
       true},
      {"date_trunc",
       {text, interval},
       interval,
       "without what is smaller than the unit",
       truncate_interval_kernel,
       true},
      {"date_bin",
       {interval, timestamp, timestamp},
       timestamp,
       "the begin of the stretch it is in, counted from an origin",
       plain<date_bin, Moment, Interval, Moment, Moment>,
       true},
      {"date_bin",
       {interval, timestamptz, timestamptz},
       timestamptz,
       "the begin of the stretch it is in, counted from an origin",
       plain<date_bin, Moment, Interval, Moment, Moment>,
       true},
      {"timezone",
       {text, timestamptz},
       timestamp,
       "what clocks show there; written x AT TIME ZONE 'Europe/Berlin'",
       zone_kernel<&TimeZone::local>,
       true},
      {"timezone",
       {text, timestamp},
       timestamptz,
       "when they show it; written x AT TIME ZONE 'Europe/Berlin'",
       zone_kernel<&TimeZone::utc>,
       true},
      {"make_date",
       {int4, int4, int4},
       date,
       "out of year, month, day",
       plain<make_date, Date, std::int32_t, std::int32_t, std::int32_t>,
       true},
      {"make_timestamp",
       {int4, int4, int4, int4, int4, float8},
       timestamp,
       "out of year, month, day, hour, minute, second",
       plain<make_timestamp, Moment, std::int32_t, std::int32_t, std::int32_t, std::int32_t,
             std::int32_t, double>,
       true},
      {"to_timestamp",
       {float8},
       timestamptz,
       "of seconds since 1970",
       plain<of_epoch, Moment, double>,
       true},
      {"to_timestamp",
       {text, text},
       timestamptz,
       "read by a constant format such as 'DD.MM.YYYY HH24:MI', in UTC",
       to_timestamp_kernel,
       true},
      {"to_date",
       {text, text},
       date,
       "read by a constant format such as 'DD Mon YYYY'",
       to_date_kernel,
       true},
      {"age",
       {timestamp, timestamp},
       interval,
       "in years, months, days and time",
       plain<age, Interval, Moment, Moment>,
       true},
      {"age",
       {timestamptz, timestamptz},
       interval,
       "in years, months, days and time, in UTC; also of dates",
       plain<age, Interval, Moment, Moment>,
       true},
      {"justify_hours",
       {interval},
       interval,
       "24 hours as one day",
       plain<justify_hours, Interval, Interval>,
       true},
      {"justify_days",
       {interval},
       interval,
       "30 days as one month",
       plain<justify_days, Interval, Interval>,
       true},
      {"justify_interval",
       {interval},
       interval,
       "both, and all parts of one sign",
       plain<justify, Interval, Interval>,
       true},
      {"to_char",
       {timestamp, text},
       text,
       "by a constant format such as 'YYYY-MM-DD HH24:MI'",
       to_char_kernel},
      {"to_char", {timestamptz, text}, text, "by a constant format, in UTC", to_char_kernel},
  };
}

}  // namespace troupe
