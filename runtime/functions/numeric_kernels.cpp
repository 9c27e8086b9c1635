// Arithmetic and comparison of numerics, a batch at once. Each has one way that checks every row,
// by values/numeric.hpp, which defines the right results. Faster ways, in 64 bits or in 128, are
// for batches whose values are so small that no result can have more than 38 digits.
#include "runtime/functions/numeric_kernels.hpp"

#include "runtime/functions/comparison.hpp"
#include "runtime/functions/numeric_lane.hpp"
#include "runtime/functions/validity.hpp"
#include "runtime/values/numeric.hpp"

#include <algorithm>

namespace troupe {

namespace {

/// The least number of more than 38 digits.
const auto too_far = static_cast<Size128>(power_of_ten(numeric_digits_max));

using NumericOperation = Result<Numeric> (*)(Numeric, int, Numeric, int, int);

NumericOperation numeric_operation(char op) {
  switch (op) {
    case '+':
      return add;
    case '-':
      return subtract;
    case '*':
      return multiply;
    case '/':
      return divide;
    default:
      return modulo;
  }
}

/// Two arguments of one batch.
struct Sides {
  const Vector& a;
  const Vector& b;
  const SqlType& a_type;
  const SqlType& b_type;
  std::int64_t rows;

  NumericLane left() const { return NumericLane(a, a_type, rows); }
  NumericLane right() const { return NumericLane(b, b_type, rows); }
};

/// `value(row)` for every row; NULL where an argument is.
template <class Value>
Result<Vector> numerics(const SqlType& type, const Sides& sides, Value value) {
  ValueOutput<Numeric> out;
  TRY(out.allocate(sides.rows));
  Numeric* values = out.data();
  for (std::int64_t row = 0; row < sides.rows; ++row) values[row] = Numeric{value(row)};
  auto valid = TRY(both_valid(sides.a, sides.b, sides.rows));
  return Vector{TRY(out.finish(arrow_type(type), std::move(valid)))};
}

/// The factor that brings a scale up to another; nothing if the other is lower.
std::optional<Int128> factor(int from_scale, int to_scale) {
  if (to_scale < from_scale || to_scale - from_scale > numeric_digits_max) return std::nullopt;
  return power_of_ten(to_scale - from_scale);
}

/// a + b or a - b if no result can have more than 38 digits, else nothing.
template <bool subtracts>
Result<std::optional<Vector>> sums(const Sides& sides, const SqlType& type) {
  const auto a_factor = factor(sides.a_type.scale, type.scale);
  const auto b_factor = factor(sides.b_type.scale, type.scale);
  if (!a_factor || !b_factor) return std::nullopt;
  const NumericLane a = sides.left(), b = sides.right();
  const auto a_reach = times(a.reach(), static_cast<Size128>(*a_factor));
  const auto b_reach = times(b.reach(), static_cast<Size128>(*b_factor));
  if (!a_reach || !b_reach || *a_reach >= too_far || *b_reach >= too_far - *a_reach) {
    return std::nullopt;
  }
  if (fits_64(*a_reach + *b_reach)) {
    const auto x = static_cast<std::int64_t>(*a_factor);
    const auto y = static_cast<std::int64_t>(subtracts ? -*b_factor : *b_factor);
    return TRY(numerics(type, sides, [&, x, y](std::int64_t row) -> Int128 {
      return wrapped_sum(wrapped_product(a.narrow(row), x), wrapped_product(b.narrow(row), y));
    }));
  }
  const Int128 x = *a_factor, y = subtracts ? -*b_factor : *b_factor;
  return TRY(numerics(type, sides, [&, x, y](std::int64_t row) {
    return wrapped_sum(wrapped_product(a.wide(row), x), wrapped_product(b.wide(row), y));
  }));
}

/// a * b, likewise; the result keeps all digits of both scales.
Result<std::optional<Vector>> products(const Sides& sides, const SqlType& type) {
  const NumericLane a = sides.left(), b = sides.right();
  const auto reach = times(a.reach(), b.reach());
  if (!reach || *reach >= too_far) return std::nullopt;
  if (fits_64(a.reach()) && fits_64(b.reach())) {
    return TRY(numerics(type, sides, [&](std::int64_t row) {
      return static_cast<Int128>(a.narrow(row)) * b.narrow(row);
    }));
  }
  return TRY(numerics(type, sides,
                      [&](std::int64_t row) { return wrapped_product(a.wide(row), b.wide(row)); }));
}

Result<std::optional<Vector>> unchecked(char op, const Sides& sides, const SqlType& type) {
  if (op == '+') return sums<false>(sides, type);
  if (op == '-') return sums<true>(sides, type);
  if (op == '*' && sides.a_type.scale + sides.b_type.scale == type.scale) {
    return products(sides, type);
  }
  return std::nullopt;
}

template <Comparison comparison, class T>
bool compares(T a, T b) {
  if constexpr (comparison == Comparison::equal) return a == b;
  if constexpr (comparison == Comparison::not_equal) return a != b;
  if constexpr (comparison == Comparison::less) return a < b;
  if constexpr (comparison == Comparison::less_equal) return a <= b;
  if constexpr (comparison == Comparison::greater) return a > b;
  if constexpr (comparison == Comparison::greater_equal) return a >= b;
}

/// A bit for each row.
template <class Value>
Result<Vector> booleans(const Sides& sides, Value value) {
  ValueOutput<bool> out;
  TRY(out.reserve(sides.rows));
  std::uint8_t* bytes = out.bytes();
  const auto bit = [&](std::int64_t row, int place) { return unsigned{value(row)} << place; };
  std::int64_t row = 0;
  for (; row + 8 <= sides.rows; row += 8) {  // spelled out: a loop would shift by a variable
    const unsigned low = bit(row, 0) | bit(row + 1, 1) | bit(row + 2, 2) | bit(row + 3, 3);
    const unsigned high = bit(row + 4, 4) | bit(row + 5, 5) | bit(row + 6, 6) | bit(row + 7, 7);
    bytes[row / 8] = static_cast<std::uint8_t>(low | high);
  }
  for (; row < sides.rows; ++row) arrow::bit_util::SetBitTo(bytes, row, value(row));
  auto valid = TRY(both_valid(sides.a, sides.b, sides.rows));
  return Vector{TRY(out.finish(arrow::boolean(), std::move(valid)))};
}

/// Compares if both sides, at one scale, have at most 127 bits; nothing if they may have more.
template <Comparison comparison>
Result<std::optional<Vector>> comparisons(const Sides& sides, Int128 a_factor, Int128 b_factor) {
  const NumericLane a = sides.left(), b = sides.right();
  const auto a_reach = times(a.reach(), static_cast<Size128>(a_factor));
  const auto b_reach = times(b.reach(), static_cast<Size128>(b_factor));
  constexpr Size128 end = Size128{1} << 127;
  if (!a_reach || !b_reach || *a_reach >= end || *b_reach >= end) return std::nullopt;
  if (!fits_64(*a_reach) || !fits_64(*b_reach)) {
    return TRY(booleans(sides, [&](std::int64_t row) {
      return compares<comparison>(wrapped_product(a.wide(row), a_factor),
                                  wrapped_product(b.wide(row), b_factor));
    }));
  }
  const auto x = static_cast<std::int64_t>(a_factor), y = static_cast<std::int64_t>(b_factor);
  if (b.constant() && x == 1) {  // nearly always: a column and a literal
    return TRY(booleans(sides, [&, same = b.narrow(0) * y](std::int64_t row) {
      return compares<comparison>(a.narrow(row), same);
    }));
  }
  return TRY(booleans(sides, [&, x, y](std::int64_t row) {
    return compares<comparison>(wrapped_product(a.narrow(row), x),
                                wrapped_product(b.narrow(row), y));
  }));
}

using Comparisons = Result<std::optional<Vector>> (*)(const Sides&, Int128, Int128);

Comparisons comparisons_of(Comparison comparison) {
  switch (comparison) {
    case Comparison::equal:
      return comparisons<Comparison::equal>;
    case Comparison::not_equal:
      return comparisons<Comparison::not_equal>;
    case Comparison::less:
      return comparisons<Comparison::less>;
    case Comparison::less_equal:
      return comparisons<Comparison::less_equal>;
    case Comparison::greater:
      return comparisons<Comparison::greater>;
    case Comparison::greater_equal:
      break;
  }
  return comparisons<Comparison::greater_equal>;
}

}  // namespace

Kernel numeric_arithmetic_kernel(char op, const SqlType& a, const SqlType& b,
                                 const SqlType& result) {
  const int a_scale = a.scale, b_scale = b.scale;
  const Kernel each_checked = strict<Numeric, Numeric, Numeric>(
      result,
      [compute = numeric_operation(op), a_scale, b_scale, scale = result.scale](
          Numeric left, Numeric right) { return compute(left, a_scale, right, b_scale, scale); });
  return [=](const std::vector<Vector>& arguments, std::int64_t rows) -> Result<Vector> {
    const Sides sides{arguments[0], arguments[1], a, b, rows};
    if (auto fast = TRY(unchecked(op, sides, result))) return *std::move(fast);
    return each_checked(arguments, rows);
  };
}

Kernel numeric_comparison_kernel(Comparison comparison, const SqlType& a, const SqlType& b) {
  const int a_scale = a.scale, b_scale = b.scale;
  const Kernel each_scaled =
      strict<bool, Numeric, Numeric>(sql(SqlKind::boolean), [=](Numeric left, Numeric right) {
        return holds(comparison, compare(left, a_scale, right, b_scale));
      });
  const int scale = std::max(a_scale, b_scale);
  const auto a_factor = factor(a_scale, scale), b_factor = factor(b_scale, scale);
  return [=, compute = comparisons_of(comparison)](const std::vector<Vector>& arguments,
                                                   std::int64_t rows) -> Result<Vector> {
    const Sides sides{arguments[0], arguments[1], a, b, rows};
    if (a_factor && b_factor) {
      if (auto fast = TRY(compute(sides, *a_factor, *b_factor))) return *std::move(fast);
    }
    return each_scaled(arguments, rows);
  };
}

template <class Integer>
Kernel exact_numeric_kernel(const SqlType& to) {
  const Int128 factor = power_of_ten(to.scale);
  return [=](const std::vector<Vector>& arguments, std::int64_t rows) -> Result<Vector> {
    const Sides sides{arguments[0], arguments[0], to, to, rows};
    const ValueLane<Integer> values(arguments[0]);
    return numerics(to, sides,
                    [&](std::int64_t row) { return wrapped_product(Int128{values[row]}, factor); });
  };
}

template Kernel exact_numeric_kernel<std::int16_t>(const SqlType& to);
template Kernel exact_numeric_kernel<std::int32_t>(const SqlType& to);
template Kernel exact_numeric_kernel<std::int64_t>(const SqlType& to);

}  // namespace troupe
