#pragma once

#include "runtime/base/result.hpp"
#include "runtime/values/vector.hpp"

#include <string>
#include <string_view>

namespace troupe {

// Values as text, as PostgreSQL writes and reads them with its default settings (ISO dates, time
// zone UTC). What is no value of the type is "invalid input syntax for type ..".

Result<bool> parse_boolean(std::string_view text);
/// `low` and `high` bound the type that `type` names in the message.
Result<std::int64_t> parse_integer(std::string_view text, const char* type, std::int64_t low,
                                   std::int64_t high);
Result<double> parse_double(std::string_view text);
Result<float> parse_float(std::string_view text);
/// "2026-03-01", "20260301", "2026/3/1"
Result<Date> parse_date(std::string_view text);
/// "2026-03-01 12:30:00.25", "2026-03-01T12:30Z". An offset is dropped unless `zoned`.
Result<Moment> parse_moment(std::string_view text, bool zoned);

std::string format_double(double value);
std::string format_float(float value);
std::string format_date(Date date);
std::string format_moment(Moment moment, bool zoned);
/// "02:03:04.5", hours above 24 allowed.
std::string format_time(std::int64_t micros);

}  // namespace troupe
