#pragma once

#include "runtime/values/numeric.hpp"
#include "runtime/values/sql_type.hpp"
#include "runtime/values/vector.hpp"

#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>

namespace troupe {

__extension__ typedef unsigned __int128 Size128;

/// One numeric argument of a kernel, read row by row, and how far from zero its values reach.
///
/// A numeric takes 128 bits and may have 38 digits, but nearly all fit into 64 bits. The type
/// tells, or one pass over the values of a batch finds out. From the reach of its arguments a
/// kernel knows whether any result can leave 64 bits, or 38 digits: if none can, it checks no row.
class NumericLane {
 public:
  NumericLane(const Vector& vector, const SqlType& type, std::int64_t rows)
      : bytes_(vector.values->data()->buffers[1]->data() +
               static_cast<std::size_t>(vector.values->offset()) * sizeof(Int128)),
        step_(vector.constant ? 0 : sizeof(Int128)) {
    const bool few_digits = type.precision <= digits_of_64_bits && !vector.constant;
    reach_ = few_digits ? static_cast<Size128>(power_of_ten(type.precision))
                        : reach_of_values(vector.constant ? 1 : rows);
  }

  /// No value is farther from zero, except values of NULL rows: results for these may wrap around.
  Size128 reach() const { return reach_; }
  bool constant() const { return step_ == 0; }

  Int128 wide(std::int64_t row) const {
    Int128 value;
    std::memcpy(&value, bytes_ + static_cast<std::size_t>(row) * step_, sizeof value);
    return value;
  }
  /// Requires that the reach fits into 64 bits.
  std::int64_t narrow(std::int64_t row) const { return static_cast<std::int64_t>(word(row, 0)); }

 private:
  static constexpr int digits_of_64_bits = 18;

  Size128 reach_of_values(std::int64_t values) const {
    std::uint64_t high = 0, low = 0;
    for (std::int64_t i = 0; i < values; ++i) {
      const std::uint64_t above = word(i, 1);
      const auto sign = static_cast<std::uint64_t>(static_cast<std::int64_t>(above) >> 63);
      high |= above ^ sign;
      low |= word(i, 0) ^ sign;
    }
    return ((static_cast<Size128>(high) << 64) | low) + 1;
  }

  std::uint64_t word(std::int64_t row, std::size_t which) const {
    std::uint64_t value;
    std::memcpy(&value, bytes_ + static_cast<std::size_t>(row) * step_ + which * sizeof value,
                sizeof value);
    return value;
  }

  const std::uint8_t* bytes_;
  std::size_t step_;
  Size128 reach_ = 0;
};

/// Arithmetic that may wrap around for NULL rows, and for no others. Unsigned, because signed
/// overflow is undefined.
inline std::int64_t wrapped_product(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
}
inline std::int64_t wrapped_sum(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
inline Int128 wrapped_product(Int128 a, Int128 b) {
  return static_cast<Int128>(static_cast<Size128>(a) * static_cast<Size128>(b));
}
inline Int128 wrapped_sum(Int128 a, Int128 b) {
  return static_cast<Int128>(static_cast<Size128>(a) + static_cast<Size128>(b));
}

inline bool fits_64(Size128 reach) { return reach <= std::numeric_limits<std::int64_t>::max(); }

/// Nothing if the product has more than 128 bits.
inline std::optional<Size128> times(Size128 a, Size128 b) {
  Size128 product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

}  // namespace troupe
