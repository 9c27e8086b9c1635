#include "runtime/operator/operator_kind.hpp"
#include "runtime/ops/wider_type.hpp"

#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>

namespace troupe {
namespace {

/// For each input the position of every output column in it.
using Positions = std::vector<std::vector<int>>;

/// Passes batches on, their columns in the order and of the types of the output.
class UnionOperator final : public Operator {
 public:
  UnionOperator(std::shared_ptr<const Positions> positions, SchemaPtr schema, int hidden)
      : positions_(std::move(positions)), schema_(std::move(schema)), hidden_(hidden) {}

  Result<Step> process(int input, const Batch& batch, Emitter& out) override {
    const std::vector<int>& positions = (*positions_)[static_cast<std::size_t>(input)];
    if (positions.empty()) {
      out.emit(batch);
      return Step::done;
    }
    arrow::FieldVector fields;
    std::vector<std::shared_ptr<arrow::Array>> columns;
    for (std::size_t i = 0; i < positions.size(); ++i) {
      auto field = batch.columns()->schema()->field(positions[i]);
      auto column = batch.columns()->column(positions[i]);
      const auto& wanted = schema_->field(static_cast<int>(i))->type();
      if (!logical_type(field->type())->Equals(*wanted)) {
        column = TRY(widened(column, wanted, field->name()));
        field = field->WithType(wanted);
      }
      fields.push_back(std::move(field));
      columns.push_back(std::move(column));
    }
    hand_on_hidden(batch, hidden_, columns);
    const int all = batch.columns()->num_columns();
    for (int i = all - hidden_; i < all; ++i) fields.push_back(batch.columns()->schema()->field(i));
    out.emit(Batch(arrow::RecordBatch::Make(arrow::schema(std::move(fields)), batch.rows(),
                                            std::move(columns))));
    return Step::done;
  }

 private:
  const std::shared_ptr<const Positions> positions_;
  const SchemaPtr schema_;  ///< of the output
  const int hidden_;
};

/// Where the columns of `first` are in `other`.
Result<std::vector<int>> positions_in(const arrow::Schema& first, const arrow::Schema& other,
                                      std::size_t input) {
  if (other.num_fields() != first.num_fields()) {
    return make_error(
        ErrorCode::invalid_argument,
        "the inputs of a union need the same columns: input 1 has {}, input {} has {}",
        first.num_fields(), input + 1, other.num_fields());
  }
  std::vector<int> positions;
  for (const auto& field : first.fields()) {
    positions.push_back(other.GetFieldIndex(field->name()));
    if (positions.back() >= 0) continue;
    return make_error(ErrorCode::invalid_argument,
                      "the inputs of a union need the same columns: input {} has no column '{}'",
                      input + 1, field->name());
  }
  return positions;
}

/// A column of the output: as it is in every input, numbers as wide as the widest; nullable where
/// it is in any input.
Result<std::shared_ptr<arrow::Field>> united(const arrow::Field& first,
                                             const std::vector<PlanInput>& inputs) {
  auto type = first.type();
  bool nullable = false;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto field = inputs[i].schema->GetFieldByName(first.name());
    const auto wider = wider_type(type, field->type());
    if (!wider) {
      Error error =
          make_error(ErrorCode::invalid_argument,
                     "column '{}' is {} in input 1 and {} in input {} of the union", first.name(),
                     first.type()->ToString(), field->type()->ToString(), i + 1);
      error.hint = "CAST it in a select before the union";
      return error;
    }
    type = wider;
    nullable = nullable || field->nullable();
  }
  return first.WithType(type)->WithNullable(nullable);
}

Result<SchemaPtr> united(const std::vector<PlanInput>& inputs) {
  arrow::FieldVector fields;
  for (const auto& field : inputs.front().schema->fields()) {
    fields.push_back(TRY(united(*field, inputs)));
  }
  return arrow::schema(std::move(fields));
}

Result<Flow> united_flow(const std::vector<PlanInput>& inputs) {
  const Flow& first = inputs.front().flow;
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    if (inputs[i].flow == first) continue;
    return make_error(
        ErrorCode::invalid_argument,
        "the inputs of a union must be of one kind: input 1 is a {}, input {} is a {}",
        to_string(first), i + 1, to_string(inputs[i].flow));
  }
  return first;
}

/// Whether batches of that input go through as they are.
bool same_columns(const arrow::Schema& input, const arrow::Schema& output) {
  for (int i = 0; i < output.num_fields(); ++i) {
    if (input.field(i)->name() != output.field(i)->name()) return false;
    if (!input.field(i)->type()->Equals(*output.field(i)->type())) return false;
  }
  return true;
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
    const SchemaPtr output = TRY(united(inputs));
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (same_columns(*inputs[i].schema, *output)) (*positions)[i].clear();
    }
    phase.outputs = {output};
    phase.flows = {TRY(united_flow(inputs))};
    phase.detail = fmt::format("{} inputs", inputs.size());
    phase.make_operator =
        [positions, output,
         hidden = hidden_columns(inputs.front().flow)]() -> Result<std::unique_ptr<Operator>> {
      return std::make_unique<UnionOperator>(positions, output, hidden);
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
          "Columns are matched by name and must have the same types; numbers become the wider "
          "type: integer with bigint or numeric, real with double precision. For distinct rows, "
          "follow it with `distinct`. Streams and tables cannot be mixed.",
      .streams = true,
  };
};

}  // namespace

void register_union(OperatorRegistry& registry) { registry.add(std::make_unique<UnionKind>()); }

}  // namespace troupe
