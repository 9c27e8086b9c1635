#include "runtime/ops/aggregate/exact_number.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace troupe {

namespace {

enum Flag : std::uint8_t { is_negative = 1, has_nan = 2, has_positive = 4, has_negative = 8 };

using Limbs = std::vector<std::uint64_t>;

/// Limbs of `number` from `low` upwards, `count` of them; they must cover it.
Limbs spread(const ExactNumber& number, int low, std::size_t count) {
  Limbs limbs(count);
  std::copy(number.limbs.begin(), number.limbs.end(), limbs.begin() + (number.low - low));
  return limbs;
}

bool less(const Limbs& a, const Limbs& b) {
  return std::lexicographical_compare(a.rbegin(), a.rend(), b.rbegin(), b.rend());
}

/// a - b, for a >= b.
Limbs difference(Limbs a, const Limbs& b) {
  std::uint64_t borrow = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto gap = static_cast<unsigned __int128>(a[i]) - b[i] - borrow;
    a[i] = static_cast<std::uint64_t>(gap);
    borrow = static_cast<std::uint64_t>(gap >> 64) & 1;
  }
  return a;
}

Limbs total(Limbs a, const Limbs& b) {
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto sum = static_cast<unsigned __int128>(a[i]) + b[i] + carry;
    a[i] = static_cast<std::uint64_t>(sum);
    carry = static_cast<std::uint64_t>(sum >> 64);
  }
  return a;
}

/// Bits [first, first + 64) of the limbs.
std::uint64_t bits_from(const Limbs& limbs, std::int64_t first) {
  std::uint64_t bits = 0;
  for (std::int64_t limb : {first >> 6, (first >> 6) + 1}) {
    if (limb < 0 || limb >= static_cast<std::int64_t>(limbs.size())) continue;
    const std::int64_t shift = limb * 64 - first;
    bits |= shift >= 0 ? (shift < 64 ? limbs[limb] << shift : 0) : limbs[limb] >> -shift;
  }
  return bits;
}

bool any_bit_below(const Limbs& limbs, std::int64_t end) {
  for (std::int64_t limb = 0; limb * 64 < end; ++limb) {
    const std::int64_t rest = end - limb * 64;
    if (rest >= 64 ? limbs[limb] != 0 : limbs[limb] << (64 - rest) != 0) return true;
  }
  return false;
}

}  // namespace

ExactNumber ExactNumber::of(bool negative, int low, std::span<const std::uint64_t> limbs) {
  while (!limbs.empty() && limbs.back() == 0) limbs = limbs.first(limbs.size() - 1);
  while (!limbs.empty() && limbs.front() == 0) {
    limbs = limbs.subspan(1);
    ++low;
  }
  if (limbs.empty()) return {};
  return {negative, low, Limbs(limbs.begin(), limbs.end())};
}

std::string ExactNumber::encode() const {
  std::vector<std::uint64_t> words;
  int flags = negative ? is_negative : 0;
  const auto count = [&](Flag flag, std::int64_t times) {
    if (times == 0) return;
    flags |= flag;
    words.push_back(static_cast<std::uint64_t>(times));
  };
  count(has_nan, nan);
  count(has_positive, positive_infinity);
  count(has_negative, negative_infinity);
  words.insert(words.end(), limbs.begin(), limbs.end());
  std::string bytes(2 + words.size() * 8, '\0');
  bytes[0] = static_cast<char>(flags);
  bytes[1] = static_cast<char>(low);
  if (!words.empty()) std::memcpy(bytes.data() + 2, words.data(), words.size() * 8);
  return bytes;
}

Result<ExactNumber> ExactNumber::decode(std::string_view bytes) {
  const auto flags = bytes.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(bytes[0]);
  const std::size_t counts = std::popcount(static_cast<unsigned>(flags & ~is_negative));
  const std::size_t words = bytes.size() < 2 ? 0 : (bytes.size() - 2) / 8;
  if (bytes.size() != 2 + words * 8 || words < counts || words - counts > exact_limbs_max) {
    return make_error(ErrorCode::corrupt, "a partial sum of {} bytes", bytes.size());
  }
  Limbs all(words);
  if (words > 0) std::memcpy(all.data(), bytes.data() + 2, words * 8);
  const int low = static_cast<signed char>(bytes[1]);
  ExactNumber number = of(flags & is_negative, low, std::span(all).subspan(counts));
  auto next = all.begin();
  const auto count = [&](Flag flag) {
    return flags & flag ? static_cast<std::int64_t>(*next++) : std::int64_t{0};
  };
  if (counts > 0) {
    number.nan = count(has_nan);
    number.positive_infinity = count(has_positive);
    number.negative_infinity = count(has_negative);
  }
  if (number.encode() != bytes || low < exact_low_min || low > exact_limbs_max) {
    return make_error(ErrorCode::corrupt, "a partial sum that is not in its canonical form");
  }
  return number;
}

ExactNumber multiply(const ExactNumber& a, const ExactNumber& b) {
  Limbs product(a.limbs.size() + b.limbs.size());
  for (std::size_t i = 0; i < a.limbs.size(); ++i) {
    std::uint64_t carry = 0;
    for (std::size_t j = 0; j < b.limbs.size(); ++j) {
      const auto part =
          static_cast<unsigned __int128>(a.limbs[i]) * b.limbs[j] + product[i + j] + carry;
      product[i + j] = static_cast<std::uint64_t>(part);
      carry = static_cast<std::uint64_t>(part >> 64);
    }
    product[i + b.limbs.size()] = carry;
  }
  return ExactNumber::of(a.negative != b.negative, a.low + b.low, product);
}

ExactNumber subtract(const ExactNumber& a, const ExactNumber& b) {
  if (b.is_zero()) return a;
  if (a.is_zero()) {
    ExactNumber negated = b;
    negated.negative = !b.negative;
    return negated;
  }
  const int low = std::min(a.low, b.low);
  const int end =
      std::max(a.low + static_cast<int>(a.limbs.size()), b.low + static_cast<int>(b.limbs.size()));
  const std::size_t count = end - low + 1;  // one for the carry
  const Limbs left = spread(a, low, count), right = spread(b, low, count);
  if (a.negative != b.negative) return ExactNumber::of(a.negative, low, total(left, right));
  if (less(left, right)) return ExactNumber::of(!a.negative, low, difference(right, left));
  return ExactNumber::of(a.negative, low, difference(left, right));
}

double to_double(const ExactNumber& number) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (number.nan > 0 || (number.positive_infinity > 0 && number.negative_infinity > 0)) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  if (number.positive_infinity > 0) return infinity;
  if (number.negative_infinity > 0) return -infinity;
  if (number.is_zero()) return 0;
  const std::int64_t length =
      static_cast<std::int64_t>(number.limbs.size()) * 64 - std::countl_zero(number.limbs.back());
  const std::int64_t unit = 64 * number.low;  // the exponent of bit 0
  // A subnormal result has fewer than 53 bits: it ends at 2^-1074.
  const std::int64_t first = std::max(length - 53, -1074 - unit);
  if (first > length) return number.negative ? -0.0 : 0.0;
  std::uint64_t mantissa = bits_from(number.limbs, first);
  if (first > 0) {
    const bool half = bits_from(number.limbs, first - 1) & 1;
    const bool more = any_bit_below(number.limbs, first - 1);
    if (half && (more || (mantissa & 1))) ++mantissa;
  }
  const double value = std::ldexp(static_cast<double>(mantissa), static_cast<int>(first + unit));
  return number.negative ? -value : value;
}

}  // namespace troupe
