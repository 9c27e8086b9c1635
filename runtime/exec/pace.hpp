#pragma once

#include "runtime/base/time.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace troupe {

/// So many rows a second, by a schedule that waits for nobody: who could not take rows for a while
/// finds all that have become due since. It begins with the first question, so a reader that goes
/// on after a failure is not asked for what it missed.
class Pace {
 public:
  explicit Pace(double rows_a_second) : rows_a_second_(rows_a_second) {}

  /// Rows that are due and have not been taken. The first one is due at once.
  std::int64_t due(Instant now) {
    if (!begun_) begun_ = now;
    return static_cast<std::int64_t>(seconds(now) * rows_a_second_) + 1 - taken_;
  }
  void take(std::int64_t rows) { taken_ += rows; }
  /// Until it is worth asking again.
  Duration pause(Instant now) const {
    const double next = static_cast<double>(taken_) / rows_a_second_ - seconds(now);
    const auto wait = std::chrono::duration<double>(std::min(next, longest_seconds));
    return std::max(step, std::chrono::duration_cast<Duration>(wait));
  }

  /// Rows that become due within so long leave together: a thousand times a second is enough.
  static constexpr Duration step = 1ms;

 private:
  static constexpr double longest_seconds = 86'400;

  double seconds(Instant now) const {
    return std::chrono::duration<double>(now - begun_.value_or(now)).count();
  }

  const double rows_a_second_;
  std::optional<Instant> begun_;
  std::int64_t taken_ = 0;
};

}  // namespace troupe
