#include "runtime/operator/operator_kind.hpp"
#include "runtime/ops/wider_type.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
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
  UnionOperator(std::shared_ptr<const Positions> positions, SchemaPtr schema,
                std::vector<Flow> inputs, const Flow& output)
      : positions_(std::move(positions)),
        schema_(std::move(schema)),
        inputs_(std::move(inputs)),
        output_(output) {}

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
    add_hidden(batch, inputs_[static_cast<std::size_t>(input)], columns);
    for (int i = schema_->num_fields(); i < hidden_schema_->num_fields(); ++i) {
      fields.push_back(hidden_schema_->field(i));
    }
    out.emit(Batch(arrow::RecordBatch::Make(arrow::schema(std::move(fields)), batch.rows(),
                                            std::move(columns))));
    return Step::done;
  }

 private:
  /// A row that is never taken back counts once.
  void add_hidden(const Batch& batch, const Flow& from,
                  std::vector<std::shared_ptr<arrow::Array>>& columns) const {
    const auto& given = batch.columns()->columns();
    const std::size_t visible = given.size() - static_cast<std::size_t>(hidden_columns(from));
    if (output_.timed) columns.push_back(given[visible]);
    if (!output_.changes) return;
    if (from.changes) return columns.push_back(given.back());
    std::vector<std::int64_t> ones(static_cast<std::size_t>(batch.rows()), 1);
    columns.push_back(std::make_shared<arrow::Int64Array>(
        batch.rows(), arrow::Buffer::FromVector(std::move(ones))));
  }

  const std::shared_ptr<const Positions> positions_;
  const SchemaPtr schema_;  ///< of the output
  const std::vector<Flow> inputs_;
  const Flow output_;
  const SchemaPtr hidden_schema_ = with_hidden(schema_, output_);
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

/// With event time where all of them have one, and taking rows back where any does.
Result<Flow> united_flow(const std::vector<PlanInput>& inputs) {
  Flow united = inputs.front().flow;
  if (inputs.size() > 1) united.key.reset();
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    const Flow& flow = inputs[i].flow;
    if (flow.stream != united.stream) {
      return make_error(
          ErrorCode::invalid_argument,
          "the inputs of a union must be of one kind: input 1 is a {}, input {} is a {}",
          to_string(inputs.front().flow), i + 1, to_string(flow));
    }
    united.timed = united.timed && flow.timed;
    united.changes = united.changes || flow.changes;
    std::erase_if(united.windows, [&](const WindowColumn& column) {
      const WindowColumn* same = find_window(flow, column.name);
      return same == nullptr || *same != column;
    });
  }
  if (!united.timed || united.changes) united.windows.clear();
  return united;
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
    const Flow flow = TRY(united_flow(inputs));
    std::vector<Flow> flows;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      flows.push_back(inputs[i].flow);
      const bool same_hidden = flows[i].timed == flow.timed && flows[i].changes == flow.changes;
      if (same_hidden && same_columns(*inputs[i].schema, *output)) (*positions)[i].clear();
    }
    phase.outputs = {output};
    phase.flows = {with_columns(flow, *output)};
    phase.detail = fmt::format("{} inputs", inputs.size());
    phase.make_operator = [positions, output, flows, flow]() -> Result<std::unique_ptr<Operator>> {
      return std::make_unique<UnionOperator>(positions, output, flows, flow);
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
          "follow it with `distinct`. Streams and tables cannot be mixed. Its rows have an event "
          "time "
          "where those of all inputs have one.",
      .streams = true,
      .changes = true,
  };
};

}  // namespace

void register_union(OperatorRegistry& registry) { registry.add(std::make_unique<UnionKind>()); }

}  // namespace troupe
