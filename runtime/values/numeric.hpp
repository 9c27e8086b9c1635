#pragma once

#include "runtime/base/result.hpp"
#include "runtime/values/vector.hpp"

#include <string>
#include <string_view>

namespace troupe {

/// 10^n for n in [0, 38].
Int128 power_of_ten(int n);

/// `digits` at another scale, rounded half away from zero. Fails if it would need more than
/// `precision` digits ("numeric field overflow").
Result<Numeric> rescale(Numeric value, int from_scale, int to_scale, int precision = 38);

/// Exact, or rounded half away from zero if the result's scale is too small for the exact result.
/// More than 38 digits is an error.
Result<Numeric> add(Numeric a, int a_scale, Numeric b, int b_scale, int scale);
Result<Numeric> subtract(Numeric a, int a_scale, Numeric b, int b_scale, int scale);
Result<Numeric> multiply(Numeric a, int a_scale, Numeric b, int b_scale, int scale);
Result<Numeric> divide(Numeric a, int a_scale, Numeric b, int b_scale, int scale);
Result<Numeric> modulo(Numeric a, int a_scale, Numeric b, int b_scale, int scale);

/// Negative, zero or positive as a is less than, equal to or greater than b.
int compare(Numeric a, int a_scale, Numeric b, int b_scale);

/// The nearest double.
double to_double(Numeric value, int scale);
/// Takes so many significant digits of the value and rounds to the scale. PostgreSQL takes 15 of a
/// double and 6 of a float.
Result<Numeric> numeric_of(double value, int significant, int scale, int precision);

struct ParsedNumeric {
  Numeric value;
  int scale = 0;
};
/// "-12.50" has scale 2, "1e3" scale 0.
Result<ParsedNumeric> parse_numeric(std::string_view text);
std::string format_numeric(Numeric value, int scale);

}  // namespace troupe
