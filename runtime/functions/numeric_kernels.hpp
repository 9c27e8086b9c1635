#pragma once

#include "runtime/functions/kernel.hpp"
#include "runtime/values/comparison_kind.hpp"

namespace troupe {

// A column of a type with at most 18 digits has no value of more: what reads or casts sees to it.

/// The kernel of `a <op> b` for + - * / % on numerics; the result has the scale of `result`,
/// rounded half away from zero, and more than 38 digits are an error.
Kernel numeric_arithmetic_kernel(char op, const SqlType& a, const SqlType& b,
                                 const SqlType& result);

/// `a <comparison> b` for numerics of any scales.
Kernel numeric_comparison_kernel(Comparison comparison, const SqlType& a, const SqlType& b);

/// An integer column as a numeric that has room for all its values.
template <class Integer>
Kernel exact_numeric_kernel(const SqlType& to);

}  // namespace troupe
