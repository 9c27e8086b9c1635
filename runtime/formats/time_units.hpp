#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>

namespace troupe {

constexpr std::int64_t nanoseconds_in(arrow::TimeUnit::type unit) {
  switch (unit) {
    case arrow::TimeUnit::SECOND:
      return 1'000'000'000;
    case arrow::TimeUnit::MILLI:
      return 1'000'000;
    case arrow::TimeUnit::MICRO:
      return 1'000;
    case arrow::TimeUnit::NANO:
      return 1;
  }
  return 1;
}

/// How many of these a day has.
constexpr std::int64_t units_of_day(arrow::TimeUnit::type unit) {
  return 86'400'000'000'000 / nanoseconds_in(unit);
}

}  // namespace troupe
