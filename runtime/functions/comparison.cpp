#include "runtime/functions/comparison.hpp"

#include "runtime/functions/arrow_call.hpp"
#include "runtime/functions/numeric_kernels.hpp"
#include "runtime/values/calendar.hpp"

#include <arrow/compute/api.h>
#include <arrow/scalar.h>

#include <array>
#include <cmath>

namespace troupe {

namespace {

struct ComparisonName {
  const char* sql;
  const char* arrow;
  Comparison mirrored;
};

constexpr std::array<ComparisonName, 6> names = {{
    {"=", "equal", Comparison::equal},
    {"<>", "not_equal", Comparison::not_equal},
    {"<", "less", Comparison::greater},
    {"<=", "less_equal", Comparison::greater_equal},
    {">", "greater", Comparison::less},
    {">=", "greater_equal", Comparison::less_equal},
}};

const ComparisonName& name_of(Comparison comparison) {
  return names[static_cast<std::size_t>(comparison)];
}

template <class T>
int order(T a, T b) {
  if (a < b) return -1;
  if (a > b) return 1;
  if (a == b) return 0;
  return static_cast<int>(std::isnan(a)) - static_cast<int>(std::isnan(b));
}

template <class T>
bool is_plain_constant(const Vector& vector) {
  return vector.constant && vector.values->IsValid(0) && !std::isnan(ValueLane<T>(vector)[0]);
}

/// Against a number, Arrow's comparison is PostgreSQL's but for NaN on the left, which is greater
/// than any number: so "greater" is "not less or equal".
template <class T>
Kernel float_kernel(Comparison comparison) {
  const SqlType boolean = sql(SqlKind::boolean);
  Kernel general = strict<bool, T, T>(
      boolean, [comparison](T a, T b) { return holds(comparison, order(a, b)); });
  return [comparison, general](const std::vector<Vector>& arguments,
                               std::int64_t rows) -> Result<Vector> {
    if (arguments[0].constant || !is_plain_constant<T>(arguments[1])) {
      return general(arguments, rows);
    }
    if (comparison == Comparison::greater) {
      return call_arrow("invert", {TRY(call_arrow("less_equal", arguments))});
    }
    if (comparison == Comparison::greater_equal) {
      return call_arrow("invert", {TRY(call_arrow("less", arguments))});
    }
    return call_arrow(name_of(comparison).arrow, arguments);
  };
}

}  // namespace

std::optional<Comparison> comparison_of(std::string_view name) {
  if (name == "!=") return Comparison::not_equal;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (name == names[i].sql) return static_cast<Comparison>(i);
  }
  return std::nullopt;
}

bool holds(Comparison comparison, int order) {
  switch (comparison) {
    case Comparison::equal:
      return order == 0;
    case Comparison::not_equal:
      return order != 0;
    case Comparison::less:
      return order < 0;
    case Comparison::less_equal:
      return order <= 0;
    case Comparison::greater:
      return order > 0;
    case Comparison::greater_equal:
      return order >= 0;
  }
  return false;
}

const char* to_string(Comparison comparison) { return name_of(comparison).sql; }
Comparison mirrored(Comparison comparison) { return name_of(comparison).mirrored; }

Kernel comparison_kernel(Comparison comparison, const SqlType& a, const SqlType& b) {
  switch (a.kind) {
    case SqlKind::numeric:
      return numeric_comparison_kernel(comparison, a, b);
    case SqlKind::float4:
      return float_kernel<float>(comparison);
    case SqlKind::float8:
      return float_kernel<double>(comparison);
    case SqlKind::interval:
      return strict<bool, Interval, Interval>(
          sql(SqlKind::boolean), [comparison](const Interval& left, const Interval& right) {
            const Int128 x = comparable(left), y = comparable(right);
            return holds(comparison, x < y ? -1 : (x > y ? 1 : 0));
          });
    default:
      return [comparison](const std::vector<Vector>& arguments, std::int64_t) {
        return call_arrow(name_of(comparison).arrow, arguments);
      };
  }
}

Kernel distinct_kernel(bool is_distinct, const SqlType& a, const SqlType& b) {
  Kernel differ = comparison_kernel(Comparison::not_equal, a, b);
  return [is_distinct, differ](const std::vector<Vector>& arguments,
                               std::int64_t rows) -> Result<Vector> {
    const Vector values = TRY(differ(arguments, rows));
    const Vector left_null = TRY(call_arrow("is_null", {arguments[0]}));
    const Vector right_null = TRY(call_arrow("is_null", {arguments[1]}));
    const Vector one_null = TRY(call_arrow("xor", {left_null, right_null}));
    const Vector distinct = TRY(call_arrow("coalesce", {values, one_null}));
    return is_distinct ? distinct : call_arrow("invert", {distinct});
  };
}

Kernel set_kernel(std::shared_ptr<arrow::Array> set) {
  auto options = std::make_shared<arrow::compute::SetLookupOptions>(
      set, arrow::compute::SetLookupOptions::INCONCLUSIVE);
  return [options](const std::vector<Vector>& arguments, std::int64_t) -> Result<Vector> {
    return call_arrow("is_in", {arguments[0]}, options.get());
  };
}

}  // namespace troupe
