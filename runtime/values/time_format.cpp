#include "runtime/values/time_format.hpp"

#include "runtime/values/calendar.hpp"
#include "runtime/values/text_scanner.hpp"

#include <fmt/format.h>

#include <array>

namespace troupe {

namespace {

constexpr std::array<const char*, 7> weekdays = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                 "Friday", "Saturday", "Sunday"};

enum class Letters { as_is, upper, title, lower };

std::string cased(std::string word, Letters letters) {
  for (std::size_t i = 0; i < word.size(); ++i) {
    const bool up = letters == Letters::upper || (letters == Letters::title && i == 0);
    const char letter = word[i];
    if (up && letter >= 'a' && letter <= 'z') word[i] = static_cast<char>(letter - 32);
    if (letters == Letters::lower && letter >= 'A' && letter <= 'Z') {
      word[i] = static_cast<char>(letter + 32);
    }
  }
  return word;
}

std::string number(std::int64_t value, int width, bool bare) {
  return bare ? std::to_string(value) : fmt::format("{:0{}}", value, width);
}

std::string name(const char* word, Letters letters, bool bare) {
  constexpr std::size_t longest = 9;  // "September", "Wednesday": names are padded to it
  std::string text = cased(word, letters);
  if (!bare) text.resize(longest, ' ');
  return text;
}

std::string short_name(const char* word, Letters letters) {
  return cased(std::string(word).substr(0, 3), letters);
}

struct Pattern {
  std::string_view text;
  std::string (*write)(const CivilTime& time, bool bare);
};

using T = const CivilTime&;

const char* month_of(T t) { return month_names[static_cast<std::size_t>(t.date.month - 1)]; }
const char* weekday_of(T t) {
  return weekdays[static_cast<std::size_t>(iso_weekday(Date{t.days}) - 1)];
}
/// Years before Christ count from 1 and have no sign.
std::int32_t shown_year(std::int32_t year) { return year > 0 ? year : 1 - year; }
std::int32_t year_of(T t) { return shown_year(t.date.year); }
int hour12(T t) { return t.hour() % 12 == 0 ? 12 : t.hour() % 12; }
int day_of_year(T t) { return t.days - date_of({t.date.year, 1, 1}).days + 1; }
const char* half(T t) { return t.hour() < 12 ? "AM" : "PM"; }

/// The first that fits is taken, so "YYYY" stands before "YY".
constexpr std::array<Pattern, 37> patterns = {{
    {"YYYY", [](T t, bool bare) { return number(year_of(t), 4, bare); }},
    {"IYYY", [](T t, bool bare) { return number(shown_year(iso_year(Date{t.days})), 4, bare); }},
    {"YYY", [](T t, bool bare) { return number(year_of(t) % 1000, 3, bare); }},
    {"YY", [](T t, bool bare) { return number(year_of(t) % 100, 2, bare); }},
    {"Y", [](T t, bool bare) { return number(year_of(t) % 10, 1, bare); }},
    {"MONTH", [](T t, bool bare) { return name(month_of(t), Letters::upper, bare); }},
    {"Month", [](T t, bool bare) { return name(month_of(t), Letters::title, bare); }},
    {"month", [](T t, bool bare) { return name(month_of(t), Letters::lower, bare); }},
    {"MON", [](T t, bool) { return short_name(month_of(t), Letters::upper); }},
    {"Mon", [](T t, bool) { return short_name(month_of(t), Letters::title); }},
    {"mon", [](T t, bool) { return short_name(month_of(t), Letters::lower); }},
    {"MM", [](T t, bool bare) { return number(t.date.month, 2, bare); }},
    {"MI", [](T t, bool bare) { return number(t.minute(), 2, bare); }},
    {"MS", [](T t, bool) { return number(t.of_day_micros % micros_per_second / 1000, 3, false); }},
    {"US", [](T t, bool) { return number(t.of_day_micros % micros_per_second, 6, false); }},
    {"HH24", [](T t, bool bare) { return number(t.hour(), 2, bare); }},
    {"HH12", [](T t, bool bare) { return number(hour12(t), 2, bare); }},
    {"HH", [](T t, bool bare) { return number(hour12(t), 2, bare); }},
    {"SSSSS", [](T t, bool) { return std::to_string(t.of_day_micros / micros_per_second); }},
    {"SSSS", [](T t, bool) { return std::to_string(t.of_day_micros / micros_per_second); }},
    {"SS", [](T t, bool bare) { return number(t.second(), 2, bare); }},
    {"DAY", [](T t, bool bare) { return name(weekday_of(t), Letters::upper, bare); }},
    {"Day", [](T t, bool bare) { return name(weekday_of(t), Letters::title, bare); }},
    {"day", [](T t, bool bare) { return name(weekday_of(t), Letters::lower, bare); }},
    {"DDD", [](T t, bool bare) { return number(day_of_year(t), 3, bare); }},
    {"DD", [](T t, bool bare) { return number(t.date.day, 2, bare); }},
    {"DY", [](T t, bool) { return short_name(weekday_of(t), Letters::upper); }},
    {"Dy", [](T t, bool) { return short_name(weekday_of(t), Letters::title); }},
    {"dy", [](T t, bool) { return short_name(weekday_of(t), Letters::lower); }},
    {"ID", [](T t, bool) { return std::to_string(iso_weekday(Date{t.days})); }},
    {"D", [](T t, bool) { return std::to_string(iso_weekday(Date{t.days}) % 7 + 1); }},
    {"IW", [](T t, bool bare) { return number(iso_week(Date{t.days}), 2, bare); }},
    {"WW", [](T t, bool bare) { return number((day_of_year(t) - 1) / 7 + 1, 2, bare); }},
    {"Q", [](T t, bool) { return std::to_string((t.date.month - 1) / 3 + 1); }},
    {"AM", [](T t, bool) { return std::string(half(t)); }},
    {"PM", [](T t, bool) { return std::string(half(t)); }},
    {"am", [](T t, bool) { return cased(half(t), Letters::lower); }},
}};

/// Patterns of numbers may be in either case. The case of a pattern that spells a word decides the
/// case of the word.
bool begins_with(std::string_view format, std::string_view pattern) {
  if (format.starts_with(pattern)) return true;
  const bool word = pattern.find_first_of("OADMonthay") != std::string_view::npos &&
                    pattern.size() >= 2 && pattern != "MM" && pattern != "DD" && pattern != "DDD" &&
                    pattern != "MI" && pattern != "MS" && pattern != "ID";
  if (word || format.size() < pattern.size()) return false;
  return lower_ascii(format.substr(0, pattern.size())) == lower_ascii(pattern);
}

int pattern_at(std::string_view format) {
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    if (begins_with(format, patterns[i].text)) return static_cast<int>(i);
  }
  return -1;
}

bool is_letter(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
}

}  // namespace

Result<TimeFormat> TimeFormat::parse(std::string_view format) {
  TimeFormat result;
  const auto literal = [&](std::string_view text) {
    if (result.parts_.empty() || result.parts_.back().index() == 1) {
      result.parts_.emplace_back(std::string());
    }
    std::get<std::string>(result.parts_.back()) += text;
  };
  bool bare = false;
  while (!format.empty()) {
    if (format.front() == '"') {
      const std::size_t end = std::min(format.find('"', 1), format.size());
      literal(format.substr(1, end - 1));
      format.remove_prefix(std::min(end + 1, format.size()));
    } else if (format.starts_with("FM") || format.starts_with("fm")) {
      bare = true;
      format.remove_prefix(2);
    } else if (const int found = pattern_at(format); found >= 0) {
      result.parts_.emplace_back(Field{found, bare});
      bare = false;
      format.remove_prefix(patterns[static_cast<std::size_t>(found)].text.size());
    } else if (is_letter(format.front()) && format.front() != 'T') {
      Error error =
          make_error(ErrorCode::unsupported, "no pattern of times is known at \"{}\"", format);
      error.hint = "put text in double quotes";
      return error;
    } else {
      literal(format.substr(0, 1));
      format.remove_prefix(1);
    }
  }
  return result;
}

std::string_view TimeFormat::text_of(const Field& field) {
  return patterns[static_cast<std::size_t>(field.pattern)].text;
}

std::string TimeFormat::write(Moment moment) const {
  const CivilTime time = civil(moment);
  std::string text;
  for (const auto& part : parts_) {
    if (const auto* literal = std::get_if<std::string>(&part)) {
      text += *literal;
    } else {
      const Field& field = std::get<Field>(part);
      text += patterns[static_cast<std::size_t>(field.pattern)].write(time, field.bare);
    }
  }
  return text;
}

}  // namespace troupe
