#pragma once

#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"

#include <string>
#include <string_view>

namespace troupe {

/// A time in the form of the API: "2026-11-22T18:05:00.123456Z".
std::string to_iso8601(WallTime time);
Result<WallTime> from_iso8601(std::string_view text);

}  // namespace troupe
