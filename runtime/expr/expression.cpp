#include "runtime/expr/expression.hpp"

#include "runtime/data/arrow_result.hpp"
#include "runtime/data/take_true.hpp"
#include "runtime/expr/bound.hpp"
#include "runtime/functions/arrow_call.hpp"
#include "runtime/functions/cast.hpp"
#include "runtime/functions/comparison.hpp"
#include "runtime/functions/conditional.hpp"
#include "runtime/functions/operators.hpp"

#include <arrow/array.h>
#include <arrow/compute/api.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

namespace troupe {

namespace {

Result<Expression> bind_as(std::string_view text, const SchemaPtr& schema, bool predicate) {
  ENSURE(schema, "an expression is bound to a schema");
  const Syntax syntax = TRY(Syntax::of_expression(text));
  SchemaScope scope(schema);
  NodePtr root = TRY(bind_tree(syntax, syntax.root(), scope));
  if (predicate) root = TRY(as_boolean(root, "WHERE"));
  return Expression::Bound::make(std::string(text), result_name(syntax.root()), std::move(root),
                                 *schema);
}

/// The column that a comparison's side is, through casts that keep every value and their order.
const ColumnNode* column_of(const NodePtr& side) {
  if (const auto* column = dynamic_cast<const ColumnNode*>(side.get())) return column;
  const auto* call = dynamic_cast<const CallNode*>(side.get());
  if (!call || call->name() != "cast") return nullptr;
  const NodePtr& inner = call->inputs().front();
  const SqlKind from = inner->type().kind, to = call->type().kind;
  const bool keeps =
      (is_integer(from) && (is_integer(to) || to == SqlKind::numeric) && from < to) ||
      (from == SqlKind::int4 && to == SqlKind::float8) ||
      (from == SqlKind::int2 && to == SqlKind::float8) ||
      (from == SqlKind::float4 && to == SqlKind::float8);
  return keeps ? dynamic_cast<const ColumnNode*>(inner.get()) : nullptr;
}

/// The constant in the column's own type; nothing where that would change its value.
std::shared_ptr<arrow::Scalar> literal_of(const ConstantNode& constant,
                                          const std::shared_ptr<arrow::DataType>& type) {
  const auto value = constant.value()->GetScalar(0);
  if (!value.ok() || constant.is_null()) return nullptr;
  if ((*value)->type->Equals(*type)) return *value;
  const auto converted = arrow::compute::Cast(*value, type, arrow::compute::CastOptions::Safe());
  if (!converted.ok()) return nullptr;
  const auto back =
      arrow::compute::Cast(*converted, (*value)->type, arrow::compute::CastOptions::Safe());
  if (!back.ok() || !back->scalar()->Equals(**value)) return nullptr;
  return converted->scalar();
}

bool is_float(SqlKind kind) { return kind == SqlKind::float4 || kind == SqlKind::float8; }

/// NaN is larger than every number here, and statistics leave it out.
bool statistics_decide(Comparison comparison, SqlKind kind) {
  return !is_float(kind) || comparison == Comparison::equal || comparison == Comparison::less ||
         comparison == Comparison::less_equal;
}

void collect_bounds(const NodePtr& node, const arrow::Schema& schema,
                    std::vector<ColumnBound>& bounds) {
  if (const auto* junction = dynamic_cast<const JunctionNode*>(node.get())) {
    if (!junction->is_and()) return;
    for (const NodePtr& term : node->inputs()) collect_bounds(term, schema, bounds);
    return;
  }
  const auto* call = dynamic_cast<const CallNode*>(node.get());
  if (!call || call->inputs().size() != 2) return;
  std::optional<Comparison> comparison = comparison_of(call->name());
  if (!comparison) return;
  NodePtr left = call->inputs()[0], right = call->inputs()[1];
  if (as_constant(left)) {
    std::swap(left, right);
    comparison = mirrored(*comparison);
  }
  const ColumnNode* column = column_of(left);
  const ConstantNode* constant = as_constant(right);
  if (!column || !constant || !statistics_decide(*comparison, column->type().kind)) return;
  auto literal = literal_of(*constant, logical_type(schema.field(column->index())->type()));
  if (literal) bounds.push_back({column->index(), *comparison, std::move(literal)});
}

}  // namespace

Result<Expression> Expression::Bound::make(std::string text, std::string name, NodePtr root,
                                           const arrow::Schema& schema) {
  if (root->type().kind == SqlKind::unknown) {
    root = TRY(cast_implicitly(root, sql(SqlKind::text)));
  }
  auto bound = std::make_shared<Bound>();
  bound->text = std::move(text);
  bound->name = std::move(name);
  bound->type = arrow_type(root->type());
  if (const auto* column = dynamic_cast<const ColumnNode*>(root.get())) {
    bound->column = column->index();
    bound->type = logical_type(schema.field(column->index())->type());
  }
  bound->schema = schema.fields();
  bound->root = std::move(root);
  return Expression(std::move(bound));
}

Result<Expression> Expression::bind(std::string_view text, const SchemaPtr& schema) {
  return bind_as(text, schema, false);
}

Result<Expression> Expression::bind_predicate(std::string_view text, const SchemaPtr& schema) {
  return bind_as(text, schema, true);
}

const std::shared_ptr<arrow::DataType>& Expression::type() const { return bound_->type; }
const std::vector<int>& Expression::columns() const { return bound_->root->columns(); }
int Expression::as_column() const { return bound_->column; }
const std::string& Expression::name() const { return bound_->name; }
const std::string& Expression::text() const { return bound_->text; }

Result<std::shared_ptr<arrow::Array>> Expression::evaluate(const Batch& batch) const {
  RowFrame frame(batch);
  return bound_->evaluate(batch, frame);
}

Result<std::shared_ptr<arrow::Array>> Expression::Bound::evaluate(const Batch& batch,
                                                                  RowFrame& frame) const {
  ENSURE(batch.columns() && batch.columns()->num_columns() >= static_cast<int>(schema.size()),
         "expression \"{}\" was bound to {} columns", text, schema.size());
  if (column >= 0) return batch.columns()->column(column);
  return spread(TRY(root->evaluate(frame)), batch.rows());
}

Result<Batch> Expression::filter(const Batch& batch) const {
  const std::shared_ptr<arrow::Array> values = TRY(evaluate(batch));
  ENSURE(values->type_id() == arrow::Type::BOOL, "\"{}\" is no predicate", bound_->text);
  return take_true(batch, *values);
}

std::vector<ColumnBound> Expression::bounds() const {
  std::vector<ColumnBound> bounds;
  if (bound_->type->id() == arrow::Type::BOOL) {
    collect_bounds(bound_->root, *arrow::schema(bound_->schema), bounds);
  }
  return bounds;
}

}  // namespace troupe
