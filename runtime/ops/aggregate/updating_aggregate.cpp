#include "runtime/ops/aggregate/updating_aggregate.hpp"

#include "runtime/data/arrow_result.hpp"
#include "runtime/data/key_rows.hpp"
#include "runtime/data/take.hpp"
#include "runtime/ops/aggregate/group_states.hpp"
#include "runtime/ops/changes/mini_batch.hpp"
#include "runtime/ops/changes/weighted_rows.hpp"
#include "runtime/ops/columns.hpp"
#include "runtime/state/row_store.hpp"

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <numeric>

namespace troupe {
namespace {

using Rows = std::vector<std::uint32_t>;
using Arrays = std::vector<std::shared_ptr<arrow::Array>>;

Rows all_rows(const Batch& batch) {
  Rows rows(static_cast<std::size_t>(batch.rows()));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

/// Every row of a stream of changes as a partial result.
class StatesOfRows final : public Operator {
 public:
  explicit StatesOfRows(std::shared_ptr<const UpdatingAggregation> plan) : plan_(std::move(plan)) {}

  Result<Step> process(int, const Batch& batch, Emitter& out) override {
    const auto weights = weights_of(batch);
    out.emit(with_weight(TRY(states_of_rows(*plan_->all, batch)),
                         std::vector(weights.begin(), weights.end())));
    return Step::done;
  }

 private:
  const std::shared_ptr<const UpdatingAggregation> plan_;
};

/// Keeps groups as rows. Work on a mini-batch is work on the groups that it touches: their rows are
/// found, become what they were before and what they are now, and the difference leaves.
class UpdatingAggregate final : public MiniBatchOperator {
 public:
  UpdatingAggregate(std::shared_ptr<const UpdatingAggregation> plan, GroupStates delta)
      : plan_(std::move(plan)), delta_(std::move(delta)), pending_(plan_->values.size()) {}

  Result<> open(const OperatorContext& context) override {
    groups_ = std::make_unique<RowStore>(plan_->groups, context.memory, context.barriers);
    for (const auto& table : plan_->values) {
      values_.push_back(std::make_unique<RowStore>(table, context.memory, context.barriers));
    }
    return {};
  }

  Result<StateRows> snapshot() override {
    StateRows rows;
    rows.push_back(groups_->take_changes());
    for (const auto& values : values_) rows.push_back(values->take_changes());
    return rows;
  }
  Result<> restore(int table, const Batch& rows) override {
    if (table == 0) return groups_->restore(rows);
    return values_[static_cast<std::size_t>(table) - 1]->restore(rows);
  }

 protected:
  Result<> collect(int, const Batch& batch) override {
    if (!plan_->from_changes) return add(batch, all_rows(batch), 1);
    const Signed rows = Signed::of(weights_of(batch));
    const Batch states = without_hidden(batch, 1);
    TRY(add(states, rows.given, 1));
    return add(states, rows.taken, -1);
  }

  Result<> work() override {
    std::vector<Touched> touched;
    GroupStates::Cursor cursor;
    for (Batch delta = TRY(delta_.next_states(cursor)); delta;
         delta = TRY(delta_.next_states(cursor))) {
      touched.push_back(TRY(look_up(std::move(delta))));
    }
    for (std::size_t v = 0; v < values_.size(); ++v) {
      for (const Batch& rows : pending_[v]) TRY(values_[v]->change(rows));
      pending_[v].clear();
      TRY(values_[v]->compact());
    }
    for (const Touched& groups : touched) TRY(update(groups));
    delta_ = TRY(GroupStates::make(plan_->sums));
    TRY(groups_->compact());
    return {};
  }

 private:
  /// Groups of which something has come, and what they were before.
  struct Touched {
    Batch delta;     ///< what has come: a row a group
    Rows found;      ///< those of them that were there
    Batch before;    ///< their rows
    Batch results;   ///< what they gave...
    Rows result_of;  ///< ... the row of it for each that was found; `no_row`: none
  };

  std::size_t key_count() const { return plan_->keys.size(); }

  Result<> add(const Batch& states, const Rows& rows, std::int64_t weight) {
    if (rows.empty()) return {};
    const bool whole = static_cast<std::int64_t>(rows.size()) == states.rows();
    const Batch some = whole && weight > 0 ? states : TRY(take(states, rows));
    const Batch sums = sums_of(some);
    TRY(weight > 0 ? delta_.merge(sums) : delta_.take_back(sums));
    for (std::size_t v = 0; v < values_.size(); ++v) TRY(add_values(v, some, weight));
    return {};
  }

  Result<> add_values(std::size_t v, const Batch& states, std::int64_t weight) {
    const auto part = key_count() + plan_->value_parts[v];
    const auto& columns = states.columns()->columns();
    Rows some;
    for (std::uint32_t row = 0; row < states.rows(); ++row) {
      if (!columns[part]->IsNull(row)) some.push_back(row);
    }
    if (some.empty()) return {};
    Arrays kept(columns.begin(), columns.begin() + static_cast<std::ptrdiff_t>(key_count()));
    kept.push_back(columns[part]);
    const Batch rows = make_batch(value_schema(v), std::move(kept), states.rows());
    pending_[v].push_back(with_weight(TRY(take(rows, some)), weight));
    return {};
  }

  SchemaPtr value_schema(std::size_t v) const {
    arrow::FieldVector fields = plan_->values[v]->schema->fields();
    fields.pop_back();
    return arrow::schema(std::move(fields));
  }

  /// Of partial results only those that are in the row of a group.
  Batch sums_of(const Batch& states) const {
    const auto& columns = states.columns()->columns();
    Arrays kept(columns.begin(), columns.begin() + static_cast<std::ptrdiff_t>(key_count()));
    for (const std::size_t part : plan_->sum_parts) kept.push_back(columns[key_count() + part]);
    return make_batch(plan_->sums->partial, std::move(kept), states.rows());
  }

  /// Partial results of all parts: the given ones, and null for the others.
  Result<Batch> widened(const Batch& rows, const std::vector<std::size_t>& parts) const {
    const auto& columns = rows.columns()->columns();
    Arrays all(key_count() + plan_->all->parts.size());
    std::copy_n(columns.begin(), key_count(), all.begin());
    for (std::size_t i = 0; i < parts.size(); ++i) {
      all[key_count() + parts[i]] = columns[key_count() + i];
    }
    for (std::size_t i = key_count(); i < all.size(); ++i) {
      if (all[i] != nullptr) continue;
      const auto& type = plan_->all->partial->field(static_cast<int>(i))->type();
      all[i] = TRY(arrow_try(arrow::MakeArrayOfNull(type, rows.rows())));
    }
    return make_batch(plan_->all->partial, std::move(all), rows.rows());
  }

  /// How many rows each group has, by its row of sums; empty where that is not known: some.
  std::vector<std::int64_t> counts(const Batch& sums) const {
    if (!plan_->from_changes || key_count() == 0) return {};
    const auto column = static_cast<int>(key_count() + *plan_->sums->rows_part);
    const auto* values = sums.columns()->column_data(column)->GetValues<std::int64_t>(1);
    return {values, values + sums.rows()};
  }

  /// Groups that have rows: those that give one.
  Rows shown(const Batch& sums) const {
    const auto known = counts(sums);
    if (known.empty()) return all_rows(sums);
    Rows rows;
    for (std::uint32_t row = 0; row < known.size(); ++row) {
      if (known[row] > 0) rows.push_back(row);
    }
    return rows;
  }

  /// What groups give, by their rows of sums, with the values that are known of them now.
  Result<Batch> results_of(const Batch& sums) const {
    GroupStates states = TRY(GroupStates::make(plan_->all));
    TRY(states.merge(TRY(widened(sums, plan_->sum_parts))));
    for (std::size_t v = 0; v < values_.size(); ++v) {
      const Batch rows = TRY(values_of(v, sums));
      TRY(states.merge(TRY(widened(rows, {plan_->value_parts[v]}))));
    }
    return states.results(0, static_cast<std::uint32_t>(sums.rows()));
  }

  Result<Batch> values_of(std::size_t v, const Batch& groups) const {
    RowStore& store = *values_[v];
    std::vector<RowPlace> newest, places;
    TRY(store.find(groups, plan_->keys, newest));
    const bool each = plan_->all->parts[plan_->value_parts[v]].kind == AccumulatorKind::list;
    for (RowPlace place : newest) {
      for (; place; place = store.older(place)) {
        const std::int64_t times = std::max<std::int64_t>(store.weight(place), 0);
        const auto count = each ? times : std::min<std::int64_t>(times, 1);
        places.insert(places.end(), static_cast<std::size_t>(count), place);
      }
    }
    return without_hidden(TRY(store.rows(places)), 1);
  }

  Result<Touched> look_up(Batch delta) const {
    Touched groups{
        .delta = std::move(delta), .found = {}, .before = {}, .results = {}, .result_of = {}};
    std::vector<RowPlace> places, there;
    TRY(groups_->find(groups.delta, plan_->keys, places));
    for (std::uint32_t row = 0; row < places.size(); ++row) {
      if (!places[row]) continue;
      groups.found.push_back(row);
      there.push_back(places[row]);
    }
    groups.before = without_hidden(TRY(groups_->rows(there)), 1);
    groups.result_of.assign(groups.found.size(), no_row);
    const Rows some = shown(groups.before);
    for (std::uint32_t i = 0; i < some.size(); ++i) groups.result_of[some[i]] = i;
    groups.results = TRY(results_of(TRY(take(groups.before, some))));
    return groups;
  }

  Result<> update(const Touched& groups) {
    GroupStates sum = TRY(GroupStates::make(plan_->sums));
    TRY(sum.merge(groups.before));
    TRY(sum.merge(groups.delta));
    GroupStates::Cursor cursor;
    const Batch now = TRY(sum.next_states(cursor));
    const Rows some = shown(now);
    const Batch results = TRY(results_of(TRY(take(now, some))));
    TRY(store(now));
    return put_out(groups, results, some);
  }

  /// A group without rows is none.
  Result<> store(const Batch& now) {
    std::vector<std::int64_t> weights(static_cast<std::size_t>(now.rows()), 1);
    const auto known = counts(now);
    for (std::size_t row = 0; row < known.size(); ++row) {
      if (known[row] == 0) weights[row] = -1;
    }
    return groups_->change(with_weight(now, std::move(weights)));
  }

  /// `some`: which of the groups, those found before first, the results are of.
  Result<> put_out(const Touched& groups, const Batch& results, const Rows& some) {
    const std::vector<int> all = columns_of(results);
    const KeyRows before(groups.results, all), after(results, all);
    Rows taken, given;
    std::vector<std::uint8_t> stays(groups.found.size(), 0);
    for (std::uint32_t i = 0; i < some.size(); ++i) {
      const bool known = some[i] < groups.found.size();
      const std::uint32_t old = known ? groups.result_of[some[i]] : no_row;
      const bool same = old != no_row && before.same(old, after, i);
      if (same) stays[some[i]] = 1;
      if (!same) given.push_back(i);
    }
    for (std::size_t i = 0; i < stays.size(); ++i) {
      if (stays[i] == 0 && groups.result_of[i] != no_row) taken.push_back(groups.result_of[i]);
    }
    if (!plan_->to_changes) {
      ENSURE(taken.empty(), "a row that never changes was taken back");
      queue().add(TRY(take(results, given)));
      return {};
    }
    queue().add(with_weight(TRY(take(groups.results, taken)), -1));
    queue().add(with_weight(TRY(take(results, given)), 1));
    return {};
  }

  static std::vector<int> columns_of(const Batch& batch) {
    std::vector<int> columns(static_cast<std::size_t>(batch.columns()->num_columns()));
    std::iota(columns.begin(), columns.end(), 0);
    return columns;
  }

  const std::shared_ptr<const UpdatingAggregation> plan_;
  std::unique_ptr<RowStore> groups_;
  std::vector<std::unique_ptr<RowStore>> values_;
  GroupStates delta_;                        ///< what has come since the last work
  std::vector<std::vector<Batch>> pending_;  ///< likewise, values
};

std::shared_ptr<const StateTable> groups_table(const Aggregation& sums, std::size_t keys) {
  auto table = std::make_shared<StateTable>();
  table->name = "groups";
  table->schema = with_hidden(sums.partial, {.stream = true, .changes = true});
  for (std::size_t i = 0; i < keys; ++i) {
    table->key.push_back(sums.partial->field(static_cast<int>(i))->name());
  }
  return table;
}

std::shared_ptr<const StateTable> values_table(const Aggregation& all, std::size_t part) {
  auto table = std::make_shared<StateTable>();
  arrow::FieldVector fields = all.select.keys->fields();
  for (const auto& field : fields) table->key.push_back(field->name());
  fields.push_back(all.partial->field(static_cast<int>(all.key_count() + part)));
  table->name = fmt::format("values{}", part);
  table->schema = with_hidden(arrow::schema(std::move(fields)), {.stream = true, .changes = true});
  table->merge = StateMerge::weights;
  return table;
}

}  // namespace

Result<std::shared_ptr<const UpdatingAggregation>> UpdatingAggregation::make(AggregateSelect select,
                                                                             const Flow& input) {
  auto plan = std::make_shared<UpdatingAggregation>();
  plan->from_changes = input.changes;
  plan->all = TRY(Aggregation::make(std::move(select), input.changes));
  plan->to_changes = input.changes || !plan->all->parts.empty();
  plan->keys.resize(plan->all->key_count());
  std::iota(plan->keys.begin(), plan->keys.end(), 0);
  auto sums = std::make_shared<Aggregation>(*plan->all);
  sums->parts.clear();
  arrow::FieldVector fields = plan->all->select.keys->fields();
  for (std::size_t p = 0; p < plan->all->parts.size(); ++p) {
    const Aggregation::Part& part = plan->all->parts[p];
    if (is_of_pairs(part.kind) || (input.changes && !takes_back(part.kind))) {
      plan->value_parts.push_back(p);
      plan->values.push_back(values_table(*plan->all, p));
      TRY(plan->values.back()->check());
      continue;
    }
    if (plan->all->rows_part == p) sums->rows_part = sums->parts.size();
    plan->sum_parts.push_back(p);
    sums->parts.push_back(part);
    fields.push_back(plan->all->partial->field(static_cast<int>(plan->all->key_count() + p)));
  }
  sums->partial = arrow::schema(std::move(fields));
  plan->sums = std::move(sums);
  plan->groups = groups_table(*plan->sums, plan->keys.size());
  TRY(plan->groups->check());
  return std::shared_ptr<const UpdatingAggregation>(std::move(plan));
}

Result<std::unique_ptr<Operator>> make_states_of_rows(
    std::shared_ptr<const UpdatingAggregation> plan) {
  return std::make_unique<StatesOfRows>(std::move(plan));
}

Result<std::unique_ptr<Operator>> make_updating_aggregate(
    std::shared_ptr<const UpdatingAggregation> plan) {
  GroupStates delta = TRY(GroupStates::make(plan->sums));
  return std::make_unique<UpdatingAggregate>(std::move(plan), std::move(delta));
}

}  // namespace troupe
