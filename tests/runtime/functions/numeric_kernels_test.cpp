// Whole batches of numerics give exactly what the row-by-row rules of values/numeric.hpp give: the
// same digits, the same NULLs, the same errors. Shown with random batches whose values lie around
// the borders at which a kernel changes its way: 64 bits, 38 digits, and 128 bits.
#include "runtime/functions/numeric_kernels.hpp"

#include "runtime/functions/comparison.hpp"
#include "runtime/values/numeric.hpp"
#include "tests/support/catch.hpp"

#include <arrow/array/builder_decimal.h>
#include <arrow/scalar.h>
#include <arrow/util/decimal.h>
#include <fmt/format.h>

#include <optional>
#include <random>

using namespace troupe;

namespace {

using Random = std::mt19937_64;
using Values = std::vector<std::optional<Numeric>>;

std::size_t below(Random& random, std::size_t end) { return random() % end; }

/// Of at most so many digits, one in two within a few of the largest.
Numeric any_numeric(Random& random, int digits) {
  const Int128 end = power_of_ten(digits);
  const Int128 near = end - 1 - static_cast<Int128>(below(random, 3));
  const auto wide =
      static_cast<Int128>((static_cast<unsigned __int128>(random()) << 64 | random()) >> 1);
  Int128 value = below(random, 2) == 0 ? near : wide % end;
  if (below(random, 8) == 0) value = static_cast<Int128>(std::numeric_limits<std::int64_t>::max());
  if (below(random, 8) == 0) value = 0;
  if (value >= end) value = end - 1;
  return Numeric{below(random, 2) == 0 ? value : -value};
}

Values any_values(Random& random, std::size_t rows, int digits, bool nulls) {
  Values values;
  for (std::size_t i = 0; i < rows; ++i) {
    values.emplace_back(any_numeric(random, digits));
    if (nulls && below(random, 4) == 0) values.back().reset();
  }
  return values;
}

arrow::Decimal128 decimal(Numeric value) {
  return arrow::Decimal128(static_cast<std::int64_t>(value.digits >> 64),
                           static_cast<std::uint64_t>(value.digits));
}

/// A column that begins somewhere in its buffers, or a constant.
Vector vector_of(const Values& values, int scale, bool constant) {
  arrow::Decimal128Builder builder(arrow::decimal128(38, scale));
  REQUIRE(builder.Append(arrow::Decimal128(7)).ok());
  for (const auto& value : values) {
    REQUIRE((value ? builder.Append(decimal(*value)) : builder.AppendNull()).ok());
  }
  return {(*builder.Finish())->Slice(1), constant};
}

std::string shown(const arrow::Array& array, std::int64_t row) {
  return array.IsNull(row) ? "NULL" : array.GetScalar(row).ValueOrDie()->ToString();
}

/// What a rule that knows one row at a time makes of a batch, its first error included.
template <class Rule>
std::string by_rows(const Values& a, const Values& b, std::size_t rows, Rule rule) {
  std::string text;
  for (std::size_t i = 0; i < rows; ++i) {
    const auto& left = a[a.size() == 1 ? 0 : i];
    const auto& right = b[b.size() == 1 ? 0 : i];
    if (!left || !right) {
      text += "NULL ";
      continue;
    }
    const Result<std::string> value = rule(*left, *right);
    if (!value) return value.error().message;
    text += *value + " ";
  }
  return text;
}

std::string by_batch(const Kernel& kernel, const std::vector<Vector>& arguments, std::size_t rows) {
  const Result<Vector> result = kernel(arguments, static_cast<std::int64_t>(rows));
  if (!result) return result.error().message;
  std::string text;
  REQUIRE(result->values->ValidateFull().ok());
  for (std::size_t i = 0; i < rows; ++i) {
    text += shown(*result->values, static_cast<std::int64_t>(i)) + " ";
  }
  return text;
}

/// One random pair of arguments. Their types have as many digits as the values, or all 38.
struct Pair {
  std::size_t rows;
  int a_scale, b_scale;
  SqlType a_type, b_type;
  Values a, b;
  std::vector<Vector> vectors;
};

Pair any_pair(Random& random) {
  static constexpr int digits[] = {1, 9, 17, 18, 19, 20, 37, 38};
  static constexpr int scales[] = {0, 2, 4, 12, 19, 24, 38};
  const auto pick = [&](const auto& list) { return list[below(random, std::size(list))]; };
  Pair pair{1 + below(random, 20), pick(scales), pick(scales), {}, {}, {}, {}, {}};
  const int a_digits = pick(digits), b_digits = pick(digits);
  pair.a_type = numeric_type(pair.a_scale, below(random, 2) == 0 ? 38 : a_digits);
  pair.b_type = numeric_type(pair.b_scale, below(random, 2) == 0 ? 38 : b_digits);
  const bool a_constant = below(random, 4) == 0, b_constant = !a_constant && below(random, 2) == 0;
  const bool nulls = below(random, 2) == 0;
  pair.a = any_values(random, a_constant ? 1 : pair.rows, a_digits, nulls);
  pair.b = any_values(random, b_constant ? 1 : pair.rows, b_digits, nulls);
  pair.vectors = {vector_of(pair.a, pair.a_scale, a_constant),
                  vector_of(pair.b, pair.b_scale, b_constant)};
  return pair;
}

using Operation = Result<Numeric> (*)(Numeric, int, Numeric, int, int);

}  // namespace

TEST_CASE("numeric arithmetic on batches is that of rows, up to the borders") {
  Random random(7);
  const std::vector<std::pair<char, Operation>> operations = {
      {'+', add}, {'-', subtract}, {'*', multiply}, {'/', divide}, {'%', modulo}};
  int failed = 0;
  for (int round = 0; round < 20'000; ++round) {
    const Pair pair = any_pair(random);
    const auto& [op, rule] = operations[below(random, operations.size())];
    const int larger = std::max(pair.a_scale, pair.b_scale);
    const int exact = pair.a_scale + pair.b_scale;
    const int scale = op == '*' ? std::min(exact, std::max(24, larger)) : larger;
    const SqlType type = numeric_type(scale);
    const auto one = [&, rule = rule](Numeric a, Numeric b) -> Result<std::string> {
      return decimal(TRY(rule(a, pair.a_scale, b, pair.b_scale, scale))).ToString(scale);
    };
    const std::string expected = by_rows(pair.a, pair.b, pair.rows, one);
    const Kernel kernel = numeric_arithmetic_kernel(op, pair.a_type, pair.b_type, type);
    INFO(fmt::format("round {}: scales {} {} {}", round, pair.a_scale, op, pair.b_scale));
    REQUIRE(by_batch(kernel, pair.vectors, pair.rows) == expected);
    failed += expected.find("overflow") != std::string::npos ? 1 : 0;
  }
  CHECK(failed > 1000);  // the borders were crossed
}

TEST_CASE("numeric comparison of batches is that of rows, up to the borders") {
  Random random(11);
  for (int round = 0; round < 20'000; ++round) {
    const Pair pair = any_pair(random);
    const auto comparison = static_cast<Comparison>(below(random, 6));
    const auto one = [&](Numeric a, Numeric b) -> Result<std::string> {
      return std::string(holds(comparison, compare(a, pair.a_scale, b, pair.b_scale)) ? "true"
                                                                                      : "false");
    };
    const Kernel kernel = numeric_comparison_kernel(comparison, pair.a_type, pair.b_type);
    INFO(fmt::format("round {}: scales {} {}", round, pair.a_scale, pair.b_scale));
    REQUIRE(by_batch(kernel, pair.vectors, pair.rows) == by_rows(pair.a, pair.b, pair.rows, one));
  }
}

TEST_CASE("what stands where a row is NULL changes no answer") {
  // -2^127 has no positive twin; 10^38 and more are no numerics.
  const auto garbage = static_cast<Int128>(static_cast<unsigned __int128>(1) << 127);
  const std::vector<Int128> digits = {5, garbage, 7};
  const std::uint8_t valid[] = {0b101};
  const auto bits = arrow::Buffer::Wrap(valid, 1);
  const auto column = arrow::MakeArray(
      arrow::ArrayData::Make(arrow::decimal128(10, 2), 3, {bits, arrow::Buffer::Wrap(digits)}, 1));
  const SqlType type = numeric_type(2, 10);
  const std::vector<Vector> twice = {{column}, {column}};
  CHECK(by_batch(numeric_arithmetic_kernel('+', type, type, numeric_type(2)), twice, 3) ==
        "0.10 NULL 0.14 ");
  CHECK(by_batch(numeric_arithmetic_kernel('*', type, type, numeric_type(4)), twice, 3) ==
        "0.0025 NULL 0.0049 ");
  CHECK(by_batch(numeric_comparison_kernel(Comparison::equal, type, type), twice, 3) ==
        "true NULL true ");
}

TEST_CASE("a numeric ends where its text ends, whatever stands behind it in memory") {
  const std::string rows = "1e+5";
  CHECK_FALSE(parse_numeric(std::string_view(rows).substr(0, 2)));
  CHECK(parse_numeric(rows)->value.digits == 100'000);
  for (const char* text : {"1e", "1e+", "1e-", "1e+-5", "1e--5"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_numeric(text));
  }
}
