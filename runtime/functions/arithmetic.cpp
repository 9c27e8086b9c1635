#include "runtime/functions/arithmetic.hpp"

#include "runtime/functions/numeric_kernels.hpp"
#include "runtime/functions/validity.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace troupe {

namespace {

Error out_of_range(const SqlType& type) {
  return make_error(ErrorCode::invalid_argument, "{} out of range", to_string(type));
}

// Each operation computes all rows, those that are NULL included, and tells whether any result is
// wrong. Only if one is, the rows are checked one by one.

struct Add {
  template <class T>
  static bool wrong(T a, T b, T* result) {
    if constexpr (std::is_integral_v<T>) {
      return __builtin_add_overflow(a, b, result);
    } else {
      *result = a + b;
      return std::isinf(*result) && !std::isinf(a) && !std::isinf(b);
    }
  }
};

struct Subtract {
  template <class T>
  static bool wrong(T a, T b, T* result) {
    if constexpr (std::is_integral_v<T>) {
      return __builtin_sub_overflow(a, b, result);
    } else {
      *result = a - b;
      return std::isinf(*result) && !std::isinf(a) && !std::isinf(b);
    }
  }
};

struct Multiply {
  template <class T>
  static bool wrong(T a, T b, T* result) {
    if constexpr (std::is_integral_v<T>) {
      return __builtin_mul_overflow(a, b, result);
    } else {
      *result = a * b;
      const bool lost = *result == 0 && a != 0 && b != 0;
      return lost || (std::isinf(*result) && !std::isinf(a) && !std::isinf(b));
    }
  }
};

struct Divide {
  template <class T>
  static bool wrong(T a, T b, T* result) {
    if constexpr (std::is_integral_v<T>) {
      const bool bad = b == 0 || (b == -1 && a == std::numeric_limits<T>::min());
      *result = bad ? T{0} : static_cast<T>(a / b);
      return bad;
    } else {
      *result = a / b;
      const bool lost = *result == 0 && a != 0 && !std::isinf(b);
      return (b == 0 && !std::isnan(a)) || lost || (std::isinf(*result) && !std::isinf(a));
    }
  }
};

struct Modulo {
  template <class T>
  static bool wrong(T a, T b, T* result) {
    *result = b == 0 || b == -1 ? T{0} : static_cast<T>(a % b);
    return b == 0;
  }
};

template <class T>
const T* values_of(const Vector& vector) {
  return vector.values->data()->GetValues<T>(1);
}

template <class Op, class T>
bool compute_all(const Vector& a, const Vector& b, std::int64_t rows, T* out) {
  const T* left = values_of<T>(a);
  const T* right = values_of<T>(b);
  bool wrong = false;
  if (a.constant) {
    const T same = *left;
    for (std::int64_t i = 0; i < rows; ++i)
      wrong |= Op::wrong(same, right[b.constant ? 0 : i], out + i);
  } else if (b.constant) {
    const T same = *right;
    for (std::int64_t i = 0; i < rows; ++i) wrong |= Op::wrong(left[i], same, out + i);
  } else {
    for (std::int64_t i = 0; i < rows; ++i) wrong |= Op::wrong(left[i], right[i], out + i);
  }
  return wrong;
}

template <class Op, class T>
Result<> explain(const Vector& a, const Vector& b, std::int64_t rows, const SqlType& type) {
  const ValueLane<T> left(a), right(b);
  for (std::int64_t i = 0; i < rows; ++i) {
    T ignored;
    if (!left.valid(i) || !right.valid(i) || !Op::wrong(left[i], right[i], &ignored)) continue;
    const bool divides = std::is_same_v<Op, Divide> || std::is_same_v<Op, Modulo>;
    if (divides && right[i] == 0)
      return make_error(ErrorCode::invalid_argument, "division by zero");
    if constexpr (std::is_floating_point_v<T>) {
      return make_error(ErrorCode::invalid_argument, "value out of range: {}",
                        ignored == 0 ? "underflow" : "overflow");
    }
    return out_of_range(type);
  }
  return {};
}

template <class Op, class T>
Kernel real_kernel(const SqlType& type) {
  return [type](const std::vector<Vector>& arguments, std::int64_t rows) -> Result<Vector> {
    const Vector& a = arguments[0];
    const Vector& b = arguments[1];
    ValueOutput<T> out;
    TRY(out.allocate(rows));
    if (compute_all<Op, T>(a, b, rows, out.data())) TRY((explain<Op, T>(a, b, rows, type)));
    auto valid = TRY(both_valid(a, b, rows));
    return Vector{TRY(out.finish(arrow_type(type), std::move(valid)))};
  };
}

template <class Op>
Kernel real_kernel_of_kind(const SqlType& type) {
  switch (type.kind) {
    case SqlKind::int2:
      return real_kernel<Op, std::int16_t>(type);
    case SqlKind::int4:
      return real_kernel<Op, std::int32_t>(type);
    case SqlKind::int8:
      return real_kernel<Op, std::int64_t>(type);
    case SqlKind::float4:
      if constexpr (!std::is_same_v<Op, Modulo>) return real_kernel<Op, float>(type);
      break;
    default:
      if constexpr (!std::is_same_v<Op, Modulo>) return real_kernel<Op, double>(type);
  }
  return nullptr;
}

}  // namespace

Kernel arithmetic_kernel(char op, const SqlType& a, const SqlType& b, const SqlType& result) {
  if (result.kind == SqlKind::numeric) {
    return numeric_arithmetic_kernel(op, a, b, result);
  }
  switch (op) {
    case '+':
      return real_kernel_of_kind<Add>(result);
    case '-':
      return real_kernel_of_kind<Subtract>(result);
    case '*':
      return real_kernel_of_kind<Multiply>(result);
    case '/':
      return real_kernel_of_kind<Divide>(result);
    default:
      return real_kernel_of_kind<Modulo>(result);
  }
}

Result<double> in_range(double result, bool was_finite, bool was_zero) {
  if (std::isinf(result) && was_finite) {
    return make_error(ErrorCode::invalid_argument, "value out of range: overflow");
  }
  if (result == 0 && was_finite && !was_zero) {
    return make_error(ErrorCode::invalid_argument, "value out of range: underflow");
  }
  return result;
}

Result<double> power(double base, double exponent) {
  const bool numbers = !std::isnan(base) && !std::isnan(exponent);
  if (base == 0 && exponent < 0) {
    return make_error(ErrorCode::invalid_argument, "zero raised to a negative power is undefined");
  }
  if (numbers && base < 0 && exponent != std::floor(exponent)) {
    return make_error(ErrorCode::invalid_argument,
                      "a negative number raised to a non-integer power yields a complex result");
  }
  const bool finite = std::isfinite(base) && std::isfinite(exponent);
  return in_range(std::pow(base, exponent), finite, base == 0);
}

SqlType numeric_result(char op, const SqlType& a, const SqlType& b) {
  const int larger = std::max(a.scale, b.scale);
  if (op == '*') {
    const int exact = a.scale + b.scale;
    return numeric_type(std::min(exact, std::max(product_scale_max, larger)));
  }
  return numeric_type(op == '/' ? std::max(quotient_scale_min, larger) : larger);
}

}  // namespace troupe
