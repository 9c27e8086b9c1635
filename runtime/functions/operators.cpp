#include "runtime/functions/operators.hpp"

#include "runtime/functions/arithmetic.hpp"
#include "runtime/functions/arrow_call.hpp"
#include "runtime/functions/cast.hpp"
#include "runtime/functions/comparison.hpp"
#include "runtime/functions/conditional.hpp"
#include "runtime/functions/pattern.hpp"
#include "runtime/values/calendar.hpp"
#include "runtime/values/numeric.hpp"

#include <array>

namespace troupe {

namespace {

Error no_operator(std::string_view name, const NodePtr& left, const NodePtr& right, TextSpan span) {
  Error error = make_error(ErrorCode::invalid_argument, "operator does not exist: {} {} {}",
                           to_string(left->type()), name, to_string(right->type()));
  error.hint = "convert one side with CAST, for example CAST(x AS integer)";
  error.span = span;
  return error;
}

/// The kind in which PostgreSQL computes with two kinds of numbers: the later in the order of
/// promotion; a real with anything else becomes a double.
SqlKind number_kind(SqlKind a, SqlKind b) {
  const SqlKind kind = std::max(a, b);
  return kind == SqlKind::float4 && a != b ? SqlKind::float8 : kind;
}

/// A number as `kind`; a numeric keeps its own scale.
Result<NodePtr> as_number(const NodePtr& node, SqlKind kind) {
  if (kind == SqlKind::numeric) {
    if (node->type().kind == SqlKind::numeric) return node;
    return cast_implicitly(node, SqlType{SqlKind::numeric, 0, 0});
  }
  return cast_implicitly(node, sql(kind));
}

// --- arithmetic -------------------------------------------------------------------------------

Result<NodePtr> bind_power(NodePtr left, NodePtr right, TextSpan span) {
  left = TRY(cast_implicitly(left, sql(SqlKind::float8)));
  right = TRY(cast_implicitly(right, sql(SqlKind::float8)));
  const Kernel kernel = strict<double, double, double>(sql(SqlKind::float8), power);
  return make_call("^", sql(SqlKind::float8), {left, right}, kernel, true, span);
}

Result<NodePtr> bind_numbers(char op, NodePtr left, NodePtr right, TextSpan span) {
  if (left->type().kind == SqlKind::unknown) left = TRY(as_number(left, right->type().kind));
  if (right->type().kind == SqlKind::unknown) right = TRY(as_number(right, left->type().kind));
  const std::string name(1, op);
  if (op == '^') return bind_power(left, right, span);
  const SqlKind kind = number_kind(left->type().kind, right->type().kind);
  if (op == '%' && kind > SqlKind::numeric) return no_operator(name, left, right, span);
  left = TRY(as_number(left, kind));
  right = TRY(as_number(right, kind));
  const SqlType result =
      kind == SqlKind::numeric ? numeric_result(op, left->type(), right->type()) : sql(kind);
  const Kernel kernel = arithmetic_kernel(op, left->type(), right->type(), result);
  return make_call(name, result, {left, right}, kernel, true, span);
}

// --- dates and times --------------------------------------------------------------------------

/// One operator on moments: the types it takes, what it gives, and the kernel.
struct MomentOperator {
  char op;
  SqlKind left;
  SqlKind right;
  SqlKind result;
  Kernel (*make)(const SqlType& result);
};

Result<Date> shifted(Date date, std::int64_t days) { return checked_date(date.days + days); }

Kernel date_plus_days(const SqlType& type) {
  return strict<Date, Date, std::int32_t>(
      type, [](Date date, std::int32_t days) { return shifted(date, days); });
}
Kernel days_plus_date(const SqlType& type) {
  return strict<Date, std::int32_t, Date>(
      type, [](std::int32_t days, Date date) { return shifted(date, days); });
}
Kernel date_minus_days(const SqlType& type) {
  return strict<Date, Date, std::int32_t>(
      type, [](Date date, std::int32_t days) { return shifted(date, -std::int64_t{days}); });
}
Kernel date_minus_date(const SqlType& type) {
  return strict<std::int32_t, Date, Date>(type, [](Date a, Date b) -> Result<std::int32_t> {
    std::int32_t days = 0;  // of a file's days, which may be none of a date's
    if (!__builtin_sub_overflow(a.days, b.days, &days)) return days;
    return make_error(ErrorCode::invalid_argument, "date out of range");
  });
}
Kernel moment_plus_interval(const SqlType& type) {
  return strict<Moment, Moment, Interval>(
      type, [](Moment moment, const Interval& interval) { return add_time(moment, interval); },
      [](Moment moment, const Interval& interval) { return add(moment, interval); });
}
Kernel interval_plus_moment(const SqlType& type) {
  return strict<Moment, Interval, Moment>(
      type, [](const Interval& interval, Moment moment) { return add_time(moment, interval); },
      [](const Interval& interval, Moment moment) { return add(moment, interval); });
}
Kernel moment_minus_interval(const SqlType& type) {
  return strict<Moment, Moment, Interval>(
      type, [](Moment moment, const Interval& interval) { return subtract(moment, interval); });
}
Kernel moment_minus_moment(const SqlType& type) {
  return strict<Interval, Moment, Moment>(type, difference);
}
Kernel interval_plus_interval(const SqlType& type) {
  return strict<Interval, Interval, Interval>(
      type, [](const Interval& a, const Interval& b) { return add(a, b); });
}
Kernel interval_minus_interval(const SqlType& type) {
  return strict<Interval, Interval, Interval>(
      type, [](const Interval& a, const Interval& b) { return subtract(a, b); });
}
Kernel interval_times(const SqlType& type) {
  return strict<Interval, Interval, double>(
      type, [](const Interval& interval, double factor) { return multiply_time(interval, factor); },
      [](const Interval& interval, double factor) { return multiply(interval, factor); });
}
Kernel times_interval(const SqlType& type) {
  return strict<Interval, double, Interval>(
      type, [](double factor, const Interval& interval) { return multiply_time(interval, factor); },
      [](double factor, const Interval& interval) { return multiply(interval, factor); });
}
Kernel interval_divided(const SqlType& type) {
  return strict<Interval, Interval, double>(
      type, [](const Interval& interval, double divisor) { return divide(interval, divisor); });
}

constexpr std::array<MomentOperator, 17> moment_operators = {{
    {'+', SqlKind::date, SqlKind::int4, SqlKind::date, date_plus_days},
    {'+', SqlKind::int4, SqlKind::date, SqlKind::date, days_plus_date},
    {'-', SqlKind::date, SqlKind::int4, SqlKind::date, date_minus_days},
    {'-', SqlKind::date, SqlKind::date, SqlKind::int4, date_minus_date},
    {'+', SqlKind::timestamp, SqlKind::interval, SqlKind::timestamp, moment_plus_interval},
    {'+', SqlKind::interval, SqlKind::timestamp, SqlKind::timestamp, interval_plus_moment},
    {'-', SqlKind::timestamp, SqlKind::interval, SqlKind::timestamp, moment_minus_interval},
    {'-', SqlKind::timestamp, SqlKind::timestamp, SqlKind::interval, moment_minus_moment},
    {'+', SqlKind::timestamptz, SqlKind::interval, SqlKind::timestamptz, moment_plus_interval},
    {'+', SqlKind::interval, SqlKind::timestamptz, SqlKind::timestamptz, interval_plus_moment},
    {'-', SqlKind::timestamptz, SqlKind::interval, SqlKind::timestamptz, moment_minus_interval},
    {'-', SqlKind::timestamptz, SqlKind::timestamptz, SqlKind::interval, moment_minus_moment},
    {'+', SqlKind::interval, SqlKind::interval, SqlKind::interval, interval_plus_interval},
    {'-', SqlKind::interval, SqlKind::interval, SqlKind::interval, interval_minus_interval},
    {'*', SqlKind::interval, SqlKind::float8, SqlKind::interval, interval_times},
    {'*', SqlKind::float8, SqlKind::interval, SqlKind::interval, times_interval},
    {'/', SqlKind::interval, SqlKind::float8, SqlKind::interval, interval_divided},
}};

bool takes(SqlKind wanted, const NodePtr& node) {
  return casts_implicitly(node->type().kind, wanted);
}

/// The first operator whose sides fit exactly or as literals of unknown type, else the first that
/// fits by implicit casts.
const MomentOperator* moment_operator(char op, const NodePtr& left, const NodePtr& right) {
  const MomentOperator* by_cast = nullptr;
  for (const MomentOperator& candidate : moment_operators) {
    if (candidate.op != op) continue;
    const bool left_exact = candidate.left == left->type().kind;
    const bool right_exact = candidate.right == right->type().kind;
    if (left_exact && right_exact) return &candidate;
    // A literal of unknown type is first taken for the type of the other side.
    const bool same = candidate.left == candidate.right;
    if (same && left_exact && right->type().kind == SqlKind::unknown) return &candidate;
    if (same && right_exact && left->type().kind == SqlKind::unknown) return &candidate;
    if (!by_cast && takes(candidate.left, left) && takes(candidate.right, right)) {
      by_cast = &candidate;
    }
  }
  return by_cast;
}

Result<NodePtr> bind_moments(char op, NodePtr left, NodePtr right, TextSpan span) {
  const MomentOperator* found = moment_operator(op, left, right);
  if (!found) return no_operator(std::string(1, op), left, right, span);
  left = TRY(cast_implicitly(left, sql(found->left)));
  right = TRY(cast_implicitly(right, sql(found->right)));
  const SqlType result = sql(found->result);
  return make_call(std::string(1, op), result, {left, right}, found->make(result), true, span);
}

bool is_number_or_literal(const NodePtr& node) {
  return is_number(node->type().kind) || node->type().kind == SqlKind::unknown;
}

Result<NodePtr> bind_arithmetic(char op, const NodePtr& left, const NodePtr& right, TextSpan span) {
  const bool both_unknown =
      left->type().kind == SqlKind::unknown && right->type().kind == SqlKind::unknown;
  if (both_unknown) {
    Error error =
        make_error(ErrorCode::invalid_argument, "operator is not unique: unknown {} unknown",
                   std::string_view(&op, 1));
    error.hint = "say the type of one side: CAST('1' AS integer)";
    error.span = span;
    return error;
  }
  if (is_number_or_literal(left) && is_number_or_literal(right)) {
    return bind_numbers(op, left, right, span);
  }
  return bind_moments(op, left, right, span);
}

// --- text -------------------------------------------------------------------------------------

Result<NodePtr> bind_concatenation(NodePtr left, NodePtr right, TextSpan span) {
  const auto is_text = [](const NodePtr& node) {
    return node->type().kind == SqlKind::text || node->type().kind == SqlKind::unknown;
  };
  const bool known = left->type().kind != SqlKind::opaque && right->type().kind != SqlKind::opaque;
  if (!known || (!is_text(left) && !is_text(right))) return no_operator("||", left, right, span);
  const SqlType text = sql(SqlKind::text);
  left = TRY(cast_explicitly(left, text, left->span()));
  right = TRY(cast_explicitly(right, text, right->span()));
  const Kernel kernel = strict<std::string, std::string_view, std::string_view>(
      text, [](std::string_view a, std::string_view b) {
        std::string both;
        both.reserve(a.size() + b.size());
        return both.append(a).append(b);
      });
  return make_call("||", text, {left, right}, kernel, false, span);
}

/// One side of a comparison as `kind`. A date beyond the range of moments counts as the first or
/// the last moment.
Result<NodePtr> side_as(const NodePtr& node, SqlKind kind) {
  if (node->type().kind != SqlKind::date || kind == SqlKind::date) return as_number(node, kind);
  const Kernel kernel = strict<Moment, Date>(sql(kind), [](Date date) {
    const auto moment = moment_of(date);
    return moment ? *moment : (date.days < 0 ? moment_min : moment_max);
  });
  return make_call("moment", sql(kind), {node}, kernel, false, node->span());
}

/// Brings both sides to one type; numerics keep their scales.
Result<> comparable_sides(std::string_view name, NodePtr& left, NodePtr& right, TextSpan span) {
  const SqlKind a = left->type().kind, b = right->type().kind;
  SqlType type;
  if (is_number(a) && is_number(b)) {
    type = sql(number_kind(a, b));
  } else {
    const std::optional<SqlType> common = common_type(left->type(), right->type());
    if (!common || common->kind == SqlKind::opaque) return no_operator(name, left, right, span);
    type = common->kind == SqlKind::unknown ? sql(SqlKind::text) : sql(common->kind);
  }
  left = TRY(side_as(left, type.kind));
  right = TRY(side_as(right, type.kind));
  return {};
}

}  // namespace

Result<NodePtr> bind_operator(std::string_view name, NodePtr left, NodePtr right, TextSpan span) {
  if (const auto comparison = comparison_of(name)) {
    TRY(comparable_sides(name, left, right, span));
    const Kernel kernel = comparison_kernel(*comparison, left->type(), right->type());
    return make_call(to_string(*comparison), sql(SqlKind::boolean), {left, right}, kernel, false,
                     span);
  }
  if (name == "||") return bind_concatenation(left, right, span);
  if (name == "~~") return bind_like(left, right, nullptr, false, false, span);
  if (name == "!~~") return bind_like(left, right, nullptr, true, false, span);
  if (name == "~~*") return bind_like(left, right, nullptr, false, true, span);
  if (name == "!~~*") return bind_like(left, right, nullptr, true, true, span);
  if (name == "~") return bind_regex(left, right, false, false, span);
  if (name == "!~") return bind_regex(left, right, true, false, span);
  if (name == "~*") return bind_regex(left, right, false, true, span);
  if (name == "!~*") return bind_regex(left, right, true, true, span);
  if (name.size() == 1 && std::string_view("+-*/%^").find(name) != std::string_view::npos) {
    return bind_arithmetic(name.front(), left, right, span);
  }
  Error error = make_error(ErrorCode::unsupported, "operator {} is not supported", name);
  error.span = span;
  return error;
}

Result<NodePtr> bind_sign(std::string_view name, const NodePtr& operand, TextSpan span) {
  const SqlKind kind = operand->type().kind;
  if (is_number(kind) || kind == SqlKind::unknown) {
    if (kind == SqlKind::unknown) {
      return bind_sign(name, TRY(cast_implicitly(operand, sql(SqlKind::float8))), span);
    }
    if (name == "+") return operand;
    const SqlType& type = operand->type();
    if (kind == SqlKind::numeric) {
      const Kernel kernel =
          strict<Numeric, Numeric>(type, [](Numeric value) { return Numeric{-value.digits}; });
      return make_call("-", type, {operand}, kernel, false, span);
    }
    if (kind >= SqlKind::float4) {
      const Kernel kernel = [](const std::vector<Vector>& arguments, std::int64_t) {
        return call_arrow("negate", arguments);
      };
      return make_call("-", type, {operand}, kernel, false, span);
    }
    const NodePtr zero = TRY(cast_explicitly(
        std::make_shared<ConstantNode>(
            std::make_shared<arrow::Int32Array>(1, arrow::Buffer::FromString(std::string(4, '\0'))),
            sql(SqlKind::int4), span),
        type, span));
    return bind_operator("-", zero, operand, span);
  }
  if (kind == SqlKind::interval && name == "-") {
    const Kernel kernel = strict<Interval, Interval>(operand->type(), negate);
    return make_call("-", operand->type(), {operand}, kernel, true, span);
  }
  Error error = make_error(ErrorCode::invalid_argument, "operator does not exist: {} {}", name,
                           to_string(operand->type()));
  error.span = span;
  return error;
}

Result<NodePtr> bind_distinct(bool is_distinct, NodePtr left, NodePtr right, TextSpan span) {
  TRY(comparable_sides("=", left, right, span));
  const Kernel kernel = distinct_kernel(is_distinct, left->type(), right->type());
  return make_call(is_distinct ? "is distinct from" : "is not distinct from", sql(SqlKind::boolean),
                   {left, right}, kernel, false, span);
}

Result<NodePtr> bind_null_if(NodePtr left, NodePtr right, TextSpan span) {
  const NodePtr value = left;
  TRY(comparable_sides("=", left, right, span));
  // Types that PostgreSQL compares without a conversion leave the value as it is.
  const SqlKind a = value->type().kind, b = left->type().kind;
  const bool same_family = (is_integer(a) && is_integer(b)) || (is_moment(a) && is_moment(b)) ||
                           (a == SqlKind::float4 && b == SqlKind::float8);
  const NodePtr result = same_family ? value : left;
  return make_call("nullif", result->type(), {left, right, result},
                   null_if_kernel(left->type(), right->type(), result->type()), false, span);
}

Result<std::vector<NodePtr>> unify(std::vector<NodePtr> nodes, const char* what) {
  SqlType type = nodes.front()->type();
  for (const NodePtr& node : nodes) {
    const std::optional<SqlType> common = common_type(type, node->type());
    if (!common) {
      Error error = make_error(ErrorCode::invalid_argument, "{} types {} and {} cannot be matched",
                               what, to_string(type), to_string(node->type()));
      error.span = node->span();
      return error;
    }
    type = *common;
  }
  if (type.kind == SqlKind::unknown) type = sql(SqlKind::text);
  for (NodePtr& node : nodes) node = TRY(cast_implicitly(node, type));
  return nodes;
}

Result<NodePtr> as_boolean(const NodePtr& node, std::string_view where) {
  if (casts_implicitly(node->type().kind, SqlKind::boolean)) {
    return cast_implicitly(node, sql(SqlKind::boolean));
  }
  Error error =
      make_error(ErrorCode::invalid_argument, "argument of {} must be type boolean, not type {}",
                 where, to_string(node->type()));
  error.span = node->span();
  return error;
}

NodePtr bind_not(const NodePtr& operand, TextSpan span) {
  const Kernel kernel = [](const std::vector<Vector>& arguments, std::int64_t) {
    return call_arrow("invert", arguments);
  };
  return make_call("not", sql(SqlKind::boolean), {operand}, kernel, false, span);
}

}  // namespace troupe
