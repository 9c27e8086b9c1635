#include "runtime/functions/function.hpp"

#include "runtime/base/near.hpp"
#include "runtime/functions/cast.hpp"

#include <arrow/array.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace troupe {

namespace {

/// Everything that is called like a function; some are nodes of their own, and volatile ones are
/// refused with a reason.
std::vector<std::string> known_names() {
  std::vector<std::string> names = {
      "coalesce",  "nullif",   "greatest", "least",      "count",          "sum",      "min",
      "max",       "avg",      "stddev",   "median",     "mean",           "variance", "every",
      "any_value", "bool_and", "bool_or",  "string_agg", "percentile_cont"};
  for (const FunctionEntry& function : function_table()) {
    if (names.back() != function.name) names.emplace_back(function.name);
  }
  return names;
}

/// Names that users of other databases look for, and what to write here instead.
constexpr std::array<std::pair<const char*, const char*>, 27> elsewhere = {{
    {"ifnull", "coalesce(x, y)"},
    {"nvl", "coalesce(x, y)"},
    {"isnull", "x IS NULL"},
    {"if", "CASE WHEN condition THEN x ELSE y END"},
    {"iif", "CASE WHEN condition THEN x ELSE y END"},
    {"instr", "strpos(x, y)"},
    {"contains", "strpos(x, y) > 0, or x LIKE '%y%'"},
    {"len", "length(x)"},
    {"lcase", "lower(x)"},
    {"ucase", "upper(x)"},
    {"year", "extract(year FROM x)"},
    {"month", "extract(month FROM x)"},
    {"day", "extract(day FROM x)"},
    {"hour", "extract(hour FROM x)"},
    {"dayofweek", "extract(isodow FROM x)"},
    {"datediff", "date - date"},
    {"date_add", "x + INTERVAL '1 day'"},
    {"dateadd", "x + INTERVAL '1 day'"},
    {"isnan", "x = 'NaN'"},
    {"regexp_extract", "substring(x FROM pattern)"},
    {"group_concat", "string_agg(x, ',')"},
    {"listagg", "string_agg(x, ',')"},
    {"first", "min(x), or any_value(x)"},
    {"arbitrary", "any_value(x)"},
    {"quantile_cont", "percentile_cont(0.5) WITHIN GROUP (ORDER BY x)"},
    {"quantile", "percentile_cont(0.5) WITHIN GROUP (ORDER BY x)"},
    {"approx_count_distinct", "count(DISTINCT x)"},
}};

SqlKind parameter(const FunctionEntry& function, std::size_t i) {
  return function.parameters[std::min(i, function.parameters.size() - 1)];
}

bool has_arity(const FunctionEntry& function, std::size_t count) {
  const std::size_t declared = function.parameters.size();
  return function.variadic ? count >= declared : count == declared;
}

/// True for the type of each family that PostgreSQL prefers if it has a choice.
bool is_preferred(SqlKind kind) {
  return kind == SqlKind::float8 || kind == SqlKind::text || kind == SqlKind::timestamptz ||
         kind == SqlKind::interval || kind == SqlKind::boolean;
}

struct Fit {
  int exact = 0;
  int preferred = 0;

  auto operator<=>(const Fit&) const = default;
};

std::optional<Fit> fit(const FunctionEntry& function, const std::vector<NodePtr>& arguments) {
  if (!has_arity(function, arguments.size())) return std::nullopt;
  Fit result;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const SqlKind wanted = parameter(function, i), given = arguments[i]->type().kind;
    const bool takes_any = wanted == any_as_text && given != SqlKind::opaque;
    if (!takes_any && !casts_implicitly(given, wanted)) return std::nullopt;
    const bool literal = given == SqlKind::unknown && wanted == SqlKind::text;
    if (wanted == given || literal) ++result.exact;
    if (is_preferred(wanted) && given != wanted) ++result.preferred;
  }
  return result;
}

std::string shown_call(const std::string& name, const std::vector<NodePtr>& arguments) {
  std::string types;
  for (const NodePtr& argument : arguments) {
    types += (types.empty() ? "" : ", ") + to_string(argument->type());
  }
  return fmt::format("{}({})", name, types);
}

std::string shown_parameters(const FunctionEntry& function) {
  std::string types;
  for (const SqlKind kind : function.parameters) {
    const std::string type = kind == any_as_text ? "any" : to_string(sql(kind));
    types += (types.empty() ? "" : ", ") + type;
  }
  return fmt::format("{}({}{})", function.name, types, function.variadic ? ", ..." : "");
}

/// A hint what to write instead of an unknown function.
std::string instead_of(const std::string& name) {
  for (const auto& [there, here] : elsewhere) {
    if (name == there) return fmt::format("it is written {}", here);
  }
  return did_you_mean(name, known_names());
}

Error no_function(const std::string& name, const std::vector<NodePtr>& arguments, TextSpan span) {
  Error error = make_error(ErrorCode::invalid_argument, "function {} does not exist",
                           shown_call(name, arguments));
  error.span = span;
  for (const FunctionEntry& function : function_table()) {
    if (name != function.name) continue;
    error.hint += (error.hint.empty() ? "there is " : ", ") + shown_parameters(function);
  }
  if (error.hint.empty()) error.hint = instead_of(name);
  return error;
}

Result<NodePtr> convert(const NodePtr& argument, SqlKind kind) {
  if (kind == any_as_text) return output_text(argument);
  if (kind != SqlKind::numeric) return cast_implicitly(argument, sql(kind));
  if (argument->type().kind == SqlKind::numeric) return argument;
  return cast_implicitly(argument, SqlType{SqlKind::numeric, 0, 0});
}

Error in_call(Error error, TextSpan span) {
  if (!error.span) error.span = span;
  return error;
}

}  // namespace

const std::vector<FunctionEntry>& function_table() {
  static const std::vector<FunctionEntry> table = [] {
    std::vector<FunctionEntry> all = text_functions();
    for (FunctionEntry& function : pattern_functions()) all.push_back(std::move(function));
    for (FunctionEntry& function : number_functions()) all.push_back(std::move(function));
    for (FunctionEntry& function : time_functions()) all.push_back(std::move(function));
    return all;
  }();
  return table;
}

bool is_function(const std::string& name) {
  const auto& table = function_table();
  return std::any_of(table.begin(), table.end(),
                     [&](const FunctionEntry& function) { return name == function.name; });
}

Error no_such_function(const std::string& name, TextSpan span) {
  Error error = make_error(ErrorCode::invalid_argument, "function {} does not exist", name);
  error.span = span;
  error.hint = instead_of(name);
  return error;
}

Result<NodePtr> bind_function(const std::string& name, const std::vector<NodePtr>& arguments,
                              TextSpan span) {
  const FunctionEntry* best = nullptr;
  Fit best_fit;
  for (const FunctionEntry& function : function_table()) {
    if (name != function.name) continue;
    const std::optional<Fit> candidate = fit(function, arguments);
    if (!candidate || (best && *candidate <= best_fit)) continue;
    best = &function;
    best_fit = *candidate;
  }
  if (!best) return no_function(name, arguments, span);
  Signature signature;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    signature.arguments.push_back(TRY(convert(arguments[i], parameter(*best, i))));
  }
  signature.result = sql(best->result);
  if (best->typing) {
    Result<SqlType> type = best->typing(signature.arguments);
    if (!type) return in_call(std::move(type).error(), span);
    signature.result = *type;
  }
  Result<Kernel> kernel = best->make(signature);
  if (!kernel) return in_call(std::move(kernel).error(), span);
  return make_call(name, signature.result, signature.arguments, *std::move(kernel), best->can_fail,
                   span);
}

Result<std::string> constant_text(const NodePtr& argument, const char* what) {
  const ConstantNode* constant = as_constant(argument);
  if (!constant || constant->is_null() || constant->value()->type_id() != arrow::Type::STRING) {
    Error error = make_error(ErrorCode::unsupported, "{} must be a constant text", what);
    error.span = argument->span();
    return error;
  }
  return std::string(static_cast<const arrow::StringArray&>(*constant->value()).GetView(0));
}

}  // namespace troupe
