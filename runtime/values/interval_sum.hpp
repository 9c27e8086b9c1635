#pragma once

#include "runtime/values/time_field.hpp"
#include "runtime/values/vector.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace troupe {

/// The outcome of reading a text that may be an interval.
enum class Verdict { good, bad_format, out_of_range };

/// Adds up amounts of units while the text of an interval is read. As in PostgreSQL, fractions go
/// to smaller units. `add` is false if a part leaves its range.
class IntervalSum {
 public:
  bool add(TimeField unit, std::int64_t count, double fraction);

  /// A clock ("02:03:04") gives the whole time: like PostgreSQL, it drops the time that fractions
  /// of days have added before.
  void forget_time() { micros_ = 0; }
  void negate_time() { micros_ = -micros_; }

  std::optional<Interval> value(bool negated) const;

 private:
  static bool add_to(std::int32_t& sum, std::int64_t count, std::int32_t unit);
  bool add_micros(std::int64_t count, double fraction, std::int64_t unit);
  bool add_part_of_days(double days);
  bool add_years(std::int64_t count, double fraction, std::int32_t unit);

  std::int32_t years_ = 0, months_ = 0, days_ = 0;
  std::int64_t micros_ = 0;
};

/// Reads the forms of ISO 8601, which begin with a P: "P1Y2M3DT4H5M6.7S", "P1-2-3T4:5:6" and
/// "P00010203T040506".
Verdict read_iso_interval(std::string_view text, IntervalSum& sum);

}  // namespace troupe
