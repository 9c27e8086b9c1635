#include "runtime/ops/join/stream_join.hpp"

#include "runtime/data/arrow_result.hpp"
#include "runtime/data/key_hash.hpp"
#include "runtime/data/key_rows.hpp"
#include "runtime/data/take.hpp"
#include "runtime/ops/changes/output_queue.hpp"
#include "runtime/ops/changes/rows_by_time.hpp"
#include "runtime/ops/changes/weighted_rows.hpp"
#include "runtime/ops/columns.hpp"
#include "runtime/state/row_store.hpp"

#include <absl/container/flat_hash_map.h>
#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <utility>

namespace troupe {
namespace {

using Rows = std::vector<std::uint32_t>;
using Arrays = std::vector<std::shared_ptr<arrow::Array>>;

const std::int64_t* words(const Batch& batch, int column) {
  return batch.columns()->column_data(column)->GetValues<std::int64_t>(1);
}

/// One row of each key of a batch.
Result<Rows> one_of_each(const Batch& batch, const std::vector<int>& keys) {
  std::vector<std::uint64_t> hashes;
  TRY(hash_keys(batch, keys, hashes));
  const KeyRows rows(batch, keys);
  absl::flat_hash_map<std::uint64_t, Rows> seen;
  Rows first;
  for (std::uint32_t row = 0; row < hashes.size(); ++row) {
    Rows& same = seen[hashes[row]];
    if (std::ranges::any_of(same, [&](std::uint32_t one) { return rows.same(one, rows, row); })) {
      continue;
    }
    same.push_back(row);
    first.push_back(row);
  }
  return first;
}

/// A batch that has come is at work until all that follows from it has left: its pairs with the
/// other side, about a batch a call; then what becomes of rows of the other side that had no
/// partner, or have none any more.
class StreamJoin final : public Operator {
 public:
  explicit StreamJoin(std::shared_ptr<const StreamJoinSpec> spec) : spec_(std::move(spec)) {}

  Result<> open(const OperatorContext& context) override {
    for (std::size_t s = 0; s < 2; ++s) {
      stores_[s] =
          std::make_unique<RowStore>(spec_->sides[s].table, context.memory, context.barriers);
    }
    return {};
  }

  Result<Step> process(int input, const Batch& batch, Emitter& out) override {
    if (!working_) TRY(begin(static_cast<std::size_t>(input), batch));
    while (queue_.empty() && working_ && !done_) TRY(go_on());
    const bool more = queue_.let_go(out) == Step::again || !done_;
    working_ = more;
    return more ? Step::again : Step::done;
  }

  Result<Step> advance(EventTime time, Emitter&) override {
    if (!spec_->interval) return Step::done;
    for (const auto& store : stores_) {
      store->expire(time);
      TRY(store->compact());
    }
    return Step::done;
  }

  Result<StateRows> snapshot() override {
    return StateRows{stores_[0]->take_changes(), stores_[1]->take_changes()};
  }
  Result<> restore(int table, const Batch& rows) override {
    return stores_[static_cast<std::size_t>(table)]->restore(rows);
  }

 private:
  JoinType type() const { return spec_->join->type; }
  const StreamJoinSpec::Side& side() const { return spec_->sides[side_]; }
  std::size_t other() const { return 1 - side_; }
  /// Rows of that side without a partner leave.
  bool keeps(std::size_t side) const {
    return side == 0 ? spec_->join->keeps_left() : spec_->join->keeps_right();
  }
  int time_column(std::size_t side) const { return spec_->sides[side].columns->num_fields(); }
  int from_column() const { return time_column(0) + 1; }
  int until_column() const { return time_column(1) + 1; }

  Result<> begin(std::size_t side, const Batch& batch) {
    side_ = side;
    working_ = true;
    done_ = false;
    row_ = 0;
    place_ = {};
    in_row_ = false;
    const Batch rows = TRY(stored(batch));
    Rows keyed, lonely;
    divide(rows, keyed, lonely);
    if (keeps(side_)) TRY(put_out_alone(side_, TRY(take(rows, lonely)), 1));
    rows_ = lonely.empty() ? rows : TRY(take(rows, keyed));
    return stores_[other()]->find(rows_, this->side().keys, partners_);
  }

  /// Nulls match nothing.
  void divide(const Batch& rows, Rows& keyed, Rows& lonely) const {
    const int bounds = spec_->interval && side_ == 0 ? from_column() : -1;
    for (std::uint32_t row = 0; row < rows.rows(); ++row) {
      const auto null = [&](int column) { return rows.columns()->column(column)->IsNull(row); };
      const bool matches = std::ranges::none_of(side().keys, null) &&
                           (bounds < 0 || (!null(bounds) && !null(bounds + 1)));
      (matches ? keyed : lonely).push_back(row);
    }
  }

  /// As the table has it.
  Result<Batch> stored(const Batch& batch) const {
    const auto& given = batch.columns()->columns();
    const int visible = side().columns->num_fields();
    Arrays columns(given.begin(), given.begin() + visible);
    if (spec_->flow.timed) columns.push_back(given[static_cast<std::size_t>(visible)]);
    if (spec_->interval) TRY(add_bounds(batch, columns));
    std::vector<std::int64_t> weights(static_cast<std::size_t>(batch.rows()), 1);
    if (side().flow.changes) std::ranges::copy(weights_of(batch), weights.begin());
    arrow::FieldVector fields = side().table->schema->fields();
    fields.pop_back();
    return with_weight(
        make_batch(arrow::schema(std::move(fields)), std::move(columns), batch.rows()),
        std::move(weights));
  }

  Result<> add_bounds(const Batch& batch, Arrays& columns) const {
    const JoinInterval& interval = *spec_->interval;
    const auto times = times_of(batch, side().flow);
    if (side_ == 1) {
      std::vector<std::int64_t> until(times.begin(), times.end());
      for (std::int64_t& time : until) time += interval.reach_back;
      columns.push_back(times_array(std::move(until)));
      return {};
    }
    const auto from = TRY(interval.from.evaluate(batch));
    const auto* begins = from->data()->GetValues<std::int64_t>(1);
    for (std::size_t row = 0; row < times.size(); ++row) {
      if (from->IsNull(static_cast<std::int64_t>(row))) continue;
      if (begins[row] >= times[row] - interval.reach_back) continue;
      Error error = make_error(ErrorCode::invalid_argument,
                               "'from' is {} us before the event time of a left row, and rows are "
                               "kept for {} us",
                               times[row] - begins[row], interval.reach_back);
      error.hint = "make 'reach_back' longer";
      return error;
    }
    columns.push_back(from);
    columns.push_back(TRY(interval.to.evaluate(batch)));
    return {};
  }

  bool meets(std::uint32_t row, RowPlace place) const {
    if (!spec_->interval) return true;
    const RowStore& store = *stores_[other()];
    if (side_ == 0) {
      const std::int64_t time = store.word(place, time_column(1));
      return words(rows_, from_column())[row] <= time &&
             time <= words(rows_, from_column() + 1)[row];
    }
    const std::int64_t time = words(rows_, time_column(1))[row];
    return store.word(place, from_column()) <= time && time <= store.word(place, from_column() + 1);
  }

  bool gives_pairs() const { return !spec_->join->only_left(); }

  Result<> go_on() {
    Rows own;
    std::vector<RowPlace> met;
    const auto rows = static_cast<std::uint32_t>(partners_.size());
    for (; gives_pairs() && row_ < rows; ++row_) {
      if (!std::exchange(in_row_, true)) place_ = partners_[row_];
      for (; place_; place_ = stores_[other()]->older(place_)) {
        if (own.size() == static_cast<std::size_t>(batch_rows_max)) return put_out(own, met);
        if (!meets(row_, place_)) continue;
        own.push_back(row_);
        met.push_back(place_);
      }
      in_row_ = false;
    }
    TRY(put_out(own, met));
    TRY(finish());
    done_ = true;
    return {};
  }

  /// Own rows without a partner, and those of the other side that it changes something for.
  Result<> finish() {
    if (keeps(side_) || (type() == JoinType::semi && side_ == 0)) TRY(put_out_own());
    const bool matters = keeps(other()) || (type() == JoinType::semi && side_ == 1);
    if (!matters) {
      TRY(stores_[side_]->change(rows_));
    } else {
      TRY(change_and_tell());
    }
    for (const auto& store : stores_) TRY(store->compact());
    return {};
  }

  Result<> put_out_own() {
    Rows some;
    for (std::uint32_t row = 0; row < partners_.size(); ++row) {
      const bool has = count(other(), partners_[row]) > 0;
      if (has == (type() == JoinType::semi)) some.push_back(row);
    }
    return put_out_alone(side_, TRY(take(rows_, some)), 1);
  }

  /// How many rows of a side have the key of that row; enough to know whether there are any.
  std::int64_t count(std::size_t side, RowPlace newest) const {
    const RowStore& store = *stores_[side];
    if (!spec_->sides[side].flow.changes) return newest ? 1 : 0;
    std::int64_t sum = 0;
    for (RowPlace place = newest; place; place = store.older(place)) sum += store.weight(place);
    return sum;
  }

  /// A key that had no rows on this side and has some now, or the other way round, changes what its
  /// rows of the other side are.
  Result<> change_and_tell() {
    const Rows keys = TRY(one_of_each(rows_, side().keys));
    const Batch one = TRY(take(rows_, keys));
    std::vector<bool> before;
    std::vector<RowPlace> newest;
    TRY(stores_[side_]->find(one, side().keys, newest));
    for (const RowPlace place : newest) before.push_back(count(side_, place) > 0);
    TRY(stores_[side_]->change(rows_));
    TRY(stores_[side_]->find(one, side().keys, newest));
    std::vector<RowPlace> found, lost;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const bool now = count(side_, newest[i]) > 0;
      if (now == before[i]) continue;
      std::vector<RowPlace>& changed = now ? found : lost;
      for (RowPlace place = partners_[keys[i]]; place; place = stores_[other()]->older(place)) {
        changed.push_back(place);
      }
    }
    const std::int64_t sign = type() == JoinType::semi ? 1 : -1;
    TRY(put_out_alone(other(), TRY(rows_at(found)), sign));
    return put_out_alone(other(), TRY(rows_at(lost)), -sign);
  }

  /// Rows of the other side with the weights they have come to.
  Result<Batch> rows_at(const std::vector<RowPlace>& places) const {
    std::vector<std::int64_t> weights;
    for (const RowPlace place : places) weights.push_back(stores_[other()]->weight(place));
    return with_weight(without_hidden(TRY(stores_[other()]->rows(places)), 1), std::move(weights));
  }

  Result<> put_out(const Rows& own, const std::vector<RowPlace>& met) {
    if (own.empty()) return {};
    const Batch mine = TRY(take(rows_, own));
    const Batch theirs = TRY(rows_at(met));
    const Batch& left = side_ == 0 ? mine : theirs;
    const Batch& right = side_ == 0 ? theirs : mine;
    std::vector<std::int64_t> weights(own.size()), times;
    for (std::size_t i = 0; i < own.size(); ++i) {
      weights[i] = weights_of(left)[i] * weights_of(right)[i];
    }
    if (spec_->flow.timed) {
      const auto* of_left = words(left, time_column(0));
      const auto* of_right = words(right, time_column(1));
      for (std::size_t i = 0; i < own.size(); ++i) {
        times.push_back(std::max(of_left[i], of_right[i]));
      }
    }
    return leave(TRY(columns_of(&left, &right)), std::move(times), std::move(weights));
  }

  /// Rows of one side with null in the columns of the other.
  Result<> put_out_alone(std::size_t side, const Batch& rows, std::int64_t sign) {
    if (rows.rows() == 0) return {};
    const auto given = weights_of(rows);
    std::vector<std::int64_t> weights(given.begin(), given.end());
    for (std::int64_t& weight : weights) weight *= sign;
    return leave(TRY(columns_of(side == 0 ? &rows : nullptr, side == 1 ? &rows : nullptr)), {},
                 std::move(weights));
  }

  Result<Arrays> columns_of(const Batch* left, const Batch* right) const {
    const std::int64_t rows = (left ? left : right)->rows();
    Arrays columns;
    for (std::size_t i = 0; i < spec_->join->columns.size(); ++i) {
      const JoinSpec::Column& column = spec_->join->columns[i];
      if (column.from_left ? left != nullptr : right != nullptr) {
        columns.push_back((column.from_left ? left : right)->columns()->column(column.index));
      } else if (column.from_left && column.right_key >= 0) {
        columns.push_back(right->columns()->column(column.right_key));
      } else {
        const auto& type = spec_->join->schema->field(static_cast<int>(i))->type();
        columns.push_back(TRY(arrow_try(arrow::MakeArrayOfNull(type, rows))));
      }
    }
    return columns;
  }

  Result<> leave(Arrays columns, std::vector<std::int64_t> times,
                 std::vector<std::int64_t> weights) {
    const auto rows = static_cast<std::int64_t>(weights.size());
    Flow plain = spec_->flow;
    plain.changes = false;
    if (plain.timed) columns.push_back(times_array(std::move(times)));
    const Batch batch =
        make_batch(with_hidden(spec_->join->schema, plain), std::move(columns), rows);
    if (spec_->flow.changes) {
      queue_.add(with_weight(batch, std::move(weights)));
      return {};
    }
    const Signed repeated = Signed::of(weights);
    ENSURE(repeated.taken.empty(), "a join of appends took rows back");
    const bool once = repeated.given.size() == weights.size() &&
                      std::ranges::all_of(weights, [](std::int64_t weight) { return weight == 1; });
    queue_.add(once ? batch : TRY(take(batch, repeated.given)));
    return {};
  }

  const std::shared_ptr<const StreamJoinSpec> spec_;
  std::array<std::unique_ptr<RowStore>, 2> stores_;
  OutputQueue queue_;
  // Of the batch at work.
  bool working_ = false;
  bool done_ = true;  ///< nothing more follows from it
  std::size_t side_ = 0;
  Batch rows_;  ///< those that have a key, as the table has them
  std::vector<RowPlace> partners_;
  std::uint32_t row_ = 0;
  RowPlace place_;
  bool in_row_ = false;
};

Result<std::shared_ptr<const StateTable>> table_of(std::size_t side, const StreamJoinSpec::Side& of,
                                                   bool timed, bool interval) {
  const auto moment = arrow::timestamp(arrow::TimeUnit::MICRO);
  arrow::FieldVector fields = of.columns->fields();
  if (timed) fields.push_back(arrow::field(time_column, moment, false));
  auto table = std::make_shared<StateTable>();
  table->name = side == 0 ? "left" : "right";
  if (interval && side == 0) {
    fields.push_back(arrow::field("#from", moment));
    fields.push_back(arrow::field("#to", moment));
    table->expires_by = "#to";
  } else if (interval) {
    fields.push_back(arrow::field("#until", moment));
    table->expires_by = "#until";
  }
  fields.push_back(arrow::field(weight_column, arrow::int64(), false));
  table->schema = arrow::schema(std::move(fields));
  for (const int key : of.keys) table->key.push_back(of.columns->field(key)->name());
  table->merge = StateMerge::weights;
  TRY(table->check());
  return std::shared_ptr<const StateTable>(std::move(table));
}

/// Inner joins of appends are appends; so are left rows that are never taken back.
Flow flow_of(const JoinSpec& join, const std::array<Flow, 2>& flows) {
  const bool changes = flows[0].changes || flows[1].changes;
  Flow flow{.stream = flows[0].stream, .changes = changes};
  if (join.type == JoinType::inner) flow.timed = !changes && flows[0].timed && flows[1].timed;
  if (join.type != JoinType::inner && join.type != JoinType::semi) flow.changes = true;
  return flow;
}

}  // namespace

Result<std::shared_ptr<const StreamJoinSpec>> StreamJoinSpec::make(
    std::shared_ptr<const JoinSpec> join, const std::array<JoinSide, 2>& sides,
    const std::array<Flow, 2>& flows, std::optional<JoinInterval> interval) {
  auto spec = std::make_shared<StreamJoinSpec>();
  spec->flow = flow_of(*join, flows);
  spec->output = with_hidden(join->schema, spec->flow);
  for (std::size_t s = 0; s < 2; ++s) {
    spec->sides[s] = {sides[s].schema, sides[s].keys, flows[s], nullptr};
    spec->sides[s].table = TRY(table_of(s, spec->sides[s], spec->flow.timed, interval.has_value()));
  }
  spec->join = std::move(join);
  spec->interval = std::move(interval);
  return std::shared_ptr<const StreamJoinSpec>(std::move(spec));
}

Result<std::unique_ptr<Operator>> make_stream_join(std::shared_ptr<const StreamJoinSpec> spec) {
  return std::make_unique<StreamJoin>(std::move(spec));
}

}  // namespace troupe
