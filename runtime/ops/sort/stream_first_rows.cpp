#include "runtime/ops/sort/stream_first_rows.hpp"

#include "runtime/data/take.hpp"
#include "runtime/ops/changes/mini_batch.hpp"
#include "runtime/ops/changes/rows_by_time.hpp"
#include "runtime/ops/changes/weighted_rows.hpp"
#include "runtime/ops/columns.hpp"
#include "runtime/state/row_store.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <optional>
#include <set>
#include <utility>

namespace troupe {
namespace {

class Kept final : public Emitter {
 public:
  void emit(Batch batch, int) override { batches.push_back(std::move(batch)); }
  void emit_to(std::uint32_t, Batch) override {}
  std::vector<Batch> batches;
};

/// The first rows among these, with their place where it is asked for; none (`!batch`) of none.
Result<Batch> first_of(const StreamFirstRows& plan, const Batch& rows) {
  if (rows.rows() == 0) return Batch();
  const auto values = TRY(values_of(*plan.terms, rows));
  const auto order = TRY(sort_rows(values, orders_of(*plan.terms)));
  FirstRowsOperator cut(plan.rows);
  Kept kept;
  TRY(cut.process(0, TRY(take(rows, order)), kept));
  return kept.batches.empty() ? Batch() : kept.batches.front();
}

class FirstRowsOfWindows final : public Operator {
 public:
  explicit FirstRowsOfWindows(std::shared_ptr<const StreamFirstRows> plan)
      : plan_(std::move(plan)),
        output_(with_hidden(plan_->rows->output, {.stream = true, .timed = true})) {}

  Result<> open(const OperatorContext& context) override {
    rows_.emplace(plan_->table, context);
    return {};
  }
  Result<Step> process(int, const Batch& batch, Emitter&) override {
    TRY(rows_->add(batch));
    return Step::done;
  }
  Result<Step> advance(EventTime time, Emitter& out) override {
    return close(time.time_since_epoch().count(), out);
  }
  Result<Step> drain(Emitter& out) override {
    return close(EventTime::max().time_since_epoch().count(), out);
  }

  Result<StateRows> snapshot() override { return StateRows{rows_->take_changes()}; }
  Result<> restore(int, const Batch& rows) override { return rows_->restore(rows); }

  std::vector<std::string> notes() const override {
    if (rows_->late() == 0) return {};
    return {fmt::format("{} late row{} dropped", rows_->late(),
                        rows_->late() == 1 ? " was" : "s were")};
  }

 private:
  /// A window a step.
  Result<Step> close(std::int64_t watermark, Emitter& out) {
    const auto time = rows_->first();
    if (queue_.empty() && time && *time < watermark) {
      const Batch first = TRY(first_of(*plan_, TRY(concat(rows_->take(*time)))));
      auto columns = first.columns()->columns();
      columns.push_back(times_array(std::vector(static_cast<std::size_t>(first.rows()), *time)));
      queue_.add(make_batch(output_, std::move(columns), first.rows()));
    }
    if (queue_.empty()) return Step::done;
    queue_.let_go(out);
    return Step::again;
  }

  const std::shared_ptr<const StreamFirstRows> plan_;
  const SchemaPtr output_;
  std::optional<RowsByTime> rows_;
  OutputQueue queue_;
};

/// Work on a mini-batch is work on the keys that it touches: their first rows before and after, and
/// the difference leaves.
class UpdatingFirstRows final : public MiniBatchOperator {
 public:
  explicit UpdatingFirstRows(std::shared_ptr<const StreamFirstRows> plan)
      : plan_(std::move(plan)) {}

  Result<> open(const OperatorContext& context) override {
    rows_ = std::make_unique<RowStore>(plan_->table, context.memory, context.barriers);
    return {};
  }

  Result<StateRows> snapshot() override { return StateRows{rows_->take_changes()}; }
  Result<> restore(int, const Batch& rows) override { return rows_->restore(rows); }

 protected:
  Result<> collect(int, const Batch& batch) override {
    const Batch visible = without_hidden(batch, hidden_columns(plan_->input));
    std::vector<std::int64_t> weights(static_cast<std::size_t>(batch.rows()), 1);
    if (plan_->input.changes) {
      const auto given = weights_of(batch);
      weights.assign(given.begin(), given.end());
    }
    collected_.push_back(with_weight(visible, std::move(weights)));
    return {};
  }

  Result<> work() override {
    if (collected_.empty()) return {};
    const Batch delta = TRY(concat(std::exchange(collected_, {})));
    const Batch before = TRY(rows_of_keys(delta));
    if (plan_->input.changes) {
      TRY(rows_->change(delta));
      TRY(put_out(TRY(first_of(*plan_, before)), TRY(first_of(*plan_, TRY(rows_of_keys(delta))))));
    } else {
      TRY(replace(before, delta));
    }
    return compact();
  }

 private:
  Result<> compact() {
    TRY(rows_->compact());
    return {};
  }

  /// All rows that are known of the keys of a batch, as often as they count.
  Result<Batch> rows_of_keys(const Batch& delta) const {
    std::vector<RowPlace> newest, places;
    TRY(rows_->find(delta, plan_->keys, newest));
    std::set<std::pair<std::uint32_t, std::uint32_t>> seen;
    for (RowPlace place : newest) {
      if (!place || !seen.insert({place.piece, place.row}).second) continue;
      for (; place; place = rows_->older(place)) {
        const auto times = std::max<std::int64_t>(rows_->weight(place), 0);
        places.insert(places.end(), static_cast<std::size_t>(times), place);
      }
    }
    return without_hidden(TRY(rows_->rows(places)), 1);
  }

  /// Over appends: the rows that are known are the first ones.
  Result<> replace(const Batch& before, const Batch& delta) {
    const Batch all = TRY(concat({before, without_hidden(delta, 1)}));
    const Batch first = TRY(first_of(*plan_, all));
    if (!plan_->rows->with_rank) {
      const Batch changed = TRY(difference(before, first));
      TRY(rows_->change(changed));
      queue().add(changed);
      return {};
    }
    TRY(rows_->change(TRY(difference(before, without_hidden(first, 1)))));
    return put_out(TRY(first_of(*plan_, before)), first);
  }

  static Result<Batch> difference(const Batch& before, const Batch& after) {
    std::vector<Batch> both;
    if (before && before.rows() > 0) both.push_back(with_weight(before, -1));
    if (after && after.rows() > 0) both.push_back(with_weight(after, 1));
    if (both.empty()) return Batch();
    return net_changes(TRY(concat(both)));
  }

  Result<> put_out(const Batch& before, const Batch& after) {
    const Batch changed = TRY(difference(before, after));
    if (changed) queue().add(changed);
    return {};
  }

  const std::shared_ptr<const StreamFirstRows> plan_;
  std::unique_ptr<RowStore> rows_;
  std::vector<Batch> collected_;  ///< with weights
};

}  // namespace

Result<std::unique_ptr<Operator>> make_first_rows_of_windows(
    std::shared_ptr<const StreamFirstRows> plan) {
  return std::make_unique<FirstRowsOfWindows>(std::move(plan));
}

Result<std::unique_ptr<Operator>> make_updating_first_rows(
    std::shared_ptr<const StreamFirstRows> plan) {
  return std::make_unique<UpdatingFirstRows>(std::move(plan));
}

}  // namespace troupe
