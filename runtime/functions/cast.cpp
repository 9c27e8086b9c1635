#include "runtime/functions/cast.hpp"

#include "runtime/functions/numeric_kernels.hpp"
#include "runtime/values/calendar.hpp"
#include "runtime/values/interval_text.hpp"
#include "runtime/values/numeric.hpp"
#include "runtime/values/value_text.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

namespace troupe {

namespace {

template <class T>
struct Holds {
  using type = T;
};

/// Calls `use` with the C++ type of a number kind.
template <class Use>
Kernel with_real(SqlKind kind, const Use& use) {
  switch (kind) {
    case SqlKind::int2:
      return use(Holds<std::int16_t>{});
    case SqlKind::int4:
      return use(Holds<std::int32_t>{});
    case SqlKind::int8:
      return use(Holds<std::int64_t>{});
    case SqlKind::float4:
      return use(Holds<float>{});
    default:
      return use(Holds<double>{});
  }
}

Error out_of_range(const SqlType& type) {
  return make_error(ErrorCode::invalid_argument, "{} out of range", to_string(type));
}

template <class To>
Result<To> to_integer(Int128 value, const SqlType& type) {
  if (value < std::numeric_limits<To>::min() || value > std::numeric_limits<To>::max()) {
    return out_of_range(type);
  }
  return static_cast<To>(value);
}

template <class From, class To>
Kernel real_to_real(const SqlType& to) {
  if constexpr (std::is_integral_v<From> && std::is_integral_v<To> && sizeof(From) > sizeof(To)) {
    return strict<To, From>(to, [to](From value) { return to_integer<To>(value, to); });
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    return strict<To, From>(to, [to](From value) -> Result<To> {
      if (!(std::fabs(value) < 1e30)) return out_of_range(to);
      return to_integer<To>(static_cast<Int128>(std::rint(value)), to);
    });
  } else if constexpr (std::is_same_v<From, double> && std::is_same_v<To, float>) {
    return strict<To, From>(to, [to](From value) -> Result<To> {
      const float narrow = static_cast<float>(value);
      if (std::isinf(narrow) && !std::isinf(value)) {
        return make_error(ErrorCode::invalid_argument, "value out of range: overflow");
      }
      if (narrow == 0 && value != 0) {
        return make_error(ErrorCode::invalid_argument, "value out of range: underflow");
      }
      return narrow;
    });
  } else {
    return strict<To, From>(to, [](From value) { return static_cast<To>(value); });
  }
}

/// The digits that an integer kind can have.
int integer_digits(SqlKind kind) {
  return kind == SqlKind::int2 ? 5 : (kind == SqlKind::int4 ? 10 : 19);
}

template <class From>
Kernel real_to_numeric(const SqlType& from, const SqlType& to) {
  if constexpr (std::is_integral_v<From>) {
    if (to.precision - to.scale >= integer_digits(from.kind)) return exact_numeric_kernel<From>(to);
  }
  return strict<Numeric, From>(to, [to](From value) -> Result<Numeric> {
    if constexpr (std::is_integral_v<From>) {
      return rescale(Numeric{value}, 0, to.scale, to.precision);
    } else {
      return numeric_of(static_cast<double>(value), std::is_same_v<From, float> ? 6 : 15, to.scale,
                        to.precision);
    }
  });
}

template <class To>
Kernel numeric_to_real(const SqlType& from, const SqlType& to) {
  const int scale = from.scale;
  return strict<To, Numeric>(to, [scale, to](Numeric value) -> Result<To> {
    if constexpr (std::is_integral_v<To>) {
      return to_integer<To>(TRY(rescale(value, scale, 0)).digits, to);
    } else {
      return static_cast<To>(to_double(value, scale));
    }
  });
}

Kernel number_kernel(const SqlType& from, const SqlType& to) {
  if (from.kind == SqlKind::numeric && to.kind == SqlKind::numeric) {
    const int scale = from.scale;
    return strict<Numeric, Numeric>(
        to, [scale, to](Numeric value) { return rescale(value, scale, to.scale, to.precision); });
  }
  if (from.kind == SqlKind::numeric) {
    return with_real(to.kind, [&](auto held) {
      return numeric_to_real<typename decltype(held)::type>(from, to);
    });
  }
  return with_real(from.kind, [&](auto held) {
    using From = typename decltype(held)::type;
    if (to.kind == SqlKind::numeric) return real_to_numeric<From>(from, to);
    return with_real(to.kind, [&](auto wanted) {
      return real_to_real<From, typename decltype(wanted)::type>(to);
    });
  });
}

template <class T>
Kernel integer_from_text(const SqlType& to) {
  return strict<T, std::string_view>(to, [to](std::string_view text) -> Result<T> {
    return static_cast<T>(
        TRY(parse_integer(text, to_string(to).c_str(), std::numeric_limits<T>::min(),
                          std::numeric_limits<T>::max())));
  });
}

Kernel from_text(const SqlType& to) {
  switch (to.kind) {
    case SqlKind::boolean:
      return strict<bool, std::string_view>(to, parse_boolean);
    case SqlKind::int2:
      return integer_from_text<std::int16_t>(to);
    case SqlKind::int4:
      return integer_from_text<std::int32_t>(to);
    case SqlKind::int8:
      return integer_from_text<std::int64_t>(to);
    case SqlKind::numeric:
      return strict<Numeric, std::string_view>(to, [to](std::string_view text) -> Result<Numeric> {
        const ParsedNumeric parsed = TRY(parse_numeric(text));
        return rescale(parsed.value, parsed.scale, to.scale, to.precision);
      });
    case SqlKind::float4:
      return strict<float, std::string_view>(to, parse_float);
    case SqlKind::float8:
      return strict<double, std::string_view>(to, parse_double);
    case SqlKind::date:
      return strict<Date, std::string_view>(to, parse_date);
    case SqlKind::interval:
      return strict<Interval, std::string_view>(
          to, [](std::string_view text) { return parse_interval(text); });
    case SqlKind::timestamp:
    case SqlKind::timestamptz: {
      const bool zoned = to.kind == SqlKind::timestamptz;
      return strict<Moment, std::string_view>(
          to, [zoned](std::string_view text) { return parse_moment(text, zoned); });
    }
    default:
      return strict<std::string, std::string_view>(to, [](std::string_view text) { return text; });
  }
}

Kernel to_text(const SqlType& from) {
  const SqlType text = sql(SqlKind::text);
  switch (from.kind) {
    case SqlKind::boolean:
      return strict<std::string, bool>(
          text, [](bool value) -> std::string_view { return value ? "true" : "false"; });
    case SqlKind::int2:
      return strict<std::string, std::int16_t>(text, [](auto v) { return std::to_string(v); });
    case SqlKind::int4:
      return strict<std::string, std::int32_t>(text, [](auto v) { return std::to_string(v); });
    case SqlKind::int8:
      return strict<std::string, std::int64_t>(text, [](auto v) { return std::to_string(v); });
    case SqlKind::numeric: {
      const int scale = from.scale;
      return strict<std::string, Numeric>(
          text, [scale](Numeric value) { return format_numeric(value, scale); });
    }
    case SqlKind::float4:
      return strict<std::string, float>(text, format_float);
    case SqlKind::float8:
      return strict<std::string, double>(text, format_double);
    case SqlKind::date:
      return strict<std::string, Date>(text, format_date);
    case SqlKind::interval:
      return strict<std::string, Interval>(text, format_interval);
    case SqlKind::timestamp:
    case SqlKind::timestamptz: {
      const bool zoned = from.kind == SqlKind::timestamptz;
      return strict<std::string, Moment>(
          text, [zoned](Moment moment) { return format_moment(moment, zoned); });
    }
    default:
      return strict<std::string, std::string_view>(text,
                                                   [](std::string_view same) { return same; });
  }
}

Kernel moment_kernel(const SqlType& from, const SqlType& to) {
  if (from.kind == SqlKind::date) {
    return strict<Moment, Date>(to, [](Date date) -> Result<Moment> {
      const auto moment = moment_of(date);
      if (moment) return *moment;
      return make_error(ErrorCode::invalid_argument, "date out of range for timestamp");
    });
  }
  if (to.kind == SqlKind::date) {
    return strict<Date, Moment>(to, [](Moment moment) { return Date{civil(moment).days}; });
  }
  return strict<Moment, Moment>(to, [](Moment moment) { return moment; });  // the zone is UTC
}

Kernel cast_kernel(const SqlType& from, const SqlType& to) {
  if (from.kind == SqlKind::text || from.kind == SqlKind::unknown) return from_text(to);
  if (to.kind == SqlKind::text) return to_text(from);
  if (is_number(from.kind) && is_number(to.kind)) return number_kernel(from, to);
  if (is_moment(from.kind) && is_moment(to.kind)) return moment_kernel(from, to);
  if (to.kind == SqlKind::boolean) {
    return strict<bool, std::int32_t>(to, [](std::int32_t value) { return value != 0; });
  }
  return strict<std::int32_t, bool>(to, [](bool value) { return value ? 1 : 0; });
}

bool cast_can_fail(const SqlType& from, const SqlType& to) {
  if (to.kind == SqlKind::text) return false;
  if (from.kind == SqlKind::text || from.kind == SqlKind::unknown) return true;
  if (is_moment(from.kind)) return from.kind == SqlKind::date;
  if (to.kind == SqlKind::numeric && is_integer(from.kind)) {
    return to.precision - to.scale < integer_digits(from.kind);
  }
  if (to.kind == SqlKind::numeric && from.kind == SqlKind::numeric) {
    return to.precision - to.scale <= from.precision - from.scale && !(from == to);
  }
  return is_number(from.kind) && is_number(to.kind) && from.kind > to.kind;
}

Result<NodePtr> convert(const NodePtr& node, const SqlType& to, TextSpan span) {
  if (node->type() == to) return node;
  const ConstantNode* constant = as_constant(node);
  if (constant && constant->is_null()) return null_constant(to, span);
  const NodePtr call = make_call("cast", to, {node}, cast_kernel(node->type(), to),
                                 cast_can_fail(node->type(), to), span);
  return read_literal(call, node);
}

/// numeric without digits: what the argument has.
Result<SqlType> open_numeric(const NodePtr& node) {
  const SqlType& from = node->type();
  if (from.kind == SqlKind::numeric) return numeric_type(from.scale);
  if (is_integer(from.kind)) return numeric_type(0);
  const ConstantNode* constant = as_constant(node);
  if (constant && !constant->is_null() && from.kind == SqlKind::unknown) {
    const auto& text = static_cast<const arrow::StringArray&>(*constant->value());
    Result<ParsedNumeric> parsed = parse_numeric(text.GetView(0));
    if (parsed) return numeric_type(parsed->scale);
    Error error = std::move(parsed).error();
    error.span = node->span();
    return error;
  }
  return numeric_type(float_numeric_scale);
}

}  // namespace

Result<NodePtr> read_literal(const NodePtr& call, const NodePtr& literal) {
  const ConstantNode* constant = as_constant(literal);
  if (!constant || literal->type().kind != SqlKind::unknown || as_constant(call)) return call;
  RowFrame one_row(0, TRY(spread({constant->value(), true}, 1)));
  Error error = call->evaluate(one_row).error();
  error.span = literal->span();
  return error;
}

Result<NodePtr> output_text(const NodePtr& node) {
  if (node->type().kind != SqlKind::boolean) {
    return cast_explicitly(node, sql(SqlKind::text), node->span());
  }
  const Kernel letter = strict<std::string, bool>(
      sql(SqlKind::text), [](bool value) -> std::string_view { return value ? "t" : "f"; });
  return make_call("output", sql(SqlKind::text), {node}, letter, false, node->span());
}

Result<NodePtr> cast_implicitly(const NodePtr& node, const SqlType& to) {
  if (node->type() == to) return node;
  const ConstantNode* constant = as_constant(node);
  if (constant && constant->is_null()) {
    const bool open = to.kind == SqlKind::numeric && to.precision == 0;
    return null_constant(open ? numeric_type(0) : to, node->span());
  }
  if (!casts_implicitly(node->type().kind, to.kind)) {
    Error error = make_error(ErrorCode::invalid_argument, "a value of type {} is no {}",
                             to_string(node->type()), to_string(to));
    error.span = node->span();
    return error;
  }
  if (to.kind == SqlKind::numeric && to.precision == 0) {
    return convert(node, TRY(open_numeric(node)), node->span());
  }
  return convert(node, to, node->span());
}

Result<NodePtr> cast_explicitly(const NodePtr& node, SqlType to, TextSpan span) {
  if (to.kind == SqlKind::numeric && to.precision == 0) to = TRY(open_numeric(node));
  if (!casts_explicitly(node->type().kind, to.kind)) {
    Error error = make_error(ErrorCode::invalid_argument, "cannot cast type {} to {}",
                             to_string(node->type()), to_string(to));
    error.span = span;
    return error;
  }
  return convert(node, to, span);
}

}  // namespace troupe
