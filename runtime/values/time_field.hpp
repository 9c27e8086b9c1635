#pragma once

#include "runtime/base/result.hpp"

#include <optional>
#include <string_view>

namespace troupe {

/// The fields that extract() and date_trunc() can name. The units of an interval's text are those
/// up to millennium, without the quarter.
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

/// The field that a word in lower case names: "hour", "hours", "hr", "h". PostgreSQL's words.
std::optional<TimeField> field_of_word(std::string_view word);
/// The same in any case. The error for an unknown name hints at the nearest right one, and names
/// the `type` that the field was wanted of.
Result<TimeField> time_field(std::string_view name, std::string_view type);
const char* to_string(TimeField field);

}  // namespace troupe
