// Dates, moments and intervals out of text: the other half of value_text.hpp.
#include "runtime/expr/calendar.hpp"
#include "runtime/expr/text_scanner.hpp"
#include "runtime/expr/value_text.hpp"

#include <cmath>
#include <limits>

namespace troupe {

namespace {

constexpr std::int32_t year_max = 294276;

/// Reads a date at the scanner, leaves it behind.
std::optional<CivilDate> scan_date(TextScanner& scan) {
  const auto year = scan.number(4, 8);
  if (!year) return std::nullopt;
  CivilDate date;
  if (*year >= 10'000'000 && scan.peek() != '-') {  // 20260301
    date = {static_cast<std::int32_t>(*year / 10000), static_cast<int>(*year / 100 % 100),
            static_cast<int>(*year % 100)};
  } else {
    const char separator = scan.peek();
    if (!scan.accept("-/.")) return std::nullopt;
    const auto month = scan.number(1, 2);
    if (!month || !scan.accept(std::string_view(&separator, 1))) return std::nullopt;
    const auto day = scan.number(1, 2);
    if (!day || *year > year_max) return std::nullopt;
    date = {static_cast<std::int32_t>(*year), static_cast<int>(*month), static_cast<int>(*day)};
  }
  return date;
}

Error out_of_range(std::string_view text) {
  return fail(ErrorCode::invalid_argument, "date/time field value out of range: \"{}\"", text);
}

constexpr std::int64_t no_time_of_day = -1;

/// "12:30[:15[.25]]" in microseconds of the day, or `no_time_of_day` for 25:00.
std::optional<std::int64_t> scan_time(TextScanner& scan) {
  const auto hour = scan.number(1, 2);
  if (!hour || !scan.accept(":")) return std::nullopt;
  const auto minute = scan.number(2, 2);
  if (!minute) return std::nullopt;
  std::int64_t micros = *hour * micros_per_hour + *minute * micros_per_minute;
  std::int64_t second = 0;
  if (scan.accept(":")) {
    const auto seconds = scan.number(2, 2);
    if (!seconds) return std::nullopt;
    second = *seconds;
    micros += second * micros_per_second;
    if (scan.accept(".")) micros += scan.fraction(6);
  }
  const bool valid = *minute < 60 && second <= 60 && micros <= micros_per_day;
  return valid ? micros : no_time_of_day;
}

/// "Z", "+02", "-05:30", "UTC" in microseconds east of Greenwich.
std::optional<std::int64_t> scan_zone(TextScanner& scan) {
  const bool west = scan.peek() == '-';
  if (!scan.accept("+-")) {
    const std::string name = lower_ascii(scan.word());
    return name == "z" || name == "utc" || name == "gmt" ? std::optional<std::int64_t>(0)
                                                         : std::nullopt;
  }
  const auto hours = scan.number(1, 2);
  if (!hours || *hours > 15) return std::nullopt;
  scan.accept(":");
  const std::int64_t minutes = scan.number(2, 2).value_or(0);
  if (minutes > 59) return std::nullopt;
  const std::int64_t east = *hours * micros_per_hour + minutes * micros_per_minute;
  return west ? -east : east;
}

/// Adds amounts of units; fractions go on to the smaller units as PostgreSQL's do.
class IntervalSum {
 public:
  bool add(double amount, std::string_view unit) {
    if (is(unit, {"microsecond", "us", "usec"})) return add_micros(amount);
    if (is(unit, {"millisecond", "ms", "msec"})) return add_micros(amount * 1e3);
    if (is(unit, {"second", "sec", "s"})) return add_micros(amount * 1e6);
    if (is(unit, {"minute", "min", "m"})) return add_micros(amount * 60e6);
    if (is(unit, {"hour", "hr", "h"})) return add_micros(amount * 3600e6);
    if (is(unit, {"day", "d"})) return add_days(amount);
    if (is(unit, {"week", "w"})) return add_days(amount * 7);
    if (is(unit, {"month", "mon"})) return add_months(amount);
    if (is(unit, {"year", "yr", "y"})) return add_years(amount);
    if (is(unit, {"decade", "dec"})) return add_years(amount * 10);
    if (is(unit, {"century", "cent", "c", "centurie"})) return add_years(amount * 100);
    if (is(unit, {"millennium", "mil", "millenniums"})) return add_years(amount * 1000);
    return false;
  }
  bool add_micros(double micros) {
    micros_ += std::rint(micros);
    return true;
  }

  std::optional<Interval> value(bool ago) const {
    constexpr double count_max = std::numeric_limits<std::int32_t>::max();
    if (std::fabs(months_) > count_max || std::fabs(days_) > count_max ||
        std::fabs(micros_) > 9.2e15) {
      return std::nullopt;
    }
    const int sign = ago ? -1 : 1;
    return Interval{sign * static_cast<std::int32_t>(months_),
                    sign * static_cast<std::int32_t>(days_),
                    sign * static_cast<std::int64_t>(micros_) * 1000};
  }

 private:
  static bool is(std::string_view unit, std::initializer_list<std::string_view> names) {
    const bool plural = unit.size() > 1 && unit.ends_with('s');
    for (const std::string_view name : names) {
      if (unit == name || (plural && unit.substr(0, unit.size() - 1) == name)) return true;
    }
    return false;
  }
  bool add_days(double days) {
    days_ += std::trunc(days);
    return add_micros((days - std::trunc(days)) * 86400e6);
  }
  bool add_months(double months) {
    months_ += std::trunc(months);
    return add_days((months - std::trunc(months)) * 30);
  }
  bool add_years(double years) {
    months_ += std::rint(years * 12);
    return true;
  }

  double months_ = 0, days_ = 0, micros_ = 0;
};

std::optional<double> scan_amount(TextScanner& scan) {
  const auto whole = scan.number(0, 15);
  double amount = static_cast<double>(*whole);
  if (scan.accept(".")) amount += static_cast<double>(scan.fraction(9)) / 1e9;
  return amount;
}

/// "P1Y2M3DT4H5M6.7S"
bool scan_iso_interval(TextScanner& scan, IntervalSum& sum) {
  bool time = false;
  while (!scan.at_end()) {
    if (scan.accept("Tt")) {
      time = true;
      continue;
    }
    const bool negative = scan.accept("-");
    if (scan.peek() < '0' || scan.peek() > '9') return false;
    const double amount = *scan_amount(scan) * (negative ? -1 : 1);
    const char unit = scan.peek();
    if (!scan.accept("YMWDHSymwdhs")) return false;
    const std::string letter = lower_ascii(std::string_view(&unit, 1));
    const bool month = letter == "m" && !time;
    if (!sum.add(amount, month ? "month" : letter)) return false;
  }
  return true;
}

/// The rest of a signed time whose first number was read: "02:03:04.5", hours above 24 allowed.
bool scan_clock(TextScanner& scan, double hours, double sign, IntervalSum& sum) {
  const auto minutes = scan.number(1, 2);
  if (!minutes || *minutes > 59) return false;
  double micros = (hours * 60 + static_cast<double>(*minutes)) * 60e6;
  if (scan.accept(":")) {
    const auto seconds = scan.number(1, 2);
    if (!seconds || *seconds > 59) return false;
    micros += static_cast<double>(*seconds) * 1e6;
    if (scan.accept(".")) micros += static_cast<double>(scan.fraction(6));
  }
  return sum.add_micros(sign * micros);
}

/// One "<amount> <unit>", "hh:mm:ss" or "years-months".
bool scan_interval_part(TextScanner& scan, IntervalSum& sum) {
  const double sign = scan.accept("-") ? -1 : (scan.accept("+"), 1);
  if ((scan.peek() < '0' || scan.peek() > '9') && scan.peek() != '.') return false;
  const double amount = *scan_amount(scan);
  if (scan.accept(":")) return scan_clock(scan, amount, sign, sum);
  if (scan.accept("-")) {
    const auto months = scan.number(1, 2);
    return months && *months < 12 && sum.add(sign * amount, "year") &&
           sum.add(sign * static_cast<double>(*months), "month");
  }
  scan.skip_spaces();
  const std::string unit = lower_ascii(scan.word());
  return sum.add(sign * amount, unit.empty() ? "second" : unit);
}

}  // namespace

Result<Date> parse_date(std::string_view text) {
  // As PostgreSQL: a moment is a date too, its time of day is dropped.
  const Moment moment = TRY([&]() -> Result<Moment> {
    Result<Moment> parsed = parse_moment(text, false);
    if (parsed) return parsed;
    Error error = std::move(parsed).error();
    if (error.message.starts_with("invalid input")) return invalid_text("date", text);
    return error;
  }());
  return Date{civil(moment).days};
}

Result<Moment> parse_moment(std::string_view text, bool zoned) {
  const auto bad = [&] {
    return invalid_text(zoned ? "timestamp with time zone" : "timestamp", text);
  };
  TextScanner scan(trimmed(text));
  const auto date = scan_date(scan);
  if (!date) return bad();
  if (!is_valid(*date)) return out_of_range(text);
  std::int64_t of_day = 0;
  if (scan.accept("Tt ")) {
    scan.skip_spaces();
    const auto time = scan_time(scan);
    if (!time) return bad();
    if (*time == no_time_of_day) return out_of_range(text);
    of_day = *time;
  }
  scan.skip_spaces();
  std::int64_t east = 0;
  if (!scan.at_end()) {
    const auto zone = scan_zone(scan);
    if (!zone || !scan.at_end()) return bad();
    east = *zone;
  }
  return moment_of(*date, of_day - (zoned ? east : 0));
}

Result<Interval> parse_interval(std::string_view text) {
  TextScanner scan(trimmed(text));
  IntervalSum sum;
  bool ago = false;
  if (scan.at_end()) return invalid_text("interval", text);
  if (scan.accept("Pp")) {
    if (!scan_iso_interval(scan, sum)) return invalid_text("interval", text);
  }
  scan.accept("@");
  for (scan.skip_spaces(); !scan.at_end(); scan.skip_spaces()) {
    if (lower_ascii(TextScanner(scan).word()) == "ago") {
      scan.word();
      ago = true;
      continue;
    }
    if (ago || !scan_interval_part(scan, sum)) return invalid_text("interval", text);
  }
  const auto value = sum.value(ago);
  if (!value) {
    return fail(ErrorCode::invalid_argument, "interval field value out of range: \"{}\"", text);
  }
  return *value;
}

}  // namespace troupe
