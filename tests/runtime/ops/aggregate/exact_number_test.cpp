// Exact numbers are integers: what they compute is checked against 128-bit arithmetic, their
// rounding against the compiler's, and their bytes survive travel or are refused.
#include "runtime/ops/aggregate/exact_number.hpp"

#include "runtime/ops/aggregate/fixed_point.hpp"
#include "tests/support/catch.hpp"

#include <cmath>
#include <limits>
#include <random>

using namespace troupe;

namespace {

ExactNumber exact(__int128 value, int low = 0) {
  const auto magnitude = static_cast<unsigned __int128>(value < 0 ? -value : value);
  const std::uint64_t limbs[] = {static_cast<std::uint64_t>(magnitude),
                                 static_cast<std::uint64_t>(magnitude >> 64)};
  return ExactNumber::of(value < 0, low, limbs);
}

/// Numbers of all lengths and both signs, below 2^bits.
__int128 any_number(std::mt19937_64& random, int bits) {
  const auto wide = (static_cast<unsigned __int128>(random()) << 64) | random();
  const auto value = static_cast<__int128>(wide >> (128 - 1 - random() % bits));
  return random() % 2 ? value : -value;
}

}  // namespace

TEST_CASE("products and differences are those of integers") {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    const __int128 a = any_number(random, 62), b = any_number(random, 62);
    CHECK(multiply(exact(a), exact(b)) == exact(a * b));
    const __int128 c = any_number(random, 125), d = any_number(random, 125);
    CHECK(subtract(exact(c), exact(d)) == exact(c - d));
  }
  CHECK(subtract(exact(5, 3), exact(5, 3)).is_zero());
  CHECK(subtract(exact(0), exact(7, -2)) == exact(-7, -2));
  CHECK(subtract(exact(1, 1), exact(1, 0)) == exact(~std::uint64_t{0}));
}

TEST_CASE("rounding to a double is that of the compiler, ties to even") {
  std::mt19937_64 random(2);
  for (int i = 0; i < 20'000; ++i) {
    const __int128 value = any_number(random, 126);
    CHECK(to_double(exact(value)) == static_cast<double>(value));
    CHECK(to_double(exact(value, -3)) == std::ldexp(static_cast<double>(value), -192));
  }
  for (const std::uint64_t value : {(1ull << 53) + 1, (1ull << 53) + 3, (1ull << 54) + 2, ~0ull,
                                    (1ull << 63) + (1ull << 10), (1ull << 63) + 1025}) {
    CHECK(to_double(exact(value)) == static_cast<double>(value));
  }
}

TEST_CASE("the ends of the doubles") {
  const double tiny = std::numeric_limits<double>::denorm_min();
  const std::uint64_t one = std::uint64_t{1} << 14;  // 2^-1074 in units of 2^-1088
  CHECK(to_double(ExactNumber::of(false, -17, std::span(&one, 1))) == tiny);
  const std::uint64_t half = one / 2, more = half + 1, three_halves = 3 * half;
  CHECK(to_double(ExactNumber::of(false, -17, std::span(&half, 1))) == 0);
  CHECK(to_double(ExactNumber::of(false, -17, std::span(&more, 1))) == tiny);
  CHECK(to_double(ExactNumber::of(false, -17, std::span(&three_halves, 1))) == 2 * tiny);
  CHECK(std::isinf(to_double(exact(1, 16))));
  CHECK(to_double(exact(-1, 15)) == -std::ldexp(1.0, 960));
}

TEST_CASE("bytes are canonical, and nothing else is accepted") {
  std::mt19937_64 random(3);
  for (int i = 0; i < 1000; ++i) {
    ExactNumber number = exact(any_number(random, 126), static_cast<int>(random() % 50) - 34);
    number.nan = random() % 4 == 0;
    number.positive_infinity = random() % 4 == 0;
    number.negative_infinity = random() % 4 == 0;
    const auto decoded = ExactNumber::decode(number.encode());
    REQUIRE(decoded);
    CHECK(*decoded == number);
  }
  const std::string good = exact(77).encode();
  const std::string padded = good + std::string(8, '\0');
  const std::string signed_zero = {1, 0};
  for (const std::string& bad :
       {std::string(), good.substr(0, 1), good.substr(0, 9), padded, signed_zero,
        std::string("\x10\x00", 2), std::string("\x00\x7F", 2) + good.substr(2)}) {
    REQUIRE_FALSE(ExactNumber::decode(bad));
    CHECK(ExactNumber::decode(bad).error().code == ErrorCode::corrupt);
  }
}

TEST_CASE("a fixed-point number adds either sign at any place") {
  std::mt19937_64 random(4);
  for (int round = 0; round < 200; ++round) {
    FixedPoint<3, -1> sum;
    __int128 expected = 0;  // in units of 2^-40
    for (int i = 0; i < 50; ++i) {
      const std::uint64_t magnitude = random() >> (11 + random() % 50);
      const int exponent = static_cast<int>(random() % 60) - 40;
      const bool negative = random() % 2;
      sum.add(magnitude, exponent, negative);
      const auto term = static_cast<__int128>(magnitude) << (exponent + 40);
      expected += negative ? -term : term;
    }
    CHECK(to_double(ExactNumber::of(sum.negative(), -1, sum.magnitude())) ==
          std::ldexp(static_cast<double>(expected), -40));
  }
}
