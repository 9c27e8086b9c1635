// Reads dates and moments from text: a part of value_text.hpp.
#include "runtime/values/calendar.hpp"
#include "runtime/values/text_scanner.hpp"
#include "runtime/values/value_text.hpp"

#include <optional>

namespace troupe {

namespace {

constexpr std::int32_t year_max = 5'874'897;  // of a date
/// The number of digits that a year can have.
constexpr int year_digits_min = 4, year_digits_max = 7;

/// Reads a date and moves the scanner behind it.
std::optional<CivilDate> scan_date(TextScanner& scan) {
  const auto year = scan.number(year_digits_min, year_digits_max + 1);
  if (!year) return std::nullopt;
  if (*year >= 10'000'000 && scan.peek() != '-') {  // 20260301
    return CivilDate{static_cast<std::int32_t>(*year / 10000), static_cast<int>(*year / 100 % 100),
                     static_cast<int>(*year % 100)};
  }
  const char separator = scan.peek();
  if (!scan.accept("-/.")) return std::nullopt;
  const auto month = scan.number(1, 2);
  if (!month || !scan.accept(std::string_view(&separator, 1))) return std::nullopt;
  const auto day = scan.number(1, 2);
  if (!day) return std::nullopt;
  return CivilDate{static_cast<std::int32_t>(*year), static_cast<int>(*month),
                   static_cast<int>(*day)};
}

Error out_of_range(std::string_view text) {
  return make_error(ErrorCode::invalid_argument, "date/time field value out of range: \"{}\"",
                    text);
}

constexpr std::int64_t no_time_of_day = -1;

/// "12:30[:15[.25]]" in microseconds of the day, or `no_time_of_day` for 25:00.
std::optional<std::int64_t> scan_time(TextScanner& scan) {
  const auto hour = scan.number(1, 2);
  if (!hour || !scan.accept(":")) return std::nullopt;
  const auto minute = scan.number(1, 2);
  if (!minute) return std::nullopt;
  std::int64_t second = 0, fraction = 0;
  if (scan.accept(":")) {
    const auto seconds = scan.number(1, 2);
    if (!seconds) return std::nullopt;
    second = *seconds;
    if (scan.accept(".")) fraction = scan.fraction_micros();
  }
  const bool end_of_day = *hour == 24 && *minute == 0 && second == 0 && fraction == 0;
  const bool valid = (*hour < 24 || end_of_day) && *minute < 60 && second <= 60;
  if (!valid) return no_time_of_day;
  return *hour * micros_per_hour + *minute * micros_per_minute + second * micros_per_second +
         fraction;
}

/// "Z", "+02", "-05:30", "+0530", "+05:30:15", "UTC" in microseconds east of Greenwich.
std::optional<std::int64_t> scan_zone(TextScanner& scan) {
  const bool west = scan.peek() == '-';
  if (!scan.accept("+-")) {
    const std::string name = lower_ascii(scan.word());
    return name == "z" || name == "utc" || name == "gmt" ? std::optional<std::int64_t>(0)
                                                         : std::nullopt;
  }
  const auto hours = scan.number(1, 2);
  if (!hours || *hours > 15) return std::nullopt;
  const bool apart = scan.accept(":");
  const std::int64_t minutes = scan.number(2, 2).value_or(apart ? 60 : 0);
  const std::int64_t seconds = apart && scan.accept(":") ? scan.number(2, 2).value_or(60) : 0;
  if (minutes > 59 || seconds > 59) return std::nullopt;
  const std::int64_t east =
      *hours * micros_per_hour + minutes * micros_per_minute + seconds * micros_per_second;
  return west ? -east : east;
}

/// The parts of the text of a moment.
struct MomentParts {
  CivilDate date;
  std::int64_t of_day_micros = 0;
  std::int64_t east_micros = 0;  ///< of Greenwich
};

/// "BC" or "AD" at the end of the text.
bool take_era(TextScanner& scan, CivilDate& date) {
  TextScanner ahead = scan;
  ahead.skip_spaces();
  const std::string word = lower_ascii(ahead.word());
  if (word != "bc" && word != "ad") return false;
  scan = ahead;
  if (word == "bc") date.year = 1 - date.year;
  return true;
}

Result<MomentParts> parse_parts(std::string_view text, const char* type) {
  const auto bad = [&] { return invalid_text(type, text); };
  TextScanner scan(trimmed(text));
  const auto date = scan_date(scan);
  if (!date) return bad();
  if (date->year == 0) return out_of_range(text);
  if (date->year > year_max)
    return make_error(ErrorCode::invalid_argument, "{} out of range: \"{}\"", type, text);
  MomentParts parts{*date};
  bool era = take_era(scan, parts.date);
  if (scan.accept("Tt ")) {
    scan.skip_spaces();
    const auto time = scan_time(scan);
    if (!time) return bad();
    if (*time == no_time_of_day) return out_of_range(text);
    parts.of_day_micros = *time;
  }
  era = era || take_era(scan, parts.date);
  scan.skip_spaces();
  if (!scan.at_end()) {
    const auto zone = scan_zone(scan);
    if (!zone) return bad();
    parts.east_micros = *zone;
  }
  if (!era) take_era(scan, parts.date);
  if (!scan.at_end()) return bad();
  if (!is_valid(parts.date)) return out_of_range(text);
  return parts;
}

}  // namespace

Result<Date> parse_date(std::string_view text) {
  // As in PostgreSQL, the text of a moment is a date, too: its time of day is dropped.
  const MomentParts parts = TRY(parse_parts(text, "date"));
  const auto date = checked_date(date_of(parts.date).days);
  if (date) return *date;
  return make_error(ErrorCode::invalid_argument, "date out of range: \"{}\"", text);
}

Result<Moment> parse_moment(std::string_view text, bool zoned) {
  const MomentParts parts =
      TRY(parse_parts(text, zoned ? "timestamp with time zone" : "timestamp"));
  const std::int64_t micros = parts.of_day_micros - (zoned ? parts.east_micros : 0);
  const auto moment = moment_of(parts.date, micros);
  if (moment) return *moment;
  return make_error(ErrorCode::invalid_argument, "timestamp out of range: \"{}\"", text);
}

}  // namespace troupe
