#pragma once

#include "runtime/base/result.hpp"
#include "runtime/values/vector.hpp"

#include <string>
#include <string_view>

namespace troupe {

/// The modifiers in the name of an interval's type: INTERVAL '..' DAY TO HOUR, INTERVAL(2).
struct IntervalModifier {
  // The parser's bits for the fields.
  static constexpr int month = 1 << 1, year = 1 << 2, day = 1 << 3, hour = 1 << 10,
                       minute = 1 << 11, second = 1 << 12;
  static constexpr int every_field = 0x7fff;
  static constexpr int precision_max = 6;

  int fields = every_field;
  int precision = precision_max;  ///< digits behind the point of the seconds

  bool keeps_all() const { return fields == every_field && precision == precision_max; }
};

/// Reads an interval as PostgreSQL does: "1 day 02:03:04", "1 2:03:04", "-1 +02:03",
/// "2 years -3 mons", "1.5 hours ago", "1-2" (years-months), "P1DT2H". A number without a unit is
/// of the smallest field that the modifier keeps. Fields that it does not keep are still in the
/// result: see `limited`.
Result<Interval> parse_interval(std::string_view text, const IntervalModifier& modifier = {});

/// The value without the parts below the smallest field, rounded to the precision.
Result<Interval> limited(Interval value, const IntervalModifier& modifier);

std::string format_interval(const Interval& interval);

}  // namespace troupe
