#include "runtime/ops/operator_kind.hpp"

#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>

namespace troupe {
namespace {

/// For each input the position of every output column in it.
using Positions = std::vector<std::vector<int>>;

/// Passes batches on, their columns in the order of the first input.
class UnionOperator final : public Operator {
 public:
  explicit UnionOperator(std::shared_ptr<const Positions> positions)
      : positions_(std::move(positions)) {}

  Result<Step> process(int input, const Batch& batch, Emitter& out) override {
    const std::vector<int>& positions = (*positions_)[static_cast<std::size_t>(input)];
    if (positions.empty()) {
      out.emit(batch);
      return Step::done;
    }
    arrow::FieldVector fields;
    std::vector<std::shared_ptr<arrow::Array>> columns;
    for (const int position : positions) {
      fields.push_back(batch.columns()->schema()->field(position));
      columns.push_back(batch.columns()->column(position));
    }
    out.emit(Batch(arrow::RecordBatch::Make(arrow::schema(std::move(fields)), batch.rows(),
                                            std::move(columns))));
    return Step::done;
  }

 private:
  const std::shared_ptr<const Positions> positions_;
};

/// Where the columns of `first` are in `other`; empty where they are at the same place.
Result<std::vector<int>> positions_in(const arrow::Schema& first, const arrow::Schema& other,
                                      std::size_t input) {
  if (other.num_fields() != first.num_fields()) {
    return fail(ErrorCode::invalid_argument,
                "the inputs of a union need the same columns: input 1 has {}, input {} has {}",
                first.num_fields(), input + 1, other.num_fields());
  }
  std::vector<int> positions;
  bool same_order = true;
  for (int i = 0; i < first.num_fields(); ++i) {
    const auto& field = *first.field(i);
    const int position = other.GetFieldIndex(field.name());
    if (position < 0) {
      return fail(ErrorCode::invalid_argument,
                  "the inputs of a union need the same columns: input {} has no column '{}'",
                  input + 1, field.name());
    }
    if (!other.field(position)->type()->Equals(*field.type())) {
      Error error =
          fail(ErrorCode::invalid_argument,
               "column '{}' is {} in input 1 and {} in input {} of the union", field.name(),
               field.type()->ToString(), other.field(position)->type()->ToString(), input + 1);
      error.hint = fmt::format("CAST it in a select before the union");
      return error;
    }
    positions.push_back(position);
    same_order = same_order && position == i;
  }
  if (same_order) positions.clear();
  return positions;
}

/// The first input's columns, nullable where they are in any input.
SchemaPtr united(const std::vector<PlanInput>& inputs) {
  arrow::FieldVector fields;
  for (const auto& field : inputs.front().schema->fields()) {
    bool nullable = false;
    for (const PlanInput& input : inputs) {
      nullable = nullable || input.schema->GetFieldByName(field->name())->nullable();
    }
    fields.push_back(field->WithNullable(nullable));
  }
  return arrow::schema(std::move(fields));
}

class UnionKind final : public OperatorKind {
 public:
  const OperatorDescription& description() const override { return description_; }

  Result<OperatorPlan> plan(const Options&, const std::vector<PlanInput>& inputs,
                            const PlanContext&) const override {
    auto positions = std::make_shared<Positions>();
    OperatorPlan plan;
    Phase phase;
    phase.name = "union";
    plan.rows = 0;
    plan.bytes = 0;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      positions->push_back(TRY(positions_in(*inputs[0].schema, *inputs[i].schema, i)));
      phase.inputs.push_back(PhaseInput{.index = static_cast<int>(i)});
      plan.rows =
          plan.rows && inputs[i].rows ? std::optional(*plan.rows + *inputs[i].rows) : std::nullopt;
      plan.bytes = plan.bytes && inputs[i].bytes ? std::optional(*plan.bytes + *inputs[i].bytes)
                                                 : std::nullopt;
    }
    phase.outputs = {united(inputs)};
    phase.detail = fmt::format("{} inputs", inputs.size());
    phase.make_operator = [positions]() -> Result<std::unique_ptr<Operator>> {
      return std::make_unique<UnionOperator>(positions);
    };
    plan.phases = {std::move(phase)};
    plan.needs = [positions](const std::vector<int>& output) {
      std::vector<std::vector<int>> needed;
      for (const std::vector<int>& input : *positions) {
        needed.emplace_back();
        for (const int column : output) {
          needed.back().push_back(input.empty() ? column : input[static_cast<std::size_t>(column)]);
        }
        std::sort(needed.back().begin(), needed.back().end());
      }
      return needed;
    };
    return plan;
  }

 private:
  const OperatorDescription description_ = {
      .name = "union",
      .summary = "All rows of two or more inputs, repeated ones included (UNION ALL).",
      .inputs_min = 2,
      .inputs_max = -1,
      .parameters = {},
      .example = "op: union\nfrom: [january, february]\n",
      .notes =
          "Columns are matched by name and must have the same types. For distinct rows, "
          "follow it with `distinct`.",
  };
};

}  // namespace

void register_union(OperatorRegistry& registry) { registry.add(std::make_unique<UnionKind>()); }

}  // namespace troupe
