#pragma once

#include "runtime/functions/node.hpp"

namespace troupe {

/// Digits behind the point that a numeric product keeps: more are rounded off, so that products of
/// quotients stay within 38 digits. Operands with more keep theirs.
inline constexpr int product_scale_max = 24;
/// The least digits behind the point of a numeric quotient.
inline constexpr int quotient_scale_min = 16;

/// The kernel of `a <op> b` for + - * / % on two numbers of one kind. Integers overflow and divide
/// by zero as errors; numeric results have the scale of `result`.
Kernel arithmetic_kernel(char op, const SqlType& a, const SqlType& b, const SqlType& result);

/// `result` of a function of doubles; an error if a finite argument gave an infinite result, or one
/// that was not zero gave zero.
Result<double> in_range(double result, bool was_finite, bool was_zero = false);
/// base ^ exponent.
Result<double> power(double base, double exponent);

/// The scale of `a <op> b` for numerics.
SqlType numeric_result(char op, const SqlType& a, const SqlType& b);

}  // namespace troupe
