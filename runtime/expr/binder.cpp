#include "runtime/expr/binder.hpp"

#include "runtime/expr/type_name.hpp"
#include "runtime/functions/arrow_call.hpp"
#include "runtime/functions/cast.hpp"
#include "runtime/functions/comparison.hpp"
#include "runtime/functions/conditional.hpp"
#include "runtime/functions/function.hpp"
#include "runtime/functions/operators.hpp"
#include "runtime/functions/pattern.hpp"
#include "runtime/values/numeric.hpp"

#include <arrow/array/concatenate.h>
#include <arrow/array/util.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace troupe {

namespace {

constexpr std::array<const char*, 20> aggregate_names = {"count",
                                                         "count_distinct",
                                                         "sum",
                                                         "min",
                                                         "max",
                                                         "avg",
                                                         "mean",
                                                         "stddev",
                                                         "stddev_samp",
                                                         "stddev_pop",
                                                         "variance",
                                                         "var_samp",
                                                         "var_pop",
                                                         "bool_and",
                                                         "every",
                                                         "bool_or",
                                                         "any_value",
                                                         "median",
                                                         "percentile_cont",
                                                         "string_agg"};

/// Functions that give another value each time. They are refused, for a restarted task must repeat
/// its rows.
constexpr std::array<const char*, 10> volatile_names = {
    "now",    "clock_timestamp", "statement_timestamp", "transaction_timestamp", "timeofday",
    "random", "gen_random_uuid", "current_setting",     "localtimestamp",        "setseed"};

template <std::size_t n>
bool contains(const std::array<const char*, n>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Result<std::shared_ptr<arrow::Scalar>> text_scalar(const std::string& text) {
  return std::shared_ptr<arrow::Scalar>(std::make_shared<arrow::StringScalar>(text));
}

Result<NodePtr> constant_node(const Result<std::shared_ptr<arrow::Scalar>>& scalar, SqlKind kind,
                              TextSpan span) {
  const auto value = TRY(scalar);
  auto array = TRY(arrow_try(arrow::MakeArrayFromScalar(*value, 1)));
  return NodePtr(std::make_shared<ConstantNode>(std::move(array), sql(kind), span));
}

/// Binds one tree.
class Binder {
 public:
  Binder(const Syntax& syntax, Scope& scope) : syntax_(syntax), scope_(scope) {}

  Result<NodePtr> bind(const Tree& tree) {
    if (NodePtr node = TRY(scope_.whole(syntax_, tree))) return node;
    const SyntaxNode node(tree);
    const TextSpan span = syntax_.span_of(tree);
    if (node.kind == "A_Const") return constant(node, span);
    if (node.kind == "ColumnRef") return column(node, tree);
    if (node.kind == "A_Expr") return operation(node, tree, span);
    if (node.kind == "BoolExpr") return junction(node, span);
    if (node.kind == "NullTest") return null_test(node, span);
    if (node.kind == "BooleanTest") return boolean_test(node, span);
    if (node.kind == "CaseExpr") return case_of(node, span);
    if (node.kind == "CoalesceExpr") return coalesce(node, span);
    if (node.kind == "MinMaxExpr") return extreme(node, span);
    if (node.kind == "TypeCast") return cast(node, span);
    if (node.kind == "FuncCall") return call(node, tree, span);
    if (node.kind == "CollateClause") return unsupported(tree, "COLLATE: text compares by bytes");
    return unsupported(tree, what_is(node.kind));
  }

 private:
  // --- leaves -------------------------------------------------------------------------------

  Result<NodePtr> constant(const SyntaxNode& node, TextSpan span) {
    if (node.has("isnull")) return null_constant(sql(SqlKind::unknown), span);
    if (node.has("ival")) {
      const std::int64_t value = node["ival"].value("ival", std::int64_t{0});
      return constant_node(arrow_try(arrow::MakeScalar(arrow::int32(), value)), SqlKind::int4,
                           span);
    }
    if (node.has("fval")) return decimal(node["fval"].value("fval", ""), span);
    if (node.has("boolval")) {
      const bool value = node["boolval"].value("boolval", false);
      return constant_node(arrow_try(arrow::MakeScalar(arrow::boolean(), value)), SqlKind::boolean,
                           span);
    }
    if (node.has("sval")) {
      return constant_node(text_scalar(node["sval"].value("sval", "")), SqlKind::unknown, span);
    }
    Error error = make_error(ErrorCode::unsupported, "bit strings are not supported");
    error.span = span;
    return error;
  }

  /// A number with a point or an exponent, or an integer of more than 32 bits.
  Result<NodePtr> decimal(const std::string& text, TextSpan span) {
    NodePtr literal = TRY(constant_node(text_scalar(text), SqlKind::unknown, span));
    // PostgreSQL's numeric holds 1e300; ours has 38 digits, and a double comes closer.
    if (exponent_of(text) > numeric_digits_max / 2)
      return cast_implicitly(literal, sql(SqlKind::float8));
    const ParsedNumeric parsed = TRY(in_place(parse_numeric(text), span));
    const bool whole = text.find_first_of(".eE") == std::string::npos;
    const Int128 digits = parsed.value.digits;
    if (whole && digits == static_cast<std::int32_t>(digits)) {
      return cast_implicitly(literal, sql(SqlKind::int4));
    }
    if (whole && digits == static_cast<std::int64_t>(digits)) {
      return cast_implicitly(literal, sql(SqlKind::int8));
    }
    return cast_implicitly(literal, numeric_type(parsed.scale));
  }

  /// The size of the exponent of "1e-300", 0 for none.
  static int exponent_of(const std::string& text) {
    const std::size_t mark = text.find_first_of("eE");
    return mark == std::string::npos ? 0 : std::abs(std::atoi(text.c_str() + mark + 1));
  }

  template <class T>
  static Result<T> in_place(Result<T> result, TextSpan span) {
    if (result) return result;
    Error error = std::move(result).error();
    if (!error.span) error.span = span;
    return error;
  }

  Result<NodePtr> column(const SyntaxNode& node, const Tree& tree) {
    const std::vector<const Tree*> fields = node.list("fields");
    const std::vector<std::string> parts = name_parts(fields);
    if (fields.empty() || SyntaxNode(*fields.back()).kind != "String") {
      return unsupported(tree, "* stands for columns only in count(*)");
    }
    if (parts.size() > 1) {
      return unsupported(tree, fmt::format("a qualified name: write {} alone", parts.back()));
    }
    return scope_.column(syntax_, tree, parts.front());
  }

  // --- operators ----------------------------------------------------------------------------

  Result<NodePtr> operation(const SyntaxNode& node, const Tree& tree, TextSpan span) {
    const std::string kind = node.word("kind");
    const std::vector<std::string> parts = name_parts(node.list("name"));
    const std::string name = parts.empty() ? "" : parts.back();
    if (kind == "AEXPR_OP") return plain_operator(node, name, span);
    if (kind == "AEXPR_IN") return in_list(node, name == "<>", span);
    if (kind == "AEXPR_LIKE") return like(node, name.starts_with('!'), false, span);
    if (kind == "AEXPR_ILIKE") return like(node, name.starts_with('!'), true, span);
    if (kind.starts_with("AEXPR_BETWEEN") || kind.starts_with("AEXPR_NOT_BETWEEN")) {
      return between(node, kind, span);
    }
    if (kind == "AEXPR_DISTINCT" || kind == "AEXPR_NOT_DISTINCT") {
      return bind_distinct(kind == "AEXPR_DISTINCT", TRY(bind(node["lexpr"])),
                           TRY(bind(node["rexpr"])), span);
    }
    if (kind == "AEXPR_NULLIF") {
      return bind_null_if(TRY(bind(node["lexpr"])), TRY(bind(node["rexpr"])), span);
    }
    if (kind == "AEXPR_SIMILAR") return unsupported(tree, "SIMILAR TO: use LIKE or ~");
    return unsupported(tree, "ANY, ALL and comparisons of arrays");
  }

  Result<NodePtr> plain_operator(const SyntaxNode& node, const std::string& name, TextSpan span) {
    NodePtr right = TRY(bind(node["rexpr"]));
    if (!node.has("lexpr")) {
      if (name == "-" || name == "+") return bind_sign(name, right, span);
      Error error =
          make_error(ErrorCode::unsupported, "operator {} in front is not supported", name);
      error.span = span;
      return error;
    }
    return bind_operator(name, TRY(bind(node["lexpr"])), right, span);
  }

  Result<NodePtr> in_list(const SyntaxNode& node, bool negated, TextSpan span) {
    std::vector<NodePtr> nodes = {TRY(bind(node["lexpr"]))};
    const SyntaxNode list(node["rexpr"]);
    for (const Tree* item : list.list("items")) nodes.push_back(TRY(bind(*item)));
    const bool constants = std::all_of(nodes.begin() + 1, nodes.end(),
                                       [](const NodePtr& item) { return as_constant(item); });
    NodePtr found = constants && nodes.size() > 2 && !as_constant(nodes.front())
                        ? TRY(in_set(nodes, span))
                        : TRY(in_terms(nodes, span));
    return negated ? bind_not(found, span) : found;
  }

  Result<NodePtr> in_terms(const std::vector<NodePtr>& nodes, TextSpan span) {
    std::vector<NodePtr> terms;
    for (std::size_t i = 1; i < nodes.size(); ++i) {
      terms.push_back(TRY(bind_operator("=", nodes.front(), nodes[i], span)));
    }
    return any_of(std::move(terms), span);
  }

  NodePtr any_of(std::vector<NodePtr> terms, TextSpan span) {
    if (terms.size() == 1) return terms.front();
    return std::make_shared<JunctionNode>(false, std::move(terms), span);
  }

  /// IN with many constants: one look into a hash table for each row. Compares term by term if the
  /// types differ (an integer column, a numeric in the list), or if equal values may have different
  /// bytes.
  Result<NodePtr> in_set(const std::vector<NodePtr>& nodes, TextSpan span) {
    const SqlType& type = nodes.front()->type();
    const bool by_bytes = is_integer(type.kind) || is_moment(type.kind) ||
                          type.kind == SqlKind::text || type.kind == SqlKind::boolean;
    arrow::ArrayVector values;
    std::string key;
    for (std::size_t i = 1; i < nodes.size() && by_bytes; ++i) {
      if (!casts_implicitly(nodes[i]->type().kind, type.kind)) return in_terms(nodes, span);
      const NodePtr value = TRY(cast_implicitly(nodes[i], type));
      values.push_back(as_constant(value)->value());
      key += value->key() + ",";
    }
    if (!by_bytes) return in_terms(nodes, span);
    const auto set = TRY(arrow_try(arrow::Concatenate(values)));
    return make_call(fmt::format("in[{}]", key), sql(SqlKind::boolean), {nodes.front()},
                     set_kernel(set), false, span);
  }

  Result<NodePtr> like(const SyntaxNode& node, bool negated, bool ignore_case, TextSpan span) {
    const NodePtr text = TRY(bind(node["lexpr"]));
    const SyntaxNode escaped(node["rexpr"]);
    const std::vector<std::string> called = name_parts(escaped.list("funcname"));
    if (!called.empty() && called.back() == "like_escape") {
      const std::vector<const Tree*> parts = escaped.list("args");
      return bind_like(text, TRY(bind(*parts[0])), TRY(bind(*parts[1])), negated, ignore_case,
                       span);
    }
    return bind_like(text, TRY(bind(node["rexpr"])), nullptr, negated, ignore_case, span);
  }

  Result<NodePtr> between(const SyntaxNode& node, const std::string& kind, TextSpan span) {
    const NodePtr value = TRY(bind(node["lexpr"]));
    const std::vector<const Tree*> ends = SyntaxNode(node["rexpr"]).list("items");
    NodePtr low = TRY(bind(*ends[0])), high = TRY(bind(*ends[1]));
    NodePtr inside = TRY(within(value, low, high, span));
    if (kind.ends_with("_SYM")) {
      const NodePtr turned = TRY(within(value, high, low, span));
      inside = any_of({inside, turned}, span);
    }
    return kind.starts_with("AEXPR_NOT") ? bind_not(inside, span) : inside;
  }

  Result<NodePtr> within(const NodePtr& value, const NodePtr& low, const NodePtr& high,
                         TextSpan span) {
    std::vector<NodePtr> terms = {TRY(bind_operator(">=", value, low, span)),
                                  TRY(bind_operator("<=", value, high, span))};
    return NodePtr(std::make_shared<JunctionNode>(true, std::move(terms), span));
  }

  // --- logic --------------------------------------------------------------------------------

  Result<NodePtr> junction(const SyntaxNode& node, TextSpan span) {
    const std::string kind = node.word("boolop");
    const char* where = kind == "AND_EXPR" ? "AND" : (kind == "OR_EXPR" ? "OR" : "NOT");
    std::vector<NodePtr> terms;
    for (const Tree* term : node.list("args")) {
      terms.push_back(TRY(as_boolean(TRY(bind(*term)), where)));
    }
    if (kind == "NOT_EXPR") return bind_not(terms.front(), span);
    return NodePtr(std::make_shared<JunctionNode>(kind == "AND_EXPR", std::move(terms), span));
  }

  Result<NodePtr> null_test(const SyntaxNode& node, TextSpan span) {
    const NodePtr operand = TRY(bind(node["arg"]));
    const bool is_null = node.word("nulltesttype") != "IS_NOT_NULL";
    const std::string function = is_null ? "is_null" : "is_valid";
    const Kernel kernel = [function](const std::vector<Vector>& arguments, std::int64_t) {
      return call_arrow(function, arguments);
    };
    return make_call(function, sql(SqlKind::boolean), {operand}, kernel, false, span);
  }

  Result<NodePtr> boolean_test(const SyntaxNode& node, TextSpan span) {
    const NodePtr operand = TRY(as_boolean(TRY(bind(node["arg"])), "IS TRUE"));
    const std::string kind =
        node.word("booltesttype").empty() ? "IS_TRUE" : node.word("booltesttype");
    const bool negated = kind.starts_with("IS_NOT_");
    const std::string wanted = kind.substr(negated ? 7 : 3);
    const Kernel kernel = [wanted, negated](const std::vector<Vector>& arguments,
                                            std::int64_t rows) -> Result<Vector> {
      const ValueLane<bool> value(arguments[0]);
      ValueOutput<bool> out;
      TRY(out.reserve(rows));
      for (std::int64_t row = 0; row < rows; ++row) {
        const bool known = value.valid(row);
        const bool is = wanted == "UNKNOWN" ? !known : known && value[row] == (wanted == "TRUE");
        TRY(out.set(row, is != negated));
      }
      return Vector{TRY(out.finish(arrow::boolean()))};
    };
    return make_call(kind, sql(SqlKind::boolean), {operand}, kernel, false, span);
  }

  // --- choices ------------------------------------------------------------------------------

  Result<NodePtr> case_of(const SyntaxNode& node, TextSpan span) {
    const NodePtr subject = node.has("arg") ? TRY(bind(node["arg"])) : nullptr;
    std::vector<NodePtr> conditions, results;
    for (const Tree* item : node.list("args")) {
      const SyntaxNode arm(*item);
      NodePtr condition = TRY(bind(arm["expr"]));
      conditions.push_back(subject ? TRY(bind_operator("=", subject, condition, condition->span()))
                                   : TRY(as_boolean(condition, "CASE/WHEN")));
      results.push_back(TRY(bind(arm["result"])));
    }
    results.push_back(node.has("defresult") ? TRY(bind(node["defresult"]))
                                            : null_constant(sql(SqlKind::unknown), span));
    results = TRY(unify(std::move(results), "CASE"));
    std::vector<NodePtr> inputs;
    for (std::size_t i = 0; i < conditions.size(); ++i) {
      inputs.push_back(conditions[i]);
      inputs.push_back(results[i]);
    }
    inputs.push_back(results.back());
    const SqlType type = results.back()->type();
    return NodePtr(std::make_shared<CaseNode>(type, std::move(inputs), span));
  }

  Result<std::vector<NodePtr>> bind_all(const std::vector<const Tree*>& trees) {
    std::vector<NodePtr> nodes;
    for (const Tree* tree : trees) nodes.push_back(TRY(bind(*tree)));
    return nodes;
  }

  Result<NodePtr> coalesce(const SyntaxNode& node, TextSpan span) {
    std::vector<NodePtr> nodes = TRY(unify(TRY(bind_all(node.list("args"))), "COALESCE"));
    const SqlType type = nodes.front()->type();
    return NodePtr(std::make_shared<CoalesceNode>(type, std::move(nodes), span));
  }

  Result<NodePtr> extreme(const SyntaxNode& node, TextSpan span) {
    const bool greatest = node.word("op") != "IS_LEAST";
    const char* name = greatest ? "GREATEST" : "LEAST";
    const std::vector<NodePtr> nodes = TRY(unify(TRY(bind_all(node.list("args"))), name));
    const SqlType type = nodes.front()->type();
    if (type.kind == SqlKind::opaque) {
      Error error = make_error(ErrorCode::invalid_argument, "values of type {} have no order",
                               to_string(type));
      error.span = span;
      return error;
    }
    NodePtr best = nodes.front();
    for (std::size_t i = 1; i < nodes.size(); ++i) {
      best = make_call(name, type, {best, nodes[i]}, extreme_kernel(greatest, type), false, span);
    }
    return best;
  }

  // --- conversions and calls ----------------------------------------------------------------

  Result<NodePtr> cast(const SyntaxNode& node, TextSpan span) {
    const NodePtr operand = TRY(bind(node["arg"]));
    const TypeName target = TRY(type_of_name(syntax_, node["typeName"]));
    return in_place(convert_to(operand, target, span), span);
  }

  Result<NodePtr> call(const SyntaxNode& node, const Tree& tree, TextSpan span) {
    const std::string name = name_parts(node.list("funcname")).back();
    if (node.has("over")) return unsupported(tree, "window functions");
    if (node.has("func_variadic")) return unsupported(tree, "VARIADIC: arrays");
    if (contains(aggregate_names, name)) {
      Error error = make_error(ErrorCode::invalid_argument,
                               "aggregate function {} is not allowed here", name);
      error.hint = "aggregates stand in the select of an aggregation";
      error.span = span;
      return error;
    }
    for (const char* field : {"agg_filter", "agg_order", "agg_distinct", "agg_star"}) {
      if (!node.has(field)) continue;
      Error error =
          make_error(ErrorCode::invalid_argument,
                     "{} is no aggregate function: no *, DISTINCT, FILTER or ORDER BY", name);
      error.span = span;
      return error;
    }
    if (contains(volatile_names, name)) return not_repeatable(name, span);
    Result<std::vector<NodePtr>> arguments = bind_all(node.list("args"));
    // An unknown function is reported before mistakes in its arguments.
    if (!arguments && !is_function(name)) return no_such_function(name, span);
    return bind_function(name, TRY(std::move(arguments)), span);
  }

  static Error not_repeatable(const std::string& name, TextSpan span) {
    Error error =
        make_error(ErrorCode::unsupported,
                   "{} is not supported: its value changes when rows are computed again", name);
    error.hint = "pass the value as a parameter of the job";
    error.span = span;
    return error;
  }

  static std::string what_is(std::string_view kind) {
    if (kind == "SubLink") return "sub-selects: use a join";
    if (kind == "ParamRef") return "$1 parameters: use a parameter of the job";
    if (kind == "SQLValueFunction") {
      return "CURRENT_DATE and the like: the value changes when rows are computed again";
    }
    if (kind == "A_ArrayExpr" || kind == "A_Indirection" || kind == "RowExpr") {
      return "arrays, rows and their parts";
    }
    return fmt::format("this form ({})", kind);
  }

  Error unsupported(const Tree& tree, const std::string& what) const {
    return syntax_.error(ErrorCode::unsupported, "not supported: " + what, tree);
  }

  const Syntax& syntax_;
  Scope& scope_;
};

}  // namespace

Result<NodePtr> SchemaScope::whole(const Syntax&, const Tree&) { return NodePtr(); }

int SchemaScope::find(const Syntax& syntax, const Tree& tree, const std::string& name,
                      const arrow::Schema& schema) {
  if (const int index = schema.GetFieldIndex(name); index >= 0) return index;
  const std::size_t place = syntax.span_of(tree).offset;
  if (syntax.is_quoted(place)) return -1;
  return schema.GetFieldIndex(std::string(syntax.spelling(place)));
}

Result<NodePtr> SchemaScope::column(const Syntax& syntax, const Tree& tree,
                                    const std::string& name) {
  const int index = find(syntax, tree, name, *schema_);
  if (index < 0) {
    return syntax.unknown_column(name, tree, schema_->field_names());
  }
  return NodePtr(std::make_shared<ColumnNode>(index, sql_type(schema_->field(index)->type()),
                                              syntax.span_of(tree)));
}

Result<NodePtr> bind_tree(const Syntax& syntax, const Tree& tree, Scope& scope) {
  use_arrow_compute();
  return Binder(syntax, scope).bind(tree);
}

std::string aggregate_name(const Tree& tree) {
  const SyntaxNode node(tree);
  if (node.kind != "FuncCall" || node.has("over")) return "";
  const std::vector<std::string> parts = name_parts(node.list("funcname"));
  return !parts.empty() && contains(aggregate_names, parts.back()) ? parts.back() : "";
}

std::string result_name(const Tree& tree) {
  const SyntaxNode node(tree);
  const auto last = [](const std::vector<const Tree*>& names) { return name_parts(names).back(); };
  if (node.kind == "ColumnRef") return last(node.list("fields"));
  if (node.kind == "FuncCall") return last(node.list("funcname"));
  if (node.kind == "CoalesceExpr") return "coalesce";
  if (node.kind == "MinMaxExpr") return node.word("op") == "IS_LEAST" ? "least" : "greatest";
  if (node.kind == "CaseExpr") {
    const std::string name = node.has("defresult") ? result_name(node["defresult"]) : "";
    return name.empty() || name == "?column?" ? "case" : name;
  }
  if (node.kind == "A_Expr" && node.word("kind") == "AEXPR_NULLIF") return "nullif";
  if (node.kind == "TypeCast") {
    const std::string inner = result_name(node["arg"]);
    if (inner != "?column?") return inner;
    const Tree& type = node["typeName"];
    return type.contains("names") ? SyntaxNode(type["names"].back()).word("sval") : inner;
  }
  return "?column?";
}

}  // namespace troupe
