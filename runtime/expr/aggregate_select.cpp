#include "runtime/expr/aggregate_select.hpp"

#include "runtime/expr/bound.hpp"
#include "runtime/functions/cast.hpp"
#include "runtime/functions/conditional.hpp"
#include "runtime/functions/function.hpp"
#include "runtime/functions/operators.hpp"

#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>

namespace troupe {

namespace {

AggregateFunction function_of(const std::string& name) {
  if (name == "sum") return AggregateFunction::sum;
  if (name == "min") return AggregateFunction::min;
  if (name == "max") return AggregateFunction::max;
  if (name == "avg" || name == "mean") return AggregateFunction::avg;
  if (name == "stddev" || name == "stddev_samp") return AggregateFunction::stddev;
  if (name == "stddev_pop") return AggregateFunction::stddev_pop;
  if (name == "variance" || name == "var_samp") return AggregateFunction::var_samp;
  if (name == "var_pop") return AggregateFunction::var_pop;
  if (name == "count_distinct") return AggregateFunction::count_distinct;
  if (name == "bool_and" || name == "every") return AggregateFunction::min;
  if (name == "bool_or") return AggregateFunction::max;
  // Any value is right, but a restarted task must choose the same one again.
  if (name == "any_value") return AggregateFunction::min;
  if (name == "median" || name == "percentile_cont") return AggregateFunction::percentile;
  if (name == "string_agg") return AggregateFunction::text_joined;
  return AggregateFunction::count;
}

/// These are computed as the least or the largest of their arguments, as numbers.
bool is_of_booleans(const std::string& name) {
  return name == "bool_and" || name == "every" || name == "bool_or";
}

bool is_deviation(AggregateFunction function) {
  return function == AggregateFunction::stddev || function == AggregateFunction::stddev_pop ||
         function == AggregateFunction::var_samp || function == AggregateFunction::var_pop;
}

/// A group key. Select expressions may refer to it by its tree or by its name.
struct Key {
  std::string name;
  Tree tree;
  SqlType type;
};

Error placed(Error error, TextSpan span) {
  if (!error.span) error.span = span;
  return error;
}

/// The result type of a call. The argument is converted first if PostgreSQL has no such aggregate
/// of its type.
Result<std::shared_ptr<arrow::DataType>> result_type(AggregateFunction function,
                                                     const std::string& name,
                                                     const Expression& argument,
                                                     const SqlType& type) {
  constexpr int average_digits = 6;
  const auto refuse = [&] {
    return make_error(ErrorCode::invalid_argument, "function {}({}) does not exist", name,
                      to_string(type));
  };
  switch (function) {
    case AggregateFunction::count_rows:
    case AggregateFunction::count:
      return arrow::int64();
    case AggregateFunction::count_distinct:
      if (type.kind == SqlKind::opaque) return refuse();
      return arrow::int64();
    case AggregateFunction::min:
    case AggregateFunction::max:
      if (type.kind == SqlKind::opaque || type.kind == SqlKind::boolean) return refuse();
      return argument.type();
    case AggregateFunction::text_joined:
      if (type.kind != SqlKind::text) return refuse();
      return arrow::utf8();
    default:
      break;
  }
  if (!is_number(type.kind)) return refuse();
  if (is_deviation(function) || function == AggregateFunction::percentile) return arrow::float64();
  const bool sum = function == AggregateFunction::sum;
  if (type.kind == SqlKind::numeric) {
    const int scale = sum ? type.scale : std::min(type.scale + average_digits, numeric_digits_max);
    return arrow::decimal128(numeric_digits_max, scale);
  }
  return sum && is_integer(type.kind) ? arrow::int64() : arrow::float64();
}

/// Resolves the names in a select expression: group keys and aggregate calls are columns of the
/// intermediate schema; all other columns of the input must stand inside a call.
class AggregateScope : public Scope {
 public:
  AggregateScope(const SchemaPtr& input, const std::vector<Key>& keys, AggregateSelect& select)
      : input_(input), keys_(keys), select_(select) {}

  Result<NodePtr> whole(const Syntax& syntax, const Tree& tree) override {
    const Tree bare = without_places(tree);
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      if (bare == keys_[i].tree) return key_column(i, syntax.span_of(tree));
    }
    const std::string name = aggregate_name(tree);
    if (name.empty()) return NodePtr();
    const BoundCall call = TRY(bind_call(syntax, tree, name));
    const auto index = static_cast<int>(keys_.size() + position_of(call));
    const auto result =
        std::make_shared<ColumnNode>(index, sql_type(call.type), syntax.span_of(tree));
    if (!call.of_booleans) return NodePtr(result);
    return cast_explicitly(result, sql(SqlKind::boolean), syntax.span_of(tree));
  }

  Result<NodePtr> column(const Syntax& syntax, const Tree& tree, const std::string& name) override {
    const std::string spelled(syntax.spelling(syntax.span_of(tree).offset));
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      if (keys_[i].name == name || keys_[i].name == spelled) {
        return key_column(i, syntax.span_of(tree));
      }
    }
    if (SchemaScope::find(syntax, tree, name, *input_) < 0) {
      std::vector<std::string> known = input_->field_names();
      for (const Key& key : keys_) known.push_back(key.name);
      return syntax.unknown_column(name, tree, known);
    }
    return syntax.error(
        ErrorCode::invalid_argument,
        fmt::format("column \"{}\" must appear in group_by or be used in an aggregate function",
                    name),
        tree);
  }

 private:
  /// The input's columns, in which no aggregate may stand again.
  class InsideScope : public SchemaScope {
   public:
    using SchemaScope::SchemaScope;
    Result<NodePtr> whole(const Syntax& syntax, const Tree& tree) override {
      if (aggregate_name(tree).empty()) return NodePtr();
      return syntax.error(ErrorCode::invalid_argument, "aggregate function calls cannot be nested",
                          tree);
    }
  };

  Result<NodePtr> key_column(std::size_t i, TextSpan span) {
    return NodePtr(std::make_shared<ColumnNode>(static_cast<int>(i), keys_[i].type, span));
  }

  /// A call, and whether its result is a boolean that was computed as a number.
  struct BoundCall : AggregateCall {
    bool of_booleans = false;
  };

  Result<BoundCall> bind_call(const Syntax& syntax, const Tree& tree, const std::string& name) {
    const SyntaxNode node(tree);
    BoundCall call;
    call.function = function_of(name);
    const Tree* argument = TRY(argument_of(syntax, tree, name, call));
    if (node.has("agg_distinct")) TRY(make_distinct(syntax, tree, name, call));
    NodePtr filter;
    if (node.has("agg_filter")) {
      filter = TRY(as_boolean(TRY(bind_inside(syntax, node["agg_filter"])), "FILTER"));
      call.filter = TRY(expression(syntax, node["agg_filter"], filter));
    }
    if (!argument) {
      call.type = arrow::int64();
      return call;
    }
    NodePtr value = TRY(converted(syntax, tree, name, TRY(bind_inside(syntax, *argument)), call));
    const SqlType type = value->type();
    if (filter && value->can_fail()) value = where(filter, value);
    call.argument = TRY(expression(syntax, *argument, value));
    auto result = result_type(call.function, name, *call.argument, type);
    if (!result) return placed(std::move(result).error(), syntax.span_of(tree));
    call.type = *result;
    return call;
  }

  /// `value` if the filter is true, else NULL. It is not computed for rows that do not count, and
  /// so cannot fail for them.
  static NodePtr where(const NodePtr& filter, const NodePtr& value) {
    const SqlType& type = value->type();
    std::vector<NodePtr> branches = {filter, value, null_constant(type, value->span())};
    return std::make_shared<CaseNode>(type, std::move(branches), value->span());
  }

  /// The argument, converted to the type that the function computes with.
  Result<NodePtr> converted(const Syntax& syntax, const Tree& tree, const std::string& name,
                            NodePtr value, BoundCall& call) {
    if (value->type().kind == SqlKind::unknown) {
      value = TRY(cast_implicitly(value, sql(SqlKind::text)));
    }
    const SqlKind kind = value->type().kind;
    if (is_of_booleans(name) && kind != SqlKind::boolean) {
      return syntax.error(
          ErrorCode::invalid_argument,
          fmt::format("function {}({}) does not exist", name, to_string(value->type())), tree);
    }
    call.of_booleans = kind == SqlKind::boolean && (is_of_booleans(name) || name == "any_value");
    if (call.of_booleans) return cast_explicitly(value, sql(SqlKind::int4), value->span());
    const bool as_double = (is_deviation(call.function) && kind == SqlKind::numeric) ||
                           (call.function == AggregateFunction::percentile && is_number(kind));
    return as_double ? cast_explicitly(value, sql(SqlKind::float8), value->span()) : value;
  }

  /// The tree of the aggregated argument, null for count(*). Puts the other arguments into the
  /// call.
  Result<const Tree*> argument_of(const Syntax& syntax, const Tree& tree, const std::string& name,
                                  BoundCall& call) {
    const SyntaxNode node(tree);
    const std::vector<const Tree*> arguments = node.list("args");
    const std::vector<const Tree*> order = node.list("agg_order");
    const auto refuse = [&](const std::string& message) {
      return syntax.error(ErrorCode::invalid_argument, message, tree);
    };
    if (name == "percentile_cont") {
      if (!node.has("agg_within_group") || arguments.size() != 1 || order.size() != 1) {
        return refuse("write percentile_cont(0.5) WITHIN GROUP (ORDER BY x)");
      }
      call.fraction = TRY(fraction_of(syntax, *arguments.front()));
      return ordered(syntax, *order.front(), call);
    }
    if (name == "median") call.fraction = 0.5;
    if (name == "string_agg") {
      if (arguments.size() != 2) return refuse("string_agg takes a text and a separator");
      Result<std::string> separator =
          constant_text(TRY(bind_inside(syntax, *arguments[1])), "the separator");
      if (!separator) return std::move(separator).error();
      call.separator = *std::move(separator);
      TRY(check_order(syntax, order, *arguments.front(), call));
      return arguments.front();
    }
    if (!order.empty()) {
      return syntax.error(ErrorCode::unsupported, "ORDER BY inside an aggregate", tree);
    }
    if (node.has("agg_star")) {
      if (name != "count") return refuse(fmt::format("{}(*): only count takes *", name));
      call.function = AggregateFunction::count_rows;
      return nullptr;
    }
    if (arguments.size() != 1) {
      return refuse(fmt::format("{} takes one argument, not {}", name, arguments.size()));
    }
    return arguments.front();
  }

  Result<double> fraction_of(const Syntax& syntax, const Tree& tree) {
    const NodePtr value =
        TRY(cast_implicitly(TRY(bind_inside(syntax, tree)), sql(SqlKind::float8)));
    const ConstantNode* constant = as_constant(value);
    if (!constant || constant->is_null()) {
      return syntax.error(ErrorCode::unsupported, "the fraction must be a constant", tree);
    }
    const double fraction = ValueLane<double>({constant->value(), true})[0];
    if (fraction >= 0 && fraction <= 1) return fraction;
    return syntax.error(ErrorCode::invalid_argument,
                        fmt::format("percentile value {} is not between 0 and 1", fraction), tree);
  }

  /// The expression of a sort term. Puts its direction into the call.
  static Result<const Tree*> ordered(const Syntax& syntax, const Tree& tree, BoundCall& call) {
    const SyntaxNode term(tree);
    if (term.word("sortby_dir") == "SORTBY_USING") {
      return syntax.error(ErrorCode::unsupported, "USING in a sort term: say ASC or DESC", tree);
    }
    call.descending = term.word("sortby_dir") == "SORTBY_DESC";
    return &term["node"];
  }

  /// Texts may only be ordered by themselves: the answer must not depend on the order of rows.
  static Result<> check_order(const Syntax& syntax, const std::vector<const Tree*>& order,
                              const Tree& argument, BoundCall& call) {
    if (order.empty()) return {};
    const Tree* by = TRY(ordered(syntax, *order.front(), call));
    if (order.size() == 1 && without_places(*by) == without_places(argument)) return {};
    return syntax.error(ErrorCode::unsupported,
                        "string_agg is ordered by its argument: ORDER BY something else", *by);
  }

  static Result<> make_distinct(const Syntax& syntax, const Tree& tree, const std::string& name,
                                BoundCall& call) {
    const AggregateFunction function = call.function;
    if (function == AggregateFunction::min || function == AggregateFunction::max ||
        function == AggregateFunction::count_distinct) {
      return {};
    }
    if (function == AggregateFunction::percentile || function == AggregateFunction::count_rows) {
      return syntax.error(ErrorCode::unsupported,
                          fmt::format("{}(DISTINCT ..) is not supported", name), tree);
    }
    if (function == AggregateFunction::count) {
      call.function = AggregateFunction::count_distinct;
    } else {
      call.distinct = true;
    }
    return {};
  }

  Result<NodePtr> bind_inside(const Syntax& syntax, const Tree& tree) {
    InsideScope inside(input_);
    return bind_tree(syntax, tree, inside);
  }

  Result<Expression> expression(const Syntax& syntax, const Tree& tree, NodePtr root) {
    const TextSpan span = syntax.span_of(tree);
    return Expression::Bound::make(syntax.text().substr(span.offset, span.length),
                                   result_name(tree), std::move(root), *input_);
  }

  std::size_t position_of(const AggregateCall& call) {
    std::vector<AggregateCall>& calls = select_.calls;
    const auto known = std::find_if(calls.begin(), calls.end(), [&](const AggregateCall& other) {
      return same_call(call, other);
    });
    if (known != calls.end()) return static_cast<std::size_t>(known - calls.begin());
    calls.push_back(call);
    return calls.size() - 1;
  }

  const SchemaPtr& input_;
  const std::vector<Key>& keys_;
  AggregateSelect& select_;
};

bool same_expression(const std::optional<Expression>& a, const std::optional<Expression>& b) {
  if (!a || !b) return !a && !b;
  return Expression::Bound::root_of(*a).key() == Expression::Bound::root_of(*b).key();
}

/// Parses a group key. The exact name of a column is quoted if SQL would not read it as one, so it
/// may have any letters.
Result<Syntax> key_syntax(const NamedText& key, const SchemaPtr& input) {
  const bool column = input->GetFieldIndex(key.text) >= 0;
  std::string quoted = key.text;
  for (std::size_t at = quoted.find('"'); at != std::string::npos; at = quoted.find('"', at + 2)) {
    quoted.insert(at, 1, '"');
  }
  Result<Syntax> plain = Syntax::of_expression(key.text);
  if (!column || (plain && SyntaxNode(plain->root()).kind == "ColumnRef")) return plain;
  return Syntax::of_expression("\"" + quoted + "\"");
}

Result<> bind_key(const NamedText& named, const SchemaPtr& input, AggregateSelect& select,
                  std::vector<Key>& keys, arrow::FieldVector& fields) {
  const Syntax syntax = TRY(key_syntax(named, input));
  if (!aggregate_name(syntax.root()).empty()) {
    return syntax.error(ErrorCode::invalid_argument,
                        "aggregate functions are not allowed in group_by", syntax.root());
  }
  SchemaScope scope(input);
  NodePtr root = TRY(bind_tree(syntax, syntax.root(), scope));
  if (root->type().kind == SqlKind::unknown) root = TRY(cast_implicitly(root, sql(SqlKind::text)));
  Expression value =
      TRY(Expression::Bound::make(named.text, result_name(syntax.root()), root, *input));
  std::string name = !named.name.empty()      ? named.name
                     : value.as_column() >= 0 ? input->field(value.as_column())->name()
                                              : value.name();
  for (const Key& key : keys) {
    if (key.name == name) {
      return make_error(ErrorCode::invalid_argument, "two group columns have the name \"{}\"",
                        name);
    }
  }
  fields.push_back(arrow::field(name, value.type()));
  keys.push_back({std::move(name), without_places(syntax.root()), root->type()});
  select.key_values.push_back(std::move(value));
  return {};
}

Error within(Error error, const std::string& path) { return std::move(error).at(path); }

}  // namespace

bool same_call(const AggregateCall& a, const AggregateCall& b) {
  return a.function == b.function && same_expression(a.argument, b.argument) &&
         same_expression(a.filter, b.filter) && a.distinct == b.distinct &&
         a.fraction == b.fraction && a.separator == b.separator && a.descending == b.descending;
}

Result<AggregateSelect> bind_aggregates(const std::vector<NamedText>& group_by,
                                        const std::vector<NamedText>& select,
                                        const SchemaPtr& input) {
  AggregateSelect result;
  std::vector<Key> keys;
  arrow::FieldVector key_fields;
  for (std::size_t i = 0; i < group_by.size(); ++i) {
    Result<> bound = bind_key(group_by[i], input, result, keys, key_fields);
    if (!bound) return within(std::move(bound).error(), fmt::format("group_by.{}", i));
  }
  result.keys = arrow::schema(key_fields);

  struct Selected {
    Syntax syntax;
    NodePtr root;
  };
  std::vector<Selected> selected;
  AggregateScope scope(input, keys, result);
  for (const NamedText& named : select) {
    const std::string path = "select." + named.name;
    Result<Syntax> syntax = Syntax::of_expression(named.text);
    if (!syntax) return within(std::move(syntax).error(), path);
    Result<NodePtr> root = bind_tree(*syntax, syntax->root(), scope);
    if (!root) return within(std::move(root).error(), path);
    selected.push_back({*std::move(syntax), *std::move(root)});
  }

  arrow::FieldVector fields = key_fields;
  for (std::size_t i = 0; i < result.calls.size(); ++i) {
    fields.push_back(arrow::field(fmt::format("#{}", i), result.calls[i].type));
  }
  result.intermediate = arrow::schema(fields);

  arrow::FieldVector output = key_fields;
  for (std::size_t i = 0; i < select.size(); ++i) {
    const std::string path = "select." + select[i].name;
    const bool taken = std::any_of(output.begin(), output.end(), [&](const auto& field) {
      return field->name() == select[i].name;
    });
    if (taken) {
      return within(make_error(ErrorCode::invalid_argument,
                               "two output columns have the name \"{}\"", select[i].name),
                    path);
    }
    Result<Expression> value =
        Expression::Bound::make(select[i].text, result_name(selected[i].syntax.root()),
                                selected[i].root, *result.intermediate);
    if (!value) return within(std::move(value).error(), path);
    output.push_back(arrow::field(select[i].name, value->type()));
    result.outputs.push_back(*std::move(value));
  }
  result.output = arrow::schema(output);
  return result;
}

Result<OrderTerm> bind_order(std::string_view text, const SchemaPtr& schema) {
  const Syntax syntax = TRY(Syntax::of_order(text));
  const SyntaxNode term(syntax.root());
  SchemaScope scope(schema);
  const Tree& tree = term["node"];
  const NodePtr root = TRY(bind_tree(syntax, tree, scope));
  if (term.word("sortby_dir") == "SORTBY_USING") {
    return syntax.error(ErrorCode::unsupported, "USING in a sort term: say ASC or DESC", tree);
  }
  if (as_constant(root)) {
    return syntax.error(ErrorCode::invalid_argument,
                        "a constant orders nothing: name a column or an expression of columns",
                        tree);
  }
  if (root->type().kind == SqlKind::opaque) {
    return syntax.error(ErrorCode::invalid_argument,
                        fmt::format("values of type {} have no order", to_string(root->type())),
                        tree);
  }
  const TextSpan span = syntax.span_of(tree);
  Expression value = TRY(Expression::Bound::make(std::string(text.substr(span.offset, span.length)),
                                                 result_name(tree), root, *schema));
  const bool descending = term.word("sortby_dir") == "SORTBY_DESC";
  const std::string nulls = term.word("sortby_nulls");
  const bool first = nulls == "SORTBY_NULLS_FIRST" || (nulls != "SORTBY_NULLS_LAST" && descending);
  return OrderTerm{std::move(value), descending, first};
}

}  // namespace troupe
