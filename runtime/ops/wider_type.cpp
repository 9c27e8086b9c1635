#include "runtime/ops/wider_type.hpp"

#include "runtime/data/arrow_result.hpp"
#include "runtime/data/take.hpp"

#include <arrow/compute/api.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>

#include <algorithm>

namespace troupe {

namespace {

constexpr int decimal_digits_max = 38;
/// A double holds all integers of so many bits.
constexpr int exact_bits_max = 32;

bool is_exact(const arrow::DataType& type) { return type.id() == arrow::Type::DECIMAL128; }
bool is_float(const arrow::DataType& type) {
  return type.id() == arrow::Type::FLOAT || type.id() == arrow::Type::DOUBLE;
}

/// The digits before the point that values of an integer or decimal type can have, and behind it.
struct Digits {
  int whole = 0;
  int scale = 0;
};

Digits digits_of(const arrow::DataType& type) {
  if (is_exact(type)) {
    const auto& decimal = static_cast<const arrow::DecimalType&>(type);
    return {decimal.precision() - decimal.scale(), decimal.scale()};
  }
  switch (type.bit_width()) {
    case 8:
      return {3, 0};
    case 16:
      return {5, 0};
    case 32:
      return {10, 0};
    default:
      return {type.id() == arrow::Type::UINT64 ? 20 : 19, 0};
  }
}

std::shared_ptr<arrow::DataType> decimal_of(const arrow::DataType& a, const arrow::DataType& b) {
  const Digits x = digits_of(a), y = digits_of(b);
  const int scale = std::max(x.scale, y.scale);
  return arrow::decimal128(std::min(std::max(x.whole, y.whole) + scale, decimal_digits_max), scale);
}

/// The signed integer of so many bits at least.
std::shared_ptr<arrow::DataType> integer_of(int bits) {
  if (bits <= 16) return arrow::int16();
  return bits <= 32 ? arrow::int32() : arrow::int64();
}

std::shared_ptr<arrow::DataType> wider_integer(const std::shared_ptr<arrow::DataType>& a,
                                               const std::shared_ptr<arrow::DataType>& b) {
  const bool a_signed = arrow::is_signed_integer(a->id());
  const bool b_signed = arrow::is_signed_integer(b->id());
  if (a_signed == b_signed) return a->bit_width() >= b->bit_width() ? a : b;
  const auto& with_sign = a_signed ? *a : *b;
  const auto& without = a_signed ? *b : *a;
  if (without.bit_width() == 64) return decimal_of(*a, *b);
  return integer_of(std::max(with_sign.bit_width(), 2 * without.bit_width()));
}

}  // namespace

std::shared_ptr<arrow::DataType> wider_type(const std::shared_ptr<arrow::DataType>& a,
                                            const std::shared_ptr<arrow::DataType>& b) {
  if (a->Equals(*b)) return a;
  const bool a_integer = arrow::is_integer(a->id()), b_integer = arrow::is_integer(b->id());
  if (a_integer && b_integer) return wider_integer(a, b);
  if ((a_integer || is_exact(*a)) && (b_integer || is_exact(*b))) return decimal_of(*a, *b);
  if (is_float(*a) && is_float(*b)) return arrow::float64();
  const auto& other = is_float(*a) ? *b : *a;
  const bool exact = arrow::is_integer(other.id()) && other.bit_width() <= exact_bits_max;
  return (is_float(*a) || is_float(*b)) && exact ? arrow::float64() : nullptr;
}

Result<std::shared_ptr<arrow::Array>> widened(const std::shared_ptr<arrow::Array>& values,
                                              const std::shared_ptr<arrow::DataType>& type,
                                              std::string_view column) {
  if (values->type()->Equals(*type)) return values;
  const auto decoded = TRY(plain(values));
  const auto cast = arrow::compute::Cast(*decoded, type, arrow::compute::CastOptions::Safe());
  if (cast.ok()) return *cast;
  return make_error(ErrorCode::invalid_argument, "column '{}': a value does not fit into {}: {}",
                    column, type->ToString(), cast.status().message());
}

}  // namespace troupe
