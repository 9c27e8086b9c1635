#pragma once

#include <chrono>
#include <cstdint>

namespace troupe {

using namespace std::chrono_literals;

using Duration = std::chrono::nanoseconds;

/// The monotonic time of one process: the only time that decides leases, time-outs and retries.
/// It comes from a `Clock`; `runtime/` never asks the system for it.
struct MonotonicTime {
  using rep = Duration::rep;
  using period = Duration::period;
  using duration = Duration;
  using time_point = std::chrono::time_point<MonotonicTime>;
  static constexpr bool is_steady = true;
};
using Instant = MonotonicTime::time_point;

/// Wall-clock time, microseconds since 1970 UTC: shown to people and stored; nothing is decided by
/// it.
struct WallClockTime {
  using rep = std::int64_t;
  using period = std::micro;
  using duration = std::chrono::microseconds;
  using time_point = std::chrono::time_point<WallClockTime>;
  static constexpr bool is_steady = false;
};
using WallTime = WallClockTime::time_point;

/// The time at which something happened in the world, as its row says; microseconds since 1970 UTC.
struct EventTimeline {
  using rep = std::int64_t;
  using period = std::micro;
  using duration = std::chrono::microseconds;
  using time_point = std::chrono::time_point<EventTimeline>;
  static constexpr bool is_steady = false;
};
using EventTime = EventTimeline::time_point;

}  // namespace troupe
