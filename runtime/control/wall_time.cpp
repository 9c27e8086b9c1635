#include "runtime/control/wall_time.hpp"

#include <date/date.h>

#include <cstdio>

namespace troupe {

std::string to_iso8601(WallTime time) {
  return date::format("%FT%TZ", date::sys_time<std::chrono::microseconds>(time.time_since_epoch()));
}

Result<WallTime> from_iso8601(std::string_view text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, micros = 0;
  const std::string copy(text);
  if (std::sscanf(copy.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%6dZ", &year, &month, &day, &hour, &minute,
                  &second, &micros) != 7) {
    return fail(ErrorCode::invalid_argument, "'{}' is no time of the API", text);
  }
  const date::sys_days midnight =
      date::year(year) / static_cast<unsigned>(month) / static_cast<unsigned>(day);
  return WallTime(midnight.time_since_epoch() + std::chrono::hours(hour) +
                  std::chrono::minutes(minute) + std::chrono::seconds(second) +
                  std::chrono::microseconds(micros));
}

}  // namespace troupe
