#include "runtime/ops/join/join_operator.hpp"

#include "runtime/data/arrow_result.hpp"
#include "runtime/data/take.hpp"
#include "runtime/operator/flow.hpp"
#include "runtime/ops/changes/weighted_rows.hpp"

#include <arrow/array/builder_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <utility>

namespace troupe {

Result<> JoinOperator::open(const OperatorContext& context) {
  context_ = context;
  memory_.attach(context.memory);
  held_memory_.attach(context.memory);
  early_ = !context.early_inputs.empty();
  return {};
}

Result<Step> JoinOperator::process(int input, const Batch& batch, Emitter& out) {
  // Called again, now where files may be written.
  if (overflow_begins_) TRY(begin_overflow());
  if (input == 1) return build(batch);
  if (overflow_ != nullptr) {
    TRY(overflow_->add_probe(batch));
    return Step::done;
  }
  if (!build_ended_) return hold(batch);
  if (table_ == nullptr) TRY(make_table());  // from what was restored
  if (held_.empty()) return probe(batch, out);
  TRY(probe_held(out));
  return Step::again;
}

Result<> JoinOperator::begin_overflow() {
  overflow_begins_ = false;
  overflow_ = TRY(JoinOverflow::create(spec_, context_));
  for (const Batch& batch : build_) TRY(overflow_->add_build(batch));
  build_.clear();
  memory_.release();
  for (const Batch& batch : held_) TRY(overflow_->add_probe(batch));
  held_.clear();
  held_memory_.release();
  return {};
}

Result<Step> JoinOperator::build(const Batch& batch) {
  if (restored_) return Step::done;
  if (overflow_ != nullptr) {
    TRY(overflow_->add_build(batch));
    return Step::done;
  }
  const std::int64_t bytes = JoinTable::cost_of(batch);
  if (memory_.bytes() + bytes > build_bytes_max || !memory_.grow(bytes)) {
    if (spec_->stream) return too_large();
    overflow_begins_ = true;
    return Step::again;
  }
  build_.push_back(batch);
  if (context_.barriers) unsaved_.push_back(batch);
  return Step::done;
}

Result<Step> JoinOperator::hold(const Batch& batch) {
  if (!held_memory_.grow(batch.bytes())) {
    overflow_begins_ = true;
    return Step::again;
  }
  held_.push_back(batch);
  return Step::done;
}

Result<> JoinOperator::end_of_input(int input, Emitter&) {
  if (input == 0 || restored_) return {};
  build_ended_ = true;
  return make_table();
}

Result<> JoinOperator::make_table() {
  if (overflow_ != nullptr) return {};
  if (build_.empty()) {
    build_.emplace_back(TRY(arrow_try(arrow::RecordBatch::MakeEmpty(spec_->right))));
  }
  table_ = std::make_unique<JoinTable>(
      TRY(JoinTable::make(spec_, std::exchange(build_, std::vector<Batch>()), asked_)));
  prober_ = std::make_unique<JoinProbe>(*table_);
  return {};
}

Result<Step> JoinOperator::probe(const Batch& batch, Emitter& out) {
  if (!probing_) TRY(prober_->start(batch, nullptr, true));
  probing_ = prober_->next(pairs_);
  if (!probing_) return Step::done;
  out.emit(TRY(table_->output(batch, pairs_)));
  if (static_cast<std::int64_t>(pairs_.left.size()) == batch_rows_max) return Step::again;
  probing_ = false;
  return Step::done;
}

/// One step with the oldest batch that was held.
Result<> JoinOperator::probe_held(Emitter& out) {
  if (TRY(probe(held_.front(), out)) == Step::again) return {};
  held_.pop_front();
  if (held_.empty()) held_memory_.release();
  return {};
}

Result<Step> JoinOperator::drain(Emitter& out) {
  if (overflow_ != nullptr) return overflow_->drain(out);
  if (!held_.empty()) {
    TRY(probe_held(out));
    return Step::again;
  }
  if (table_ == nullptr) return Step::done;  // restored, and nothing came
  const auto rows = table_->unmatched(unmatched_from_);
  if (rows.empty()) return Step::done;
  out.emit(TRY(table_->output_unmatched(rows)));
  return Step::again;
}

/// Rows of the left side without a partner are not needed, where they are not output.
std::vector<int> JoinOperator::told_columns(int input) const {
  const bool tells = input == 0 && !spec_->keeps_left() && !spec_->stream;
  return tells ? spec_->left_keys : std::vector<int>();
}

/// An empty build side asks for nothing: the first batch of any rows ends the other one.
std::optional<NeededValues> JoinOperator::needed(int input) const {
  if (!build_ended_) return std::nullopt;
  const bool told = input == 0 && table_ != nullptr && table_->rows() > 0;
  return told ? table_->needed() : NeededValues();
}

bool JoinOperator::satisfied() const {
  const bool needs_both = spec_->type == JoinType::inner || spec_->type == JoinType::semi ||
                          spec_->type == JoinType::right;
  return !spec_->stream && needs_both && table_ != nullptr && table_->rows() == 0;
}

Error JoinOperator::too_large() const {
  Error error = make_error(ErrorCode::unavailable,
                           "the table that a stream is joined with takes more than is left of the "
                           "{} bytes that its run may reserve",
                           context_.memory->bytes_max());
  error.hint = "give the run more memory";
  return error;
}

std::vector<std::shared_ptr<const StateTable>> JoinOperator::tables(const JoinSpec& spec) {
  auto rows = std::make_shared<StateTable>();
  rows->name = "table";
  rows->schema = with_hidden(spec.right, {.stream = true, .changes = true});
  for (const int key : spec.right_keys) rows->key.push_back(spec.right->field(key)->name());
  rows->merge = StateMerge::weights;
  auto read = std::make_shared<StateTable>();
  read->name = "read";
  read->schema = arrow::schema({arrow::field("read", arrow::boolean(), false)});
  read->owner = StateOwner::task;
  return {rows, read};
}

/// Not one row of the left side has been taken before the table was there.
Result<StateRows> JoinOperator::snapshot() {
  if (!spec_->stream) return StateRows();
  StateRows rows(2);
  if (!build_ended_) return rows;
  for (const Batch& batch : std::exchange(unsaved_, {})) rows[0].push_back(with_weight(batch, 1));
  arrow::BooleanBuilder read;
  TRY(arrow_try(read.Append(true)));
  rows[1].emplace_back(
      arrow::RecordBatch::Make(arrow::schema({arrow::field("read", arrow::boolean(), false)}), 1,
                               {TRY(arrow_try(read.Finish()))}));
  return rows;
}

Result<> JoinOperator::restore(int table, const Batch& rows) {
  if (table == 0) {
    const Signed some = Signed::of(weights_of(rows));
    build_.push_back(TRY(take(without_hidden(rows, 1), some.given)));
    if (!memory_.grow(JoinTable::cost_of(build_.back()))) return too_large();
    return {};
  }
  if (rows.rows() == 0 || std::exchange(restored_, true)) return {};
  build_ended_ = true;
  return {};
}

}  // namespace troupe
