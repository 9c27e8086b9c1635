#include "runtime/operator/operator_kind.hpp"
#include "runtime/ops/columns.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

namespace troupe {
namespace {

/// Puts the weight of each row behind its visible columns.
class ChangesOperator final : public Operator {
 public:
  ChangesOperator(const Flow& flow, SchemaPtr output) : flow_(flow), output_(std::move(output)) {}

  Result<Step> process(int, const Batch& batch, Emitter& out) override {
    auto columns = batch.columns()->columns();
    auto weights = columns.back();
    if (flow_.changes) {
      columns.pop_back();
    } else {
      std::vector<std::int64_t> ones(static_cast<std::size_t>(batch.rows()), 1);
      weights = std::make_shared<arrow::Int64Array>(batch.rows(),
                                                    arrow::Buffer::FromVector(std::move(ones)));
    }
    columns.insert(columns.end() - (flow_.timed ? 1 : 0), weights);
    out.emit(make_batch(output_, std::move(columns), batch.rows()));
    return Step::done;
  }

 private:
  const Flow flow_;  ///< of the input
  const SchemaPtr output_;
};

class ChangesKind final : public OperatorKind {
 public:
  const OperatorDescription& description() const override { return description_; }

  Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>& inputs,
                            const PlanContext&) const override {
    const PlanInput& input = inputs.front();
    const std::string name = options.text("as");
    if (input.schema->GetFieldIndex(name) >= 0) {
      return make_error(ErrorCode::invalid_argument, "there is a column '{}' already", name)
          .at("as");
    }
    arrow::FieldVector fields = input.schema->fields();
    fields.push_back(arrow::field(name, arrow::int64(), false));
    Phase phase;
    phase.name = "changes";
    phase.inputs = {PhaseInput{}};
    phase.outputs = {arrow::schema(std::move(fields))};
    Flow flow = input.flow;
    flow.changes = false;
    flow.key.reset();
    phase.flows = {flow};
    phase.make_operator =
        [flow = input.flow,
         output = with_hidden(phase.outputs.front(), flow)]() -> Result<std::unique_ptr<Operator>> {
      return std::make_unique<ChangesOperator>(flow, output);
    };
    OperatorPlan plan;
    plan.phases = {std::move(phase)};
    plan.rows = input.rows;
    return plan;
  }

 private:
  const OperatorDescription description_ = {
      .name = "changes",
      .summary =
          "Makes the weight of each row a column, so that changes can be stored as they are.",
      .parameters = {{.name = "as",
                      .type = ParameterType::text,
                      .help = "The name of the column (bigint): 1 where a row comes, -1 where it "
                              "is taken back.",
                      .default_value = "\"weight\""}},
      .example = "op: changes\nfrom: balances\nwith: {as: diff}\n",
      .notes =
          "The rows that are left are those whose weights do not add up to zero. Of a stream "
          "that takes no rows back, all weights are 1.",
      .streams = true,
      .changes = true,
  };
};

}  // namespace

void register_changes(OperatorRegistry& registry) { registry.add(std::make_unique<ChangesKind>()); }

}  // namespace troupe
