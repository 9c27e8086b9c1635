#include "runtime/data/arrow_result.hpp"
#include "runtime/data/key_hash.hpp"
#include "runtime/data/take.hpp"
#include "runtime/operator/operator_kind.hpp"
#include "runtime/state/row_store.hpp"

#include <arrow/array/util.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>

namespace troupe {
namespace {

/// Columns by which rows can be dealt out: all that have a durable hash.
Result<std::vector<int>> hashed_columns(const arrow::Schema& schema) {
  std::vector<int> columns;
  std::vector<std::uint64_t> hashes;
  for (int i = 0; i < schema.num_fields(); ++i) {
    const auto null = TRY(arrow_try(arrow::MakeArrayOfNull(schema.field(i)->type(), 1)));
    if (hash_keys({null}, 1, hashes)) columns.push_back(i);
  }
  return columns;
}

/// Adds up the weights of equal rows, and puts out those that are left at the end.
class MaterializeOperator final : public Operator {
 public:
  explicit MaterializeOperator(std::shared_ptr<const StateTable> table)
      : table_(std::move(table)) {}

  Result<> open(const OperatorContext& context) override {
    rows_ = std::make_unique<RowStore>(table_, context.memory, context.barriers);
    return {};
  }

  Result<Step> process(int, const Batch& batch, Emitter&) override {
    TRY(rows_->change(batch));
    TRY(rows_->compact());
    return Step::done;
  }

  Result<StateRows> snapshot() override { return StateRows{rows_->take_changes()}; }
  Result<> restore(int, const Batch& rows) override { return rows_->restore(rows); }

  Result<Step> drain(Emitter& out) override {
    if (!left_) left_ = TRY(rows_left());
    const std::size_t end =
        std::min(left_->size(), next_ + static_cast<std::size_t>(batch_rows_max));
    if (next_ == end) return Step::done;
    const std::span<const RowPlace> places(left_->data() + next_, end - next_);
    out.emit(without_hidden(TRY(rows_->rows(places)), 1));
    next_ = end;
    return Step::again;
  }

 private:
  /// As often as they count.
  Result<std::vector<RowPlace>> rows_left() const {
    std::vector<RowPlace> places;
    for (const RowPlace place : rows_->all()) {
      const std::int64_t weight = rows_->weight(place);
      if (weight < 0) {
        return make_error(ErrorCode::corrupt, "rows were taken back that had never been there");
      }
      places.insert(places.end(), static_cast<std::size_t>(weight), place);
    }
    return places;
  }

  const std::shared_ptr<const StateTable> table_;
  std::unique_ptr<RowStore> rows_;
  std::optional<std::vector<RowPlace>> left_;  ///< known once the input has ended
  std::size_t next_ = 0;
};

class MaterializeKind final : public OperatorKind {
 public:
  const OperatorDescription& description() const override { return description_; }

  Result<OperatorPlan> plan(const Options&, const std::vector<PlanInput>& inputs,
                            const PlanContext&) const override {
    const PlanInput& input = inputs.front();
    if (!input.flow.changes) {
      Error error = make_error(ErrorCode::invalid_argument, "its input takes no rows back");
      error.hint = "leave it out: these rows are final as they come";
      return error;
    }
    if (input.endless) {
      Error error = make_error(ErrorCode::unsupported,
                               "rows that may be taken back are final only when the stream has "
                               "ended, and this one never does");
      error.hint =
          "group by the columns of a window, so that rows come once they are final; take a sink "
          "that takes changes; or make the weight of rows a column (op: changes)";
      return error;
    }
    auto table = std::make_shared<StateTable>();
    table->name = "rows";
    table->schema = with_hidden(input.schema, {.stream = true, .changes = true});
    table->merge = StateMerge::weights;
    const std::vector<int> keys = TRY(hashed_columns(*input.schema));
    for (const int key : keys) table->key.push_back(input.schema->field(key)->name());
    TRY(table->check());

    Phase phase;
    phase.name = "materialize";
    phase.inputs = {PhaseInput{.exchange = keys.empty() ? ExchangeKind::gather : ExchangeKind::hash,
                               .keys = keys}};
    if (keys.empty()) phase.parallelism_max = 1;
    phase.outputs = {input.schema};
    phase.flows = {{.stream = true}};
    phase.state = {table};
    phase.make_operator = [table]() -> Result<std::unique_ptr<Operator>> {
      return std::make_unique<MaterializeOperator>(table);
    };
    OperatorPlan plan;
    plan.phases = {std::move(phase)};
    return plan;
  }

 private:
  const OperatorDescription description_ = {
      .name = "materialize",
      .summary =
          "Keeps the rows of a stream that takes rows back, and passes on those that are "
          "left when it has ended.",
      .parameters = {},
      .example = "op: materialize\nfrom: balances\n",
      .notes =
          "Stands in front of a sink that takes no rows back, whether one writes it or not. "
          "The order of its rows is not defined, and they have no event time.",
      .streams = true,
      .changes = true,
  };
};

}  // namespace

void register_materialize(OperatorRegistry& registry) {
  registry.add(std::make_unique<MaterializeKind>());
}

}  // namespace troupe
