#include "runtime/values/time_field.hpp"

#include "runtime/base/near.hpp"
#include "runtime/values/text_scanner.hpp"

#include <array>
#include <initializer_list>
#include <string>
#include <vector>

namespace troupe {

namespace {

struct FieldName {
  TimeField field;
  const char* name;
  std::initializer_list<const char*> others;
};

const std::array<FieldName, 18>& field_names() {
  static const std::array<FieldName, 18> names = {{
      {TimeField::microseconds,
       "microseconds",
       {"microsecond", "us", "usec", "usecs", "usecond", "useconds"}},
      {TimeField::milliseconds,
       "milliseconds",
       {"millisecond", "ms", "msec", "msecs", "msecond", "mseconds"}},
      {TimeField::second, "second", {"seconds", "sec", "secs", "s"}},
      {TimeField::minute, "minute", {"minutes", "min", "mins", "m"}},
      {TimeField::hour, "hour", {"hours", "hr", "hrs", "h"}},
      {TimeField::day, "day", {"days", "d"}},
      {TimeField::week, "week", {"weeks", "w"}},
      {TimeField::month, "month", {"months", "mon", "mons"}},
      {TimeField::quarter, "quarter", {"qtr"}},
      {TimeField::year, "year", {"years", "yr", "yrs", "y"}},
      {TimeField::decade, "decade", {"decades", "dec", "decs"}},
      {TimeField::century, "century", {"centuries", "cent", "c"}},
      {TimeField::millennium, "millennium", {"millenniums", "millennia", "mil", "mils"}},
      {TimeField::dow, "dow", {}},
      {TimeField::isodow, "isodow", {}},
      {TimeField::doy, "doy", {}},
      {TimeField::isoyear, "isoyear", {}},
      {TimeField::epoch, "epoch", {}},
  }};
  return names;
}

}  // namespace

std::optional<TimeField> field_of_word(std::string_view word) {
  for (const FieldName& field : field_names()) {
    if (word == field.name) return field.field;
    for (const char* other : field.others) {
      if (word == other) return field.field;
    }
  }
  return std::nullopt;
}

Result<TimeField> time_field(std::string_view name, std::string_view type) {
  const std::string word = lower_ascii(name);
  if (const auto field = field_of_word(word)) return *field;
  std::vector<std::string> known;
  for (const FieldName& field : field_names()) known.emplace_back(field.name);
  Error error =
      make_error(ErrorCode::invalid_argument, "unit \"{}\" not recognized for type {}", name, type);
  error.hint = did_you_mean(word, known);
  return error;
}

const char* to_string(TimeField field) {
  for (const FieldName& known : field_names()) {
    if (known.field == field) return known.name;
  }
  return "?";
}

}  // namespace troupe
