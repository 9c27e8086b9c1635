#include "runtime/ops/sort/first_rows.hpp"

#include "runtime/data/arrow_result.hpp"
#include "runtime/data/take.hpp"
#include "runtime/expr/quoted_name.hpp"
#include "runtime/ops/changes/rows_by_time.hpp"
#include "runtime/ops/columns.hpp"
#include "runtime/ops/sort/sort_local.hpp"
#include "runtime/ops/sort/sort_plan.hpp"
#include "runtime/ops/sort/stream_first_rows.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace troupe {
namespace {

Result<std::vector<OrderTerm>> key_terms(const std::vector<std::string>& names,
                                         const SchemaPtr& schema) {
  std::vector<std::string> texts;
  for (const std::string& name : names) texts.push_back(quoted_name(name));
  return bind_order_terms(texts, schema, "key");
}

/// The columns by which rows differ that are equal so far: those that have an order.
Result<std::vector<OrderTerm>> remaining_terms(const SchemaPtr& schema) {
  std::vector<std::string> texts;
  for (const auto& field : schema->fields()) {
    if (SortColumn::check(*field->type())) texts.push_back(quoted_name(field->name()));
  }
  return bind_order_terms(texts, schema, "key");
}

Result<SchemaPtr> output_of(const FirstRows& wanted, const SchemaPtr& input) {
  if (wanted.rank.empty()) return input;
  if (input->GetFieldIndex(wanted.rank) >= 0) {
    return make_error(ErrorCode::invalid_argument, "there is a column '{}' already", wanted.rank)
        .at("rank");
  }
  return arrow_try(
      input->AddField(input->num_fields(), arrow::field(wanted.rank, arrow::int64(), false)));
}

/// Without ties, all columns tell which row is the first one.
auto needs_of(const FirstRowsOperator::Spec& spec, const arrow::Schema& input) {
  const int columns = input.num_fields();
  std::set<int> read = columns_read(spec.key);
  read.merge(columns_read(spec.order));
  return [columns, read, all = !spec.ties](const std::vector<int>& output) {
    std::set<int> needed = read;
    for (int column = 0; column < columns; ++column) {
      if (all || std::count(output.begin(), output.end(), column) > 0) needed.insert(column);
    }
    return std::vector<std::vector<int>>{{needed.begin(), needed.end()}};
  };
}

/// Which rows of a batch differ from the row before them, by some terms.
class Changes {
 public:
  static Result<Changes> of(const std::vector<OrderTerm>& terms, const Batch& before,
                            const Batch& batch) {
    Changes changes;
    changes.key_ = TRY(make_sort_key(terms, batch));
    if (!before) return changes;
    const SortKey last = TRY(make_sort_key(terms, before));
    changes.first_ = last.compare(0, changes.key_, 0) != 0;
    return changes;
  }

  bool at(std::size_t row) const {
    return row == 0 ? first_ : key_.compare(row - 1, key_, row) != 0;
  }

 private:
  SortKey key_;
  bool first_ = true;
};

/// All rows of a key in one subtask, in order.
Phase sort_phase(const FirstRowsOperator::Spec& spec, const SortTerms& terms,
                 const SchemaPtr& schema) {
  Phase phase;
  phase.name = "sort";
  phase.inputs = {PhaseInput{.exchange = ExchangeKind::hash, .blocking = true}};
  for (const OrderTerm& term : spec.key) {
    phase.inputs.front().keys.push_back(term.value.as_column());
  }
  phase.outputs = {schema};
  phase.make_operator = [terms]() -> Result<std::unique_ptr<Operator>> {
    return std::make_unique<SortLocalOperator>(terms);
  };
  return phase;
}

Phase cut_phase(const std::shared_ptr<const FirstRowsOperator::Spec>& spec,
                const std::vector<std::string>& key) {
  Phase phase;
  phase.name = "cut";
  phase.inputs = {PhaseInput{.origin = PhaseInput::Origin::phase}};
  phase.outputs = {spec->output};
  phase.detail = fmt::format("the first {} of each {}", spec->rows, fmt::join(key, ", "));
  phase.make_operator = [spec]() -> Result<std::unique_ptr<Operator>> {
    return std::make_unique<FirstRowsOperator>(spec);
  };
  return phase;
}

Result<std::shared_ptr<const StateTable>> rows_table(const SchemaPtr& columns,
                                                     const std::vector<std::string>& key) {
  auto table = std::make_shared<StateTable>();
  table->name = "rows";
  table->schema = with_hidden(columns, {.stream = true, .changes = true});
  table->key = key;
  table->merge = StateMerge::weights;
  TRY(table->check());
  return std::shared_ptr<const StateTable>(std::move(table));
}

/// What tells the rows that are left apart: the key, and of several rows of it their places.
std::optional<std::vector<std::string>> key_left(const FirstRowsOperator::Spec& spec,
                                                 std::vector<std::string> key) {
  if (spec.ties || (spec.rows > 1 && !spec.with_rank)) return std::nullopt;
  if (spec.rows > 1) key.push_back(spec.output->fields().back()->name());
  return key;
}

/// All rows of a key in one subtask; by window where the key tells one.
Result<Phase> stream_phase(const std::shared_ptr<const FirstRowsOperator::Spec>& spec,
                           const SortTerms& terms, const std::vector<std::string>& key,
                           const PlanInput& input) {
  auto plan = std::make_shared<StreamFirstRows>();
  plan->rows = spec;
  plan->terms = terms;
  plan->input = input.flow;
  for (const OrderTerm& term : spec->key) plan->keys.push_back(term.value.as_column());
  const bool windows = std::ranges::any_of(
      key, [&](const std::string& name) { return find_window(input.flow, name) != nullptr; });
  plan->table = windows ? TRY(RowsByTime::table("rows", input.schema, plan->keys))
                        : TRY(rows_table(input.schema, key));
  Phase phase;
  phase.name = windows ? "first.windows" : "first.update";
  phase.inputs = {PhaseInput{.exchange = ExchangeKind::hash, .keys = plan->keys}};
  phase.outputs = {spec->output};
  phase.flows = {windows ? input.flow : Flow{.stream = true, .changes = true}};
  if (!windows) phase.flows.front().key = key_left(*spec, key);
  phase.detail = fmt::format("the first {} of each {}", spec->rows, fmt::join(key, ", "));
  phase.state = {plan->table};
  phase.make_operator = [plan = std::shared_ptr<const StreamFirstRows>(plan), windows] {
    return windows ? make_first_rows_of_windows(plan) : make_updating_first_rows(plan);
  };
  return phase;
}

}  // namespace

Result<OperatorPlan> plan_first_rows(FirstRows wanted, const PlanInput& input) {
  auto spec = std::make_shared<FirstRowsOperator::Spec>();
  spec->key = TRY(key_terms(wanted.key, input.schema));
  spec->order = std::move(wanted.order);
  spec->rows = wanted.rows;
  spec->ties = wanted.ties;
  spec->with_rank = !wanted.rank.empty();
  spec->output = TRY(output_of(wanted, input.schema));

  auto sorted = std::make_shared<std::vector<OrderTerm>>(spec->key);
  const auto add = [&](const std::vector<OrderTerm>& terms) {
    sorted->insert(sorted->end(), terms.begin(), terms.end());
  };
  add(spec->order);
  if (!spec->ties) add(TRY(remaining_terms(input.schema)));

  OperatorPlan plan;
  plan.needs = needs_of(*spec, *input.schema);
  if (input.flow.stream) {
    plan.phases = {TRY(stream_phase(spec, sorted, wanted.key, input))};
    return plan;
  }
  plan.phases = {sort_phase(*spec, sorted, input.schema), cut_phase(spec, wanted.key)};
  plan.take_off_hidden({input});
  return plan;
}

Result<Step> FirstRowsOperator::process(int, const Batch& batch, Emitter& out) {
  const Changes keys = TRY(Changes::of(spec_->key, last_, batch));
  std::optional<Changes> orders;
  if (spec_->ties) orders = TRY(Changes::of(spec_->order, last_, batch));
  std::vector<std::uint32_t> kept;
  std::vector<std::int64_t> ranks;
  for (std::int64_t i = 0; i < batch.rows(); ++i) {
    const auto row = static_cast<std::size_t>(i);
    const bool begins = keys.at(row);
    number_ = begins ? 1 : number_ + 1;
    if (begins || !orders || orders->at(row)) rank_ = number_;
    if (rank_ > spec_->rows) continue;
    kept.push_back(static_cast<std::uint32_t>(i));
    ranks.push_back(rank_);
  }
  const std::vector<std::uint32_t> last{static_cast<std::uint32_t>(batch.rows() - 1)};
  last_ = TRY(take(batch, last));
  if (kept.empty()) return Step::done;
  const auto rows = static_cast<std::int64_t>(kept.size());
  const Batch first = rows == batch.rows() ? batch : TRY(take(batch, kept));
  auto columns = first.columns()->columns();
  if (spec_->with_rank) {
    columns.push_back(
        std::make_shared<arrow::Int64Array>(rows, arrow::Buffer::FromVector(std::move(ranks))));
  }
  out.emit(make_batch(spec_->output, std::move(columns), rows));
  return Step::done;
}

}  // namespace troupe
