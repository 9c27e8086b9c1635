#include "runtime/values/interval_sum.hpp"

#include "runtime/values/calendar.hpp"

#include <cmath>
#include <limits>

namespace troupe {

bool IntervalSum::add(TimeField unit, std::int64_t count, double fraction) {
  switch (unit) {
    case TimeField::microseconds:
      return add_micros(count, fraction, 1);
    case TimeField::milliseconds:
      return add_micros(count, fraction, 1000);
    case TimeField::second:
      return add_micros(count, fraction, micros_per_second);
    case TimeField::minute:
      return add_micros(count, fraction, micros_per_minute);
    case TimeField::hour:
      return add_micros(count, fraction, micros_per_hour);
    case TimeField::day:
      return add_to(days_, count, 1) && add_micros(0, fraction, micros_per_day);
    case TimeField::week:
      return add_to(days_, count, 7) && add_part_of_days(fraction * 7);
    case TimeField::month:
      return add_to(months_, count, 1) && add_part_of_days(fraction * 30);
    case TimeField::year:
      return add_years(count, fraction, 1);
    case TimeField::decade:
      return add_years(count, fraction, 10);
    case TimeField::century:
      return add_years(count, fraction, 100);
    case TimeField::millennium:
      return add_years(count, fraction, 1000);
    default:
      return false;
  }
}

std::optional<Interval> IntervalSum::value(bool negated) const {
  const std::int64_t months = std::int64_t{years_} * 12 + months_;
  Interval value{static_cast<std::int32_t>(months), days_, 0};
  if (months != value.months || __builtin_mul_overflow(micros_, 1000, &value.nanos)) {
    return std::nullopt;
  }
  if (!negated) return value;
  const auto opposite = negate(value);
  return opposite ? std::optional(*opposite) : std::nullopt;
}

bool IntervalSum::add_to(std::int32_t& sum, std::int64_t count, std::int32_t unit) {
  const auto narrow = static_cast<std::int32_t>(count);
  std::int32_t product = 0;
  return narrow == count && !__builtin_mul_overflow(narrow, unit, &product) &&
         !__builtin_add_overflow(sum, product, &sum);
}

bool IntervalSum::add_micros(std::int64_t count, double fraction, std::int64_t unit) {
  std::int64_t product = 0;
  if (__builtin_mul_overflow(count, unit, &product)) return false;
  if (__builtin_add_overflow(micros_, product, &micros_)) return false;
  const double part = fraction * static_cast<double>(unit);
  auto whole = static_cast<std::int64_t>(part);
  const double rest = part - static_cast<double>(whole);
  whole += rest > 0.5 ? 1 : (rest < -0.5 ? -1 : 0);
  return !__builtin_add_overflow(micros_, whole, &micros_) &&
         micros_ != std::numeric_limits<std::int64_t>::min();
}

bool IntervalSum::add_part_of_days(double days) {
  const auto whole = static_cast<std::int32_t>(days);
  return add_to(days_, whole, 1) && add_micros(0, days - whole, micros_per_day);
}

bool IntervalSum::add_years(std::int64_t count, double fraction, std::int32_t unit) {
  const double months = std::rint(fraction * unit * 12);
  return add_to(years_, count, unit) && add_to(months_, static_cast<std::int64_t>(months), 1);
}

}  // namespace troupe
