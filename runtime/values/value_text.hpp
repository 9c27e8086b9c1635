#pragma once

#include "runtime/base/result.hpp"
#include "runtime/values/vector.hpp"

#include <string>
#include <string_view>

namespace troupe {

// Writes and reads values as PostgreSQL does with its default settings (ISO dates, time zone UTC).
// Text that is no value of the type is an error: "invalid input syntax for type ..".

Result<bool> parse_boolean(std::string_view text);
/// `low` and `high` bound the type that `type` names in the message.
Result<std::int64_t> parse_integer(std::string_view text, const char* type, std::int64_t low,
                                   std::int64_t high);
Result<double> parse_double(std::string_view text);
Result<float> parse_float(std::string_view text);
/// "2026-03-01", "20260301", "2026/3/1"
Result<Date> parse_date(std::string_view text);
/// "2026-03-01 12:30:00.25", "2026-03-01T12:30Z". Drops an offset unless `zoned`.
Result<Moment> parse_moment(std::string_view text, bool zoned);

std::string format_double(double value);
std::string format_float(float value);
std::string format_date(Date date);
std::string format_moment(Moment moment, bool zoned);
/// "02:03:04.5"; hours may be above 24.
std::string format_time(std::int64_t micros);

}  // namespace troupe
