#pragma once

#include "runtime/base/time.hpp"

namespace troupe {

/// The door to time. The core takes an `Instant` as an argument; only shells hold a clock.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Never goes back; pauses of the process count.
  virtual Instant now() const = 0;
  /// The time of day. For logs and records only.
  virtual WallTime wall() const = 0;
};

/// The machine's clocks. Stateless, shared by all.
const Clock& system_clock();

}  // namespace troupe
