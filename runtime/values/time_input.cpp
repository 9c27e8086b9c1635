// Reads a text by a format, for to_timestamp() and to_date().
#include "runtime/values/calendar.hpp"
#include "runtime/values/text_scanner.hpp"
#include "runtime/values/time_format.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string>

namespace troupe {

namespace {

/// The parts of a moment that the patterns have read so far.
struct Parts {
  std::int64_t year = 1, month = 1, day = 1, hour = 0, minute = 0, second = 0, micros = 0;
  std::optional<std::int64_t> day_of_year;
  bool has_half = false, afternoon = false, twelve_hours = false;
};

/// The most digits of a number, if no other field follows directly.
constexpr int digits_max = 9;

struct Reader {
  const char* pattern;
  int digits;  ///< exactly so many, if another field follows directly
  bool (*take)(Parts& parts, std::int64_t value);
};

bool in_range(std::int64_t value, std::int64_t least, std::int64_t most) {
  return value >= least && value <= most;
}

/// Patterns that are read as a number, in lower case.
constexpr std::array<Reader, 13> readers = {{
    {"yyyy", 4, [](Parts& p, std::int64_t v) { return p.year = v, in_range(v, 1, 294276); }},
    {"yy", 2,
     [](Parts& p, std::int64_t v) {
       return p.year = v < 70 ? 2000 + v : v < 100 ? 1900 + v : v, true;
     }},
    {"mm", 2, [](Parts& p, std::int64_t v) { return p.month = v, in_range(v, 1, 12); }},
    {"ddd", 3, [](Parts& p, std::int64_t v) { return p.day_of_year = v, in_range(v, 1, 366); }},
    {"dd", 2, [](Parts& p, std::int64_t v) { return p.day = v, in_range(v, 1, 31); }},
    {"hh24", 2, [](Parts& p, std::int64_t v) { return p.hour = v, in_range(v, 0, 23); }},
    {"hh12", 2,
     [](Parts& p, std::int64_t v) {
       return p.hour = v, p.twelve_hours = true, in_range(v, 1, 12);
     }},
    {"hh", 2,
     [](Parts& p, std::int64_t v) {
       return p.hour = v, p.twelve_hours = true, in_range(v, 1, 12);
     }},
    {"mi", 2, [](Parts& p, std::int64_t v) { return p.minute = v, in_range(v, 0, 59); }},
    {"ss", 2, [](Parts& p, std::int64_t v) { return p.second = v, in_range(v, 0, 59); }},
    {"ms", 3, [](Parts& p, std::int64_t v) { return p.micros = v * 1000, true; }},
    {"us", 6, [](Parts& p, std::int64_t v) { return p.micros = v, true; }},
    {"ssss", 5,
     [](Parts& p, std::int64_t v) {
       return p.hour = v / 3600, p.minute = v / 60 % 60, p.second = v % 60, v < 86400;
     }},
}};

const Reader* reader_of(const std::string& pattern) {
  const auto found = std::find_if(readers.begin(), readers.end(),
                                  [&](const Reader& one) { return pattern == one.pattern; });
  return found == readers.end() ? nullptr : &*found;
}

bool is_month(const std::string& pattern) { return pattern == "month" || pattern == "mon"; }
bool is_half(const std::string& pattern) { return pattern == "am" || pattern == "pm"; }

/// The part of a moment that a pattern reads: two patterns of one part could contradict each other.
std::string part_of(const std::string& pattern) {
  if (pattern == "yy") return "yyyy";
  if (is_month(pattern)) return "mm";
  if (is_half(pattern)) return "am";
  if (pattern == "us") return "ms";
  return pattern.starts_with("hh") || pattern == "ssss" ? "hh" : pattern;
}

Error out_of_range(std::string_view text) {
  return make_error(ErrorCode::invalid_argument, "date/time field value out of range: \"{}\"",
                    text);
}

Error no_value(std::string_view text, std::string_view pattern) {
  return make_error(ErrorCode::invalid_argument, "invalid value \"{}\" for \"{}\"",
                    text.substr(0, text.find(' ')), pattern);
}

Error too_short(std::string_view text, std::string_view pattern) {
  return make_error(ErrorCode::invalid_argument,
                    "source string too short for \"{}\" formatting field: only \"{}\" is left",
                    pattern, text);
}

bool take_month(std::string_view& rest, bool whole, Parts& parts) {
  const std::string lower = lower_ascii(rest.substr(0, 9));
  for (std::size_t i = 0; i < month_names.size(); ++i) {
    const std::string name = lower_ascii(month_names[i]).substr(0, whole ? std::string::npos : 3);
    if (!lower.starts_with(name)) continue;
    parts.month = static_cast<std::int64_t>(i) + 1;
    return rest.remove_prefix(name.size()), true;
  }
  return false;
}

bool take_half(std::string_view& rest, Parts& parts) {
  const std::string lower = lower_ascii(rest.substr(0, 2));
  if (lower != "am" && lower != "pm") return false;
  parts.has_half = true;
  parts.afternoon = lower == "pm";
  rest.remove_prefix(2);
  return true;
}

bool is_fraction(const Reader& reader) {
  const std::string_view pattern = reader.pattern;
  return pattern == "ms" || pattern == "us";
}

/// The digits of a fraction are its first ones: ".5" is 500 ms.
std::int64_t widened(std::int64_t value, std::size_t read, const Reader& reader) {
  if (!is_fraction(reader)) return value;
  for (auto i = static_cast<int>(read); i < reader.digits; ++i) value *= 10;
  return value;
}

Result<Moment> moment(const Parts& parts, std::string_view text) {
  std::int64_t hour = parts.hour;
  if (parts.twelve_hours || parts.has_half) {
    if (hour < 1 || hour > 12) {
      return make_error(ErrorCode::invalid_argument, "hour \"{}\" is invalid for the 12-hour clock",
                        hour);
    }
    hour = hour % 12 + (parts.afternoon ? 12 : 0);
  }
  CivilDate date{static_cast<std::int32_t>(parts.year), static_cast<int>(parts.month),
                 static_cast<int>(parts.day)};
  if (parts.day_of_year) date = CivilDate{date.year, 1, 1};
  if (!is_valid(date)) return out_of_range(text);
  Date day = date_of(date);
  if (parts.day_of_year) {
    day.days += static_cast<std::int32_t>(*parts.day_of_year - 1);
    if (civil(day).year != date.year) return out_of_range(text);
  }
  return moment_of(day, hour * micros_per_hour + parts.minute * micros_per_minute +
                            parts.second * micros_per_second + parts.micros);
}

bool is_space(char letter) { return letter == ' ' || letter == '\t' || letter == '\n'; }
bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }
bool is_separator(char letter) {
  return letter > 0 && !is_digit(letter) && !(letter >= 'a' && letter <= 'z') &&
         !(letter >= 'A' && letter <= 'Z');
}

template <class Is>
void skip(std::string_view& text, Is is) {
  while (!text.empty() && is(text.front())) text.remove_prefix(1);
}

/// A separator in the format takes any separator, or none; a letter takes any one character.
void skip_literal(std::string_view& rest, std::string_view literal) {
  for (const char letter : literal) {
    if (rest.empty()) return;
    if (!is_separator(letter) || is_separator(rest.front())) rest.remove_prefix(1);
  }
}

}  // namespace

Result<> TimeFormat::check_readable() const {
  bool year = false;
  std::set<std::string> said;
  for (const auto& part : parts_) {
    const auto* field = std::get_if<Field>(&part);
    if (!field) continue;
    const std::string pattern = lower_ascii(text_of(*field));
    year = year || pattern.starts_with("yy");
    if (reader_of(pattern) || is_month(pattern) || is_half(pattern)) {
      if (said.insert(part_of(pattern)).second) continue;
      return make_error(ErrorCode::unsupported, "\"{}\" says again what another pattern says",
                        text_of(*field));
    }
    return make_error(ErrorCode::unsupported, "\"{}\" is not read, only written by to_char()",
                      text_of(*field));
  }
  if (year) return {};
  return make_error(ErrorCode::unsupported, "the format says no year: YYYY or YY");
}

Result<Moment> TimeFormat::read(std::string_view text) const {
  Parts parts;
  std::string_view rest = text;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    if (const auto* literal = std::get_if<std::string>(&parts_[i])) {
      skip_literal(rest, *literal);
      continue;
    }
    skip(rest, is_space);
    if (rest.empty()) break;
    const std::string_view spelled = text_of(std::get<Field>(parts_[i]));
    const std::string pattern = lower_ascii(spelled);
    if (is_month(pattern)) {
      if (!take_month(rest, pattern == "month", parts)) return no_value(rest, spelled);
    } else if (is_half(pattern)) {
      if (!take_half(rest, parts)) return no_value(rest, spelled);
    } else {
      const Reader& reader = *reader_of(pattern);
      const bool field_follows =
          i + 1 < parts_.size() && std::holds_alternative<Field>(parts_[i + 1]);
      const int most = field_follows || is_fraction(reader) ? reader.digits : digits_max;
      // If nothing stands between two numbers, the first must have all the digits of its pattern.
      const auto wanted = static_cast<std::size_t>(reader.digits);
      const std::string_view digits = rest.substr(0, wanted);
      if (field_follows && digits.size() < wanted) return too_short(digits, spelled);
      TextScanner scanner(rest);
      const auto number = scanner.number(field_follows ? reader.digits : 1, most);
      if (!number) return no_value(digits, spelled);
      std::size_t read = 0;
      while (read < static_cast<std::size_t>(most) && read < rest.size() && is_digit(rest[read])) {
        ++read;
      }
      rest.remove_prefix(read);
      if (!reader.take(parts, widened(*number, read, reader))) return out_of_range(text);
    }
  }
  return moment(parts, text);
}

}  // namespace troupe
