#pragma once

#include <array>
#include <cstdint>
#include <span>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace troupe {

/// A signed integer of `Limbs` * 64 bits in two's complement, counted in units of 2^(64 * `Low`).
///
/// Sums of doubles are added in here without any rounding, so that a sum does not depend on the
/// order of its terms, nor on how they were spread over batches, tasks and nodes; it is rounded
/// once, at the end (after R. M. Neal, "Fast exact summation using small and large
/// superaccumulators", 2015; with carries, since our numbers are short).
///
/// The caller keeps terms so small that their sum fits; nothing here can overflow by itself.
template <int Limbs, int Low>
class FixedPoint {
 public:
  static constexpr int limb_count = Limbs;
  static constexpr int low = Low;

  /// Adds magnitude * 2^exponent, negated if told so. 2^exponent is at least one unit.
  void add(std::uint64_t magnitude, int exponent, bool negative) {
    const unsigned shift = static_cast<unsigned>(exponent - 64 * Low);
    const auto wide = static_cast<unsigned __int128>(magnitude) << (shift & 63);
    // Spelled without branches on the sign: signs are what data has least predictable.
    std::array<std::uint64_t, Limbs + 1> term{};
    term[shift >> 6] = static_cast<std::uint64_t>(wide);
    term[(shift >> 6) + 1] = static_cast<std::uint64_t>(wide >> 64);
    const std::uint64_t mask = negative ? ~std::uint64_t{0} : 0;
    std::uint64_t carry = negative ? 1 : 0;
    for (int i = 0; i < Limbs; ++i) carry = add_limb(i, term[i] ^ mask, carry);
  }

  /// Adds an integer; for `Low` = 0.
  void add(__int128 value) { add_integer(value, value < 0 ? ~std::uint64_t{0} : 0); }
  void add_unsigned(unsigned __int128 value) { add_integer(value, 0); }

  /// Adds a number of that sign and those limbs, the first of which counts units of 2^(64 * low).
  /// False, and nothing changed, where its place is outside of this number.
  bool add(bool negative, int low_limb, std::span<const std::uint64_t> limbs) {
    const int first = low_limb - Low;
    if (first < 0 || first + static_cast<int>(limbs.size()) > Limbs) return false;
    const std::uint64_t mask = negative ? ~std::uint64_t{0} : 0;
    std::uint64_t carry = negative ? 1 : 0;
    for (int i = 0; i < Limbs; ++i) {
      const bool inside = i >= first && i < first + static_cast<int>(limbs.size());
      carry = add_limb(i, (inside ? limbs[i - first] : 0) ^ mask, carry);
    }
    return true;
  }

  bool negative() const { return (limbs_[Limbs - 1] >> 63) != 0; }

  std::array<std::uint64_t, Limbs> magnitude() const {
    std::array<std::uint64_t, Limbs> positive = limbs_;
    if (!negative()) return positive;
    std::uint64_t carry = 1;
    for (std::uint64_t& limb : positive) {
      limb = ~limb + carry;
      carry = carry && limb == 0;
    }
    return positive;
  }

 private:
  void add_integer(unsigned __int128 value, std::uint64_t sign) {
    static_assert(Low == 0 && Limbs >= 2);
    std::uint64_t carry = add_limb(0, static_cast<std::uint64_t>(value), 0);
    carry = add_limb(1, static_cast<std::uint64_t>(value >> 64), carry);
    for (int i = 2; i < Limbs; ++i) carry = add_limb(i, sign, carry);
  }

  std::uint64_t add_limb(int i, std::uint64_t term, std::uint64_t carry) {
#if defined(__x86_64__)
    unsigned long long sum = 0;  // compilers find no add-with-carry by themselves
    const auto carried = _addcarry_u64(static_cast<unsigned char>(carry), limbs_[i], term, &sum);
    limbs_[i] = sum;
    return carried;
#else
    const auto sum = static_cast<unsigned __int128>(limbs_[i]) + term + carry;
    limbs_[i] = static_cast<std::uint64_t>(sum);
    return static_cast<std::uint64_t>(sum >> 64);
#endif
  }

  std::array<std::uint64_t, Limbs> limbs_{};  ///< the least first
};

}  // namespace troupe
