#pragma once

#include "runtime/base/result.hpp"

#include <optional>
#include <string_view>

namespace troupe {

/// What extract() and date_trunc() can name; the units of an interval's text are those up to
/// millennium, but for the quarter.
enum class TimeField {
  microseconds,
  milliseconds,
  second,
  minute,
  hour,
  day,
  week,
  month,
  quarter,
  year,
  decade,
  century,
  millennium,
  dow,
  isodow,
  doy,
  isoyear,
  epoch,
};

/// The field that a word in lower case names: "hour", "hours", "hr", "h"; PostgreSQL's words.
std::optional<TimeField> field_of_word(std::string_view word);
/// The same in any case; an unknown name is an error with the nearest right one, which says the
/// `type` that was asked for it.
Result<TimeField> time_field(std::string_view name, std::string_view type);
const char* to_string(TimeField field);

}  // namespace troupe
