#include "runtime/values/numeric.hpp"

#include <arrow/util/decimal.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>

namespace troupe {

namespace {

constexpr int digits_max = 38;

constexpr std::array<Int128, digits_max + 1> powers = [] {
  std::array<Int128, digits_max + 1> table{};
  Int128 power = 1;
  for (int i = 0; i <= digits_max; ++i) {
    table[static_cast<std::size_t>(i)] = power;
    if (i < digits_max) power *= 10;
  }
  return table;
}();

Error overflow() {
  return make_error(ErrorCode::invalid_argument,
                    "value overflows numeric format: more than {} digits", digits_max);
}

Int128 power(int n) { return powers[static_cast<std::size_t>(std::clamp(n, 0, digits_max))]; }

Int128 magnitude(Int128 value) { return value < 0 ? -value : value; }

bool fits(Int128 value, int precision) { return magnitude(value) < power(precision); }

int digit_count(Int128 value) {
  const auto size = static_cast<unsigned __int128>(magnitude(value));
  const auto high = static_cast<std::uint64_t>(size >> 64);
  const int bits =
      high != 0 ? 64 + std::bit_width(high) : std::bit_width(static_cast<std::uint64_t>(size));
  // `about` is the number of digits, or one less: 1233 / 4096 is log10(2), a little rounded down.
  const int about = bits * 1233 >> 12;
  return about + (size >= static_cast<unsigned __int128>(power(about)) ? 1 : 0);
}

arrow::Decimal256 wide(Int128 value) {
  return arrow::Decimal256(
      arrow::Decimal128(static_cast<std::int64_t>(value >> 64), static_cast<std::uint64_t>(value)));
}

Result<Numeric> narrow(const arrow::Decimal256& value) {
  if (!value.FitsInPrecision(digits_max)) return overflow();
  const auto& words = value.little_endian_array();
  const auto low = static_cast<unsigned __int128>(words[0]);
  const auto high = static_cast<unsigned __int128>(words[1]);
  return Numeric{static_cast<Int128>((high << 64) | low)};
}

/// n / d, rounded half away from zero.
Int128 rounded(Int128 n, Int128 d) {
  const auto small_n = static_cast<std::int64_t>(n);
  const auto small_d = static_cast<std::int64_t>(d);
  if (small_n == n && small_d == d && d > 0) {  // the usual case, and many times faster
    const std::int64_t quotient = small_n / small_d;
    const std::int64_t rest = small_n % small_d;
    const std::int64_t size = rest < 0 ? -rest : rest;
    // `2 * size >= small_d`, in a form that cannot overflow.
    return size >= small_d - size ? quotient + (n < 0 ? -1 : 1) : quotient;
  }
  const Int128 quotient = n / d;
  const Int128 rest = magnitude(n % d);
  const bool up = rest >= magnitude(d) - rest;
  return up ? quotient + ((n < 0) == (d < 0) ? 1 : -1) : quotient;
}

Result<Numeric> rounded(const arrow::Decimal256& n, const arrow::Decimal256& d) {
  auto parts = TRY(arrow_try(n.Divide(d)));
  const arrow::Decimal256 rest(arrow::Decimal256::Abs(parts.second));
  arrow::Decimal256 gap(arrow::Decimal256::Abs(d));
  gap -= rest;
  if (!(rest < gap)) {
    const bool positive = (n.Sign() < 0) == (d.Sign() < 0);
    parts.first += arrow::Decimal256(positive ? 1 : -1);
  }
  return narrow(parts.first);
}

Result<Numeric> checked(Int128 value) {
  if (!fits(value, digits_max)) return overflow();
  return Numeric{value};
}

}  // namespace

Int128 power_of_ten(int n) { return power(n); }

Result<Numeric> rescale(Numeric value, int from_scale, int to_scale, int precision) {
  Int128 digits = value.digits;
  if (to_scale > from_scale) {
    const int by = to_scale - from_scale;
    if (digits != 0 && digit_count(digits) + by > digits_max) return overflow();
    digits *= power(by);
  } else if (to_scale < from_scale) {
    digits = rounded(digits, power(from_scale - to_scale));
  }
  if (!fits(digits, precision)) {
    return make_error(ErrorCode::invalid_argument,
                      "numeric field overflow: {} does not fit numeric({},{})",
                      format_numeric(value, from_scale), precision, to_scale);
  }
  return Numeric{digits};
}

Result<Numeric> add(Numeric a, int a_scale, Numeric b, int b_scale, int scale) {
  if (a_scale != scale) a = TRY(rescale(a, a_scale, scale));
  if (b_scale != scale) b = TRY(rescale(b, b_scale, scale));
  Int128 sum = 0;
  if (__builtin_add_overflow(a.digits, b.digits, &sum)) return overflow();
  return checked(sum);
}

Result<Numeric> subtract(Numeric a, int a_scale, Numeric b, int b_scale, int scale) {
  return add(a, a_scale, Numeric{-b.digits}, b_scale, scale);
}

Result<Numeric> multiply(Numeric a, int a_scale, Numeric b, int b_scale, int scale) {
  const int exact_scale = a_scale + b_scale;
  if (digit_count(a.digits) + digit_count(b.digits) <= digits_max) {
    return rescale(Numeric{a.digits * b.digits}, exact_scale, scale);
  }
  const arrow::Decimal256 product(wide(a.digits) * wide(b.digits));
  if (exact_scale <= scale) return narrow(product);
  return rounded(product, wide(power(exact_scale - scale)));
}

Result<Numeric> divide(Numeric a, int a_scale, Numeric b, int b_scale, int scale) {
  if (b.digits == 0) return make_error(ErrorCode::invalid_argument, "division by zero");
  const int shift = scale + b_scale - a_scale;
  if (a.digits == 0) return Numeric{0};
  if (shift < 0) return rescale(TRY(divide(a, a_scale, b, b_scale, a_scale)), a_scale, scale);
  if (digit_count(a.digits) + shift <= digits_max) {
    return checked(rounded(a.digits * power(shift), b.digits));
  }
  if (digit_count(a.digits) + shift > 2 * digits_max) return overflow();
  arrow::Decimal256 dividend(wide(a.digits) * wide(power(std::min(shift, digits_max))));
  if (shift > digits_max) dividend *= wide(power(shift - digits_max));
  return rounded(dividend, wide(b.digits));
}

Result<Numeric> modulo(Numeric a, int a_scale, Numeric b, int b_scale, int scale) {
  if (b.digits == 0) return make_error(ErrorCode::invalid_argument, "division by zero");
  a = TRY(rescale(a, a_scale, scale));
  b = TRY(rescale(b, b_scale, scale));
  return Numeric{a.digits % b.digits};
}

int compare(Numeric a, int a_scale, Numeric b, int b_scale) {
  if (a_scale > b_scale) return -compare(b, b_scale, a, a_scale);
  Int128 left = a.digits;
  if (a_scale < b_scale) {
    // Scaled, it would have more than 38 digits: it is farther from zero than any value of `b`.
    if (left != 0 && digit_count(left) + b_scale - a_scale > digits_max) return left < 0 ? -1 : 1;
    left *= power(b_scale - a_scale);
  }
  return left < b.digits ? -1 : (left > b.digits ? 1 : 0);
}

double to_double(Numeric value, int scale) {
  constexpr Int128 exact_max = Int128{1} << 53;
  constexpr int exact_scale_max = 22;  // 10^22 is the largest power of ten that a double holds
  if (magnitude(value.digits) <= exact_max && scale <= exact_scale_max && scale >= 0) {
    return static_cast<double>(value.digits) / static_cast<double>(power(scale));
  }
  const std::string text = format_numeric(value, scale);
  double result = 0;
  std::from_chars(text.data(), text.data() + text.size(), result);
  return result;
}

Result<Numeric> numeric_of(double value, int significant, int scale, int precision) {
  if (!std::isfinite(value)) {
    return make_error(ErrorCode::invalid_argument, "{} has no numeric value", value);
  }
  if (std::fabs(value) >= 1e38) {
    return make_error(ErrorCode::invalid_argument,
                      "numeric field overflow: {} has more than {} digits", value, digits_max);
  }
  const ParsedNumeric parsed = TRY(parse_numeric(fmt::format("{:.{}e}", value, significant - 1)));
  return rescale(parsed.value, parsed.scale, scale, precision);
}

Result<ParsedNumeric> parse_numeric(std::string_view text) {
  const auto bad = [&] {
    return make_error(ErrorCode::invalid_argument, "invalid input syntax for type numeric: \"{}\"",
                      text);
  };
  const std::size_t begin = text.find_first_not_of(" \t\n\r\f\v");
  if (begin == std::string_view::npos) return bad();
  std::string_view rest = text.substr(begin, text.find_last_not_of(" \t\n\r\f\v") - begin + 1);
  const bool negative = rest.front() == '-';
  if (negative || rest.front() == '+') rest.remove_prefix(1);
  Int128 digits = 0;
  int scale = 0;
  bool point = false, any = false;
  std::size_t at = 0;
  for (; at < rest.size(); ++at) {
    if (rest[at] == '.' && !point) {
      point = true;
      continue;
    }
    if (rest[at] < '0' || rest[at] > '9') break;
    any = true;
    // After 38 digits, further ones behind the point are dropped; in front of it they overflow.
    if (digit_count(digits) >= digits_max) {
      if (!point) return overflow();
      continue;
    }
    digits = digits * 10 + (rest[at] - '0');
    if (point) ++scale;
  }
  int exponent = 0;
  if (any && at < rest.size() && (rest[at] == 'e' || rest[at] == 'E')) {
    std::string_view power = rest.substr(at + 1);
    if (power.starts_with('+')) {
      power.remove_prefix(1);
      if (power.starts_with('-')) return bad();
    }
    const auto [end, error] = std::from_chars(power.begin(), power.end(), exponent);
    if (error != std::errc() || end != power.end() || std::abs(exponent) > 1000) return bad();
    at = rest.size();
  }
  if (!any || at != rest.size()) return bad();
  scale -= exponent;
  if (scale < 0) {
    if (digits != 0 && digit_count(digits) - scale > digits_max) return overflow();
    digits *= power(-scale);
    scale = 0;
  }
  if (scale > digits_max) {
    digits = scale - digits_max > digits_max ? 0 : rounded(digits, power(scale - digits_max));
    scale = digits_max;
  }
  return ParsedNumeric{Numeric{negative ? -digits : digits}, scale};
}

std::string format_numeric(Numeric value, int scale) {
  const bool negative = value.digits < 0;
  Int128 rest = magnitude(value.digits);
  std::string reversed;
  int written = 0;
  while (rest != 0 || written <= scale) {
    if (written == scale && scale > 0) reversed += '.';
    reversed += static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
    ++written;
  }
  if (negative) reversed += '-';
  std::reverse(reversed.begin(), reversed.end());
  return reversed;
}

}  // namespace troupe
