#pragma once

#include "runtime/base/result.hpp"

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// A sum that was not rounded: sign * (limbs[0] + limbs[1] * 2^64 + ...) * 2^(64 * low), or what
/// infinities and NaN among the terms made of it. Canonical: neither the first nor the last limb is
/// zero, and zero has none; so equal sums have equal bytes, which re-runs are compared by.
struct ExactNumber {
  bool negative = false;
  int low = 0;
  std::vector<std::uint64_t> limbs;
  std::int64_t nan = 0;                ///< how often NaN was a term: it may be taken back
  std::int64_t positive_infinity = 0;  ///< ... or infinity
  std::int64_t negative_infinity = 0;

  bool is_zero() const { return limbs.empty(); }
  bool finite() const { return nan == 0 && positive_infinity == 0 && negative_infinity == 0; }

  /// From limbs that may have zeros at the ends.
  static ExactNumber of(bool negative, int low, std::span<const std::uint64_t> limbs);

  /// How partial aggregates travel: flags, `low`, how often which of NaN and infinities, limbs.
  std::string encode() const;
  /// From bytes of another task: `corrupt` unless canonical.
  static Result<ExactNumber> decode(std::string_view bytes);

  friend bool operator==(const ExactNumber&, const ExactNumber&) = default;
};

/// The limits of what `decode` accepts: squares of doubles and their sums fit.
inline constexpr int exact_low_min = -40;
inline constexpr int exact_limbs_max = 80;

ExactNumber multiply(const ExactNumber& a, const ExactNumber& b);
ExactNumber subtract(const ExactNumber& a, const ExactNumber& b);

/// The nearest double, ties to even, infinite where it is too large. Infinities and NaN among the
/// terms decide as in IEEE addition.
double to_double(const ExactNumber& number);

}  // namespace troupe
