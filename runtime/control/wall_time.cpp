#include "runtime/control/wall_time.hpp"

#include <date/date.h>

#include <sstream>
#include <string>

namespace troupe {

std::string to_iso8601(WallTime time) {
  return date::format("%FT%TZ", date::sys_time<std::chrono::microseconds>(time.time_since_epoch()));
}

Result<WallTime> from_iso8601(std::string_view text) {
  date::sys_time<std::chrono::microseconds> time;
  std::istringstream in{std::string(text)};
  in >> date::parse("%FT%TZ", time);
  if (!in || in.peek() != std::istringstream::traits_type::eof()) {
    return make_error(ErrorCode::invalid_argument, "'{}' is no time of the API", text);
  }
  return WallTime(time.time_since_epoch());
}

}  // namespace troupe
