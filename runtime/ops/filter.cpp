#include "runtime/data/arrow_result.hpp"
#include "runtime/data/take_true.hpp"
#include "runtime/expr/expression.hpp"
#include "runtime/operator/needed_values.hpp"
#include "runtime/operator/operator_kind.hpp"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>

namespace troupe {
namespace {

/// One subtask of a filter: no state, so nothing to open, to drain or to give back.
class FilterOperator final : public Operator, public PassesColumns {
 public:
  FilterOperator(Expression where, std::vector<int> columns)
      : where_(std::move(where)), columns_(std::move(columns)) {}

  Result<Step> process(int, const Batch& batch, Emitter& out) override {
    const auto truth = TRY(where_.evaluate(batch));
    // What only the predicate reads is gone before rows are copied.
    const auto wanted = TRY(arrow_try(batch.columns()->SelectColumns(columns_)));
    out.emit(TRY(take_true(Batch(wanted), *truth)));
    return Step::done;
  }
  int input_of(int column) const override { return columns_.at(static_cast<std::size_t>(column)); }

 private:
  const Expression where_;
  const std::vector<int> columns_;  ///< of the input: those of the output
};

/// The columns of the input that somebody needs.
std::vector<int> passed_on(const arrow::Schema& input, const PlanContext& context) {
  std::vector<int> columns;
  for (int i = 0; i < input.num_fields(); ++i) {
    if (context.projection) {
      const auto& names = *context.projection;
      if (std::find(names.begin(), names.end(), input.field(i)->name()) == names.end()) continue;
    }
    columns.push_back(i);
  }
  return columns;
}

SchemaPtr schema_of(const arrow::Schema& input, const std::vector<int>& columns) {
  arrow::FieldVector fields;
  for (const int column : columns) fields.push_back(input.field(column));
  return arrow::schema(std::move(fields));
}

std::vector<int> with_hidden(std::vector<int> columns, const PlanInput& input) {
  for (int i = 0; i < hidden_columns(input.flow); ++i) {
    columns.push_back(input.schema->num_fields() + i);
  }
  return columns;
}

/// For some columns of the output: those, and what the predicate reads.
std::vector<int> with_predicate(std::vector<int> columns, const Expression& where) {
  columns.insert(columns.end(), where.columns().begin(), where.columns().end());
  std::sort(columns.begin(), columns.end());
  columns.erase(std::unique(columns.begin(), columns.end()), columns.end());
  return columns;
}

class FilterKind final : public OperatorKind {
 public:
  const OperatorDescription& description() const override { return description_; }

  Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>& inputs,
                            const PlanContext& context) const override {
    const PlanInput& input = inputs.front();
    const Result<Expression> bound =
        Expression::bind_predicate(options.text("where"), input.schema);
    if (!bound) return bound.error().at("where");
    const Expression& where = *bound;

    Phase phase;
    phase.name = "filter";
    phase.inputs = {PhaseInput{}};
    const std::vector<int> columns = passed_on(*input.schema, context);
    phase.outputs = {schema_of(*input.schema, columns)};
    phase.flows = {with_columns(input.flow, *phase.outputs.front())};
    phase.detail = where.text();
    phase.make_operator =
        [where, columns = with_hidden(columns, input)]() -> Result<std::unique_ptr<Operator>> {
      return std::make_unique<FilterOperator>(where, columns);
    };

    OperatorPlan plan;
    plan.phases = {std::move(phase)};
    plan.rows = input.rows;
    plan.bytes = input.bytes;
    plan.predicate = where;
    plan.needs = [where](const std::vector<int>& output) {
      return std::vector<std::vector<int>>{with_predicate(output, where)};
    };
    return plan;
  }

 private:
  const OperatorDescription description_ = {
      .name = "filter",
      .summary = "Passes on the rows for which a predicate is true.",
      .parameters = {{.name = "where",
                      .type = ParameterType::predicate,
                      .help = "What must hold of a row; where it is false or null the row goes.",
                      .required = true}},
      .example = "op: filter\nfrom: flights\nwith: {where: \"delay > 60 AND origin = 'JFK'\"}\n",
      .notes =
          "Filters behind a reader are handed to it: whole parts of a file that cannot hold "
          "a matching row are not read.",
      .streams = true,
      .changes = true,
  };
};

}  // namespace

void register_filter(OperatorRegistry& registry) { registry.add(std::make_unique<FilterKind>()); }

}  // namespace troupe
