#include "runtime/functions/arithmetic.hpp"
#include "runtime/functions/cast.hpp"
#include "runtime/functions/function.hpp"
#include "runtime/values/numeric.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cmath>

namespace troupe {

namespace {

constexpr SqlKind int2 = SqlKind::int2, int4 = SqlKind::int4, int8 = SqlKind::int8,
                  numeric = SqlKind::numeric, float4 = SqlKind::float4, float8 = SqlKind::float8;

Error invalid(const char* message) { return Error{ErrorCode::invalid_argument, message}; }

template <auto function, class Out, class... In>
Result<Kernel> plain(const Signature& signature) {
  return strict<Out, In...>(signature.result, function);
}

Result<SqlType> same_digits(const std::vector<NodePtr>& arguments) { return arguments[0]->type(); }

Result<SqlType> whole_digits(const std::vector<NodePtr>&) { return numeric_type(0); }

template <class T>
Result<T> absolute(T value) {
  if constexpr (std::is_integral_v<T>) {
    if (value == std::numeric_limits<T>::min()) {
      return invalid(sizeof(T) == 8   ? "bigint out of range"
                     : sizeof(T) == 4 ? "integer out of range"
                                      : "smallint out of range");
    }
    return static_cast<T>(value < 0 ? -value : value);
  } else {
    return std::fabs(value);
  }
}

Numeric absolute_numeric(Numeric value) {
  return Numeric{value.digits < 0 ? -value.digits : value.digits};
}

std::int64_t hash_number_seeded(std::int64_t value, std::int64_t seed) {
  return static_cast<std::int64_t>(XXH64(&value, sizeof value, static_cast<XXH64_hash_t>(seed)));
}
std::int64_t hash_number(std::int64_t value) { return hash_number_seeded(value, hash_seed); }

double sign_of(double value) { return value > 0 ? 1 : (value < 0 ? -1 : 0); }
Numeric numeric_sign(Numeric value) {
  return Numeric{value.digits > 0 ? 1 : (value.digits < 0 ? -1 : 0)};
}

// --- rounding -----------------------------------------------------------------------------------

enum class Rounding { nearest, down, up, toward_zero };

Result<Numeric> rounded(Numeric value, int from, int to, Rounding how) {
  const Numeric near = TRY(rescale(value, from, std::min(to, from)));
  if (to >= from || how == Rounding::nearest) return rescale(near, std::min(to, from), to);
  const Int128 unit = power_of_ten(from - to);
  Int128 whole = value.digits / unit;
  const Int128 rest = value.digits % unit;
  if (how == Rounding::down && rest < 0) --whole;
  if (how == Rounding::up && rest > 0) ++whole;
  return Numeric{whole};
}

template <Rounding how>
Result<Kernel> round_whole(const Signature& signature) {
  const int scale = signature.type(0).scale;
  return strict<Numeric, Numeric>(signature.result,
                                  [scale](Numeric value) { return rounded(value, scale, 0, how); });
}

/// The digits of round(x, n): a constant decides the scale of the result.
Result<int> digits_of(const NodePtr& argument) {
  const ConstantNode* constant = as_constant(argument);
  if (!constant || constant->is_null()) {
    Error error{ErrorCode::unsupported, "the number of digits must be a constant"};
    error.span = argument->span();
    return error;
  }
  return std::clamp(ValueLane<std::int32_t>({constant->value(), true})[0], -numeric_digits_max,
                    numeric_digits_max);
}

Result<SqlType> digits_result(const std::vector<NodePtr>& arguments) {
  return numeric_type(std::max(TRY(digits_of(arguments[1])), 0));
}

template <Rounding how>
Result<Kernel> round_digits(const Signature& signature) {
  const int scale = signature.type(0).scale;
  const int digits = TRY(digits_of(signature.arguments[1]));
  return strict<Numeric, Numeric, std::int32_t>(
      signature.result, [scale, digits](Numeric value, std::int32_t) -> Result<Numeric> {
        if (digits >= 0) return rounded(value, scale, digits, how);
        // Before the point: as a numeric of a smaller unit, and back.
        const int unit = -digits;
        if (scale + unit > numeric_digits_max) return Numeric{0};
        const Numeric whole = TRY(rounded(value, scale + unit, 0, how));
        return multiply(whole, 0, Numeric{power_of_ten(unit)}, 0, 0);
      });
}

double nearest(double value) { return std::rint(value); }
double floor_of(double value) { return std::floor(value); }
double ceil_of(double value) { return std::ceil(value); }
double trunc_of(double value) { return std::trunc(value); }

// --- functions of doubles -----------------------------------------------------------------------

Result<double> square_root(double value) {
  if (value < 0) return invalid("cannot take square root of a negative number");
  return std::sqrt(value);
}
double cube_root(double value) { return std::cbrt(value); }

Result<double> exponential(double value) { return in_range(std::exp(value), std::isfinite(value)); }

Result<> check_logarithm(double value) {
  if (value == 0) return invalid("cannot take logarithm of zero");
  if (value < 0) return invalid("cannot take logarithm of a negative number");
  return {};
}

Result<double> natural_logarithm(double value) {
  TRY(check_logarithm(value));
  return std::log(value);
}
Result<double> decimal_logarithm(double value) {
  TRY(check_logarithm(value));
  return std::log10(value);
}
Result<double> logarithm(double base, double value) {
  TRY(check_logarithm(base));
  TRY(check_logarithm(value));
  if (base == 1) return invalid("division by zero");
  return std::log(value) / std::log(base);
}

Result<double> sine(double value) {
  if (std::isinf(value)) return invalid("input is out of range");
  return std::sin(value);
}
Result<double> cosine(double value) {
  if (std::isinf(value)) return invalid("input is out of range");
  return std::cos(value);
}
Result<double> tangent(double value) {
  if (std::isinf(value)) return invalid("input is out of range");
  return std::tan(value);
}
Result<double> arc_sine(double value) {
  if (value < -1 || value > 1) return invalid("input is out of range");
  return std::asin(value);
}
Result<double> arc_cosine(double value) {
  if (value < -1 || value > 1) return invalid("input is out of range");
  return std::acos(value);
}
double arc_tangent(double value) { return std::atan(value); }
double arc_tangent2(double y, double x) { return std::atan2(y, x); }
constexpr double radians_per_degree = 0.0174532925199432957692;
Result<double> degrees_of(double value) {
  return in_range(value / radians_per_degree, std::isfinite(value), value == 0);
}
Result<double> radians_of(double value) {
  return in_range(value * radians_per_degree, std::isfinite(value), value == 0);
}
double pi() { return M_PI; }

/// mod(a, b) and div(a, b) are the operators by another name.
template <char op, SqlKind kind>
Result<Kernel> operator_kernel(const Signature& signature) {
  return arithmetic_kernel(op, signature.type(0), signature.type(1), signature.result);
}

Result<SqlType> modulo_digits(const std::vector<NodePtr>& arguments) {
  return numeric_result('%', arguments[0]->type(), arguments[1]->type());
}

Result<Kernel> quotient_kernel(const Signature& signature) {
  const int a = signature.type(0).scale, b = signature.type(1).scale;
  return strict<Numeric, Numeric, Numeric>(
      signature.result, [a, b](Numeric left, Numeric right) -> Result<Numeric> {
        const int scale = std::max(a, b);
        const Numeric rest = TRY(modulo(left, a, right, b, scale));
        return divide(TRY(subtract(left, a, rest, scale, scale)), scale, right, b, 0);
      });
}

}  // namespace

std::vector<FunctionEntry> number_functions() {
  using Double = double;
  using Long = std::int64_t;
  return {
      {"abs",
       {int2},
       int2,
       "without its sign",
       plain<absolute<std::int16_t>, std::int16_t, std::int16_t>,
       true},
      {"abs",
       {int4},
       int4,
       "without its sign",
       plain<absolute<std::int32_t>, std::int32_t, std::int32_t>,
       true},
      {"abs",
       {int8},
       int8,
       "without its sign",
       plain<absolute<std::int64_t>, std::int64_t, std::int64_t>,
       true},
      {"abs",
       {numeric},
       numeric,
       "without its sign",
       plain<absolute_numeric, Numeric, Numeric>,
       false,
       false,
       same_digits},
      {"abs", {float4}, float4, "without its sign", plain<absolute<float>, float, float>},
      {"abs", {float8}, float8, "without its sign", plain<absolute<double>, Double, Double>},
      {"sign",
       {numeric},
       numeric,
       "-1, 0 or 1",
       plain<numeric_sign, Numeric, Numeric>,
       false,
       false,
       whole_digits},
      {"sign", {float8}, float8, "-1, 0 or 1", plain<sign_of, Double, Double>},
      {"round",
       {numeric},
       numeric,
       "to the nearest integer, halves away from zero",
       round_whole<Rounding::nearest>,
       true,
       false,
       whole_digits},
      {"round",
       {float8},
       float8,
       "to the nearest integer, halves to even",
       plain<nearest, Double, Double>},
      {"round",
       {numeric, int4},
       numeric,
       "to n digits behind the point, n a constant",
       round_digits<Rounding::nearest>,
       true,
       false,
       digits_result},
      {"trunc",
       {numeric},
       numeric,
       "toward zero",
       round_whole<Rounding::toward_zero>,
       true,
       false,
       whole_digits},
      {"trunc", {float8}, float8, "toward zero", plain<trunc_of, Double, Double>},
      {"trunc",
       {numeric, int4},
       numeric,
       "toward zero with n digits, n a constant",
       round_digits<Rounding::toward_zero>,
       true,
       false,
       digits_result},
      {"ceil",
       {numeric},
       numeric,
       "the next integer up",
       round_whole<Rounding::up>,
       true,
       false,
       whole_digits},
      {"ceil", {float8}, float8, "the next integer up", plain<ceil_of, Double, Double>},
      {"ceiling",
       {numeric},
       numeric,
       "as ceil",
       round_whole<Rounding::up>,
       true,
       false,
       whole_digits},
      {"ceiling", {float8}, float8, "as ceil", plain<ceil_of, Double, Double>},
      {"floor",
       {numeric},
       numeric,
       "the next integer down",
       round_whole<Rounding::down>,
       true,
       false,
       whole_digits},
      {"floor", {float8}, float8, "the next integer down", plain<floor_of, Double, Double>},
      {"mod",
       {int2, int2},
       int2,
       "the remainder, with the sign of the first",
       operator_kernel<'%', int2>,
       true},
      {"mod", {int4, int4}, int4, "the remainder", operator_kernel<'%', int4>, true},
      {"mod", {int8, int8}, int8, "the remainder", operator_kernel<'%', int8>, true},
      {"mod",
       {numeric, numeric},
       numeric,
       "the remainder",
       operator_kernel<'%', numeric>,
       true,
       false,
       modulo_digits},
      {"div",
       {numeric, numeric},
       numeric,
       "the quotient without its fraction",
       quotient_kernel,
       true,
       false,
       whole_digits},
      {"sqrt",
       {float8},
       float8,
       "the square root; of a numeric too",
       plain<square_root, Double, Double>,
       true},
      {"cbrt", {float8}, float8, "the cube root", plain<cube_root, Double, Double>},
      {"power",
       {float8, float8},
       float8,
       "x to the power of y; of a numeric too",
       plain<power, Double, Double, Double>,
       true},
      {"pow",
       {float8, float8},
       float8,
       "as power; of a numeric too",
       plain<power, Double, Double, Double>,
       true},
      {"exp",
       {float8},
       float8,
       "e to the power of x; of a numeric too",
       plain<exponential, Double, Double>,
       true},
      {"ln",
       {float8},
       float8,
       "the natural logarithm; of a numeric too",
       plain<natural_logarithm, Double, Double>,
       true},
      {"log",
       {float8},
       float8,
       "the logarithm to base 10; of a numeric too",
       plain<decimal_logarithm, Double, Double>,
       true},
      {"log10",
       {float8},
       float8,
       "the logarithm to base 10; of a numeric too",
       plain<decimal_logarithm, Double, Double>,
       true},
      {"log",
       {float8, float8},
       float8,
       "the logarithm of y to base x; of a numeric too",
       plain<logarithm, Double, Double, Double>,
       true},
      {"sin", {float8}, float8, "the sine", plain<sine, Double, Double>, true},
      {"cos", {float8}, float8, "the cosine", plain<cosine, Double, Double>, true},
      {"tan", {float8}, float8, "the tangent", plain<tangent, Double, Double>, true},
      {"asin", {float8}, float8, "the inverse sine", plain<arc_sine, Double, Double>, true},
      {"acos", {float8}, float8, "the inverse cosine", plain<arc_cosine, Double, Double>, true},
      {"atan", {float8}, float8, "the inverse tangent", plain<arc_tangent, Double, Double>},
      {"atan2",
       {float8, float8},
       float8,
       "the inverse tangent of y/x",
       plain<arc_tangent2, Double, Double, Double>},
      {"degrees", {float8}, float8, "radians as degrees", plain<degrees_of, Double, Double>, true},
      {"radians", {float8}, float8, "degrees as radians", plain<radians_of, Double, Double>, true},
      {"pi", {}, float8, "3.14159...", plain<pi, Double>},
      {"hash64",
       {int8},
       int8,
       "XXH64 of its 8 bytes, with seed 42: the same everywhere and for ever; not in PostgreSQL",
       plain<hash_number, Long, Long>},
      {"hash64",
       {int8, int8},
       int8,
       "the same with a seed of one's own",
       plain<hash_number_seeded, Long, Long, Long>},
  };
}

}  // namespace troupe
