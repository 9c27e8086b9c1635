#include "runtime/formats/scalar_order.hpp"

#include "runtime/formats/time_units.hpp"

#include <arrow/buffer.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include <cmath>
#include <string_view>

namespace troupe {
namespace {

using Wide = __int128;

template <class T>
int order(const T& a, const T& b) {
  return a < b ? -1 : b < a ? 1 : 0;
}

std::optional<Wide> whole_number(const arrow::Scalar& value) {
  switch (value.type->id()) {
    case arrow::Type::BOOL:
      return static_cast<const arrow::BooleanScalar&>(value).value;
    case arrow::Type::INT8:
      return static_cast<const arrow::Int8Scalar&>(value).value;
    case arrow::Type::INT16:
      return static_cast<const arrow::Int16Scalar&>(value).value;
    case arrow::Type::INT32:
      return static_cast<const arrow::Int32Scalar&>(value).value;
    case arrow::Type::INT64:
      return static_cast<const arrow::Int64Scalar&>(value).value;
    case arrow::Type::UINT8:
      return static_cast<const arrow::UInt8Scalar&>(value).value;
    case arrow::Type::UINT16:
      return static_cast<const arrow::UInt16Scalar&>(value).value;
    case arrow::Type::UINT32:
      return static_cast<const arrow::UInt32Scalar&>(value).value;
    case arrow::Type::UINT64:
      return static_cast<const arrow::UInt64Scalar&>(value).value;
    default:
      return std::nullopt;
  }
}

std::optional<double> floating(const arrow::Scalar& value) {
  if (value.type->id() == arrow::Type::FLOAT) {
    return static_cast<const arrow::FloatScalar&>(value).value;
  }
  if (value.type->id() == arrow::Type::DOUBLE) {
    return static_cast<const arrow::DoubleScalar&>(value).value;
  }
  return std::nullopt;
}

/// A point on the time line, in nanoseconds; zoned and local times are two lines.
struct Moment {
  Wide nanoseconds;
  bool zoned;
};

std::optional<Moment> moment(const arrow::Scalar& value) {
  constexpr Wide day = units_of_day(arrow::TimeUnit::NANO);
  if (value.type->id() == arrow::Type::DATE32) {
    return Moment{static_cast<const arrow::Date32Scalar&>(value).value * day, false};
  }
  if (value.type->id() == arrow::Type::TIMESTAMP) {
    const auto& type = static_cast<const arrow::TimestampType&>(*value.type);
    const Wide count = static_cast<const arrow::TimestampScalar&>(value).value;
    return Moment{count * nanoseconds_in(type.unit()), !type.timezone().empty()};
  }
  return std::nullopt;
}

std::optional<arrow::Decimal256> decimal(const arrow::Scalar& value, std::int32_t scale) {
  if (value.type->id() != arrow::Type::DECIMAL128) return std::nullopt;
  const auto& type = static_cast<const arrow::Decimal128Type&>(*value.type);
  const arrow::Decimal256 wide(static_cast<const arrow::Decimal128Scalar&>(value).value);
  const auto scaled = wide.Rescale(type.scale(), scale);
  return scaled.ok() ? std::optional(*scaled) : std::nullopt;
}

std::optional<arrow::Decimal256> as_decimal(const arrow::Scalar& value, std::int32_t scale) {
  if (const auto number = whole_number(value)) {
    const arrow::Decimal128 narrow(static_cast<std::int64_t>(*number >> 64),
                                   static_cast<std::uint64_t>(*number));
    const auto scaled = arrow::Decimal256(narrow).Rescale(0, scale);
    return scaled.ok() ? std::optional(*scaled) : std::nullopt;
  }
  return decimal(value, scale);
}

std::optional<int> decimal_order(const arrow::Scalar& a, const arrow::Scalar& b) {
  const auto scale_of = [](const arrow::Scalar& value) {
    return value.type->id() == arrow::Type::DECIMAL128
               ? static_cast<const arrow::Decimal128Type&>(*value.type).scale()
               : 0;
  };
  const std::int32_t scale = std::max(scale_of(a), scale_of(b));
  const auto left = as_decimal(a, scale);
  const auto right = as_decimal(b, scale);
  if (!left || !right) return std::nullopt;
  return order(*left, *right);
}

std::optional<int> floating_order(const arrow::Scalar& a, const arrow::Scalar& b) {
  // 64 bits of mantissa hold every int64 and every double.
  const auto number = [](const arrow::Scalar& value) -> std::optional<long double> {
    if (const auto real = floating(value)) return *real;
    if (const auto whole = whole_number(value)) return static_cast<long double>(*whole);
    return std::nullopt;
  };
  const auto left = number(a);
  const auto right = number(b);
  if (!left || !right || std::isnan(*left) || std::isnan(*right)) return std::nullopt;
  return order(*left, *right);
}

std::string_view bytes_of(const arrow::Scalar& value) {
  return static_cast<const arrow::BaseBinaryScalar&>(value).view();
}

}  // namespace

std::optional<int> scalar_order(const arrow::Scalar& a, const arrow::Scalar& b) {
  if (!a.is_valid || !b.is_valid) return std::nullopt;
  if (arrow::is_base_binary_like(a.type->id()) && arrow::is_base_binary_like(b.type->id())) {
    return order(bytes_of(a), bytes_of(b));
  }
  const auto left_time = moment(a);
  const auto right_time = moment(b);
  if (left_time && right_time && left_time->zoned == right_time->zoned) {
    return order(left_time->nanoseconds, right_time->nanoseconds);
  }
  const auto left = whole_number(a);
  const auto right = whole_number(b);
  if (left && right) return order(*left, *right);
  if (floating(a) || floating(b)) return floating_order(a, b);
  return decimal_order(a, b);
}

}  // namespace troupe
