#include "runtime/data/arrow_result.hpp"
#include "runtime/data/take.hpp"
#include "runtime/operator/flow.hpp"
#include "runtime/operator/reservation.hpp"
#include "runtime/ops/aggregate/group_states.hpp"
#include "runtime/ops/columns.hpp"
#include "runtime/ops/window/window_plan.hpp"
#include "runtime/ops/window/window_state.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace troupe {
namespace {

/// What it holds whatever the budget says, so that a few rows always find room.
constexpr std::int64_t unreserved_bytes_max = 256 << 10;

std::shared_ptr<arrow::Array> moments(std::int64_t moment, std::int64_t rows) {
  std::vector<std::int64_t> values(static_cast<std::size_t>(rows), moment);
  return std::make_shared<arrow::TimestampArray>(arrow::timestamp(arrow::TimeUnit::MICRO), rows,
                                                 arrow::Buffer::FromVector(std::move(values)));
}

class CloseWindows final : public Operator {
 public:
  CloseWindows(const WindowSpan& span, std::shared_ptr<const Aggregation> plan, SchemaPtr output,
               bool bounds, std::shared_ptr<const StateTable> slices)
      : span_(span),
        plan_(std::move(plan)),
        output_(std::move(output)),
        bounds_(bounds),
        slices_table_(std::move(slices)) {}

  Result<> open(const OperatorContext& context) override {
    notes_changes_ = context.barriers;
    memory_.attach(context.memory);
    memory_bytes_max_ = context.memory ? context.memory->bytes_max() : 0;
    return {};
  }

  Result<Step> process(int, const Batch& batch, Emitter&) override {
    TRY(add(batch, notes_changes_));
    return Step::done;
  }

  Result<Step> advance(EventTime time, Emitter& out) override {
    return close(time.time_since_epoch().count(), out);
  }
  Result<Step> drain(Emitter& out) override {
    return close(EventTime::max().time_since_epoch().count(), out);
  }

  /// Of the slices that are still open.
  Result<StateRows> snapshot() override {
    StateRows tables(2);
    for (const auto& [slice, batches] : changes_) {
      for (const Batch& batch : batches) {
        tables[0].push_back(slice_rows(*slices_table_, span_, slice, batch));
      }
    }
    if (closed_) tables[1] = {closed_row(*closed_)};
    changes_.clear();
    shrink(std::exchange(changed_bytes_, 0));
    return tables;
  }

  Result<> restore(int table, const Batch& rows) override {
    if (table == 0) return add(TRY(states_of(rows)), false);
    const auto& ends = static_cast<const arrow::TimestampArray&>(*rows.columns()->column(0));
    for (std::int64_t row = 0; row < ends.length(); ++row) {
      closed_ = std::max(closed_.value_or(ends.Value(row)), ends.Value(row));
    }
    return {};
  }

 private:
  /// A window whose rows leave, a batch a call.
  struct Closing {
    std::int64_t end = 0;
    GroupStates* states = nullptr;
    std::uint32_t next = 0;
  };

  Result<> add(const Batch& batch, bool note) {
    // The first column is the slice: a batch has few of them, mostly one.
    const auto& slices = static_cast<const arrow::TimestampArray&>(*batch.columns()->column(0));
    std::map<std::int64_t, std::vector<std::uint32_t>> rows;
    for (std::uint32_t row = 0; row < slices.length(); ++row) {
      rows[slices.Value(row)].push_back(row);
    }
    for (const auto& [slice, mine] : rows) {
      const Batch some = rows.size() == 1 ? batch : TRY(take(batch, mine));
      TRY(add(slice, Batch(TRY(arrow_try(some.columns()->RemoveColumn(0))))));
      if (note) TRY(note_change(slice, some));
    }
    return {};
  }

  Result<> note_change(std::int64_t slice, const Batch& batch) {
    changes_[slice].push_back(batch);
    changed_bytes_ += batch.bytes();
    return reserve(batch.bytes());
  }

  static Batch closed_row(std::int64_t end) {
    return Batch(arrow::RecordBatch::Make(closed_table()->schema, 1, {moments(end, 1)}));
  }

  Result<> add(std::int64_t slice, const Batch& states) {
    auto found = slices_.find(slice);
    if (found == slices_.end()) {
      found = slices_.emplace(slice, TRY(GroupStates::make(plan_))).first;
    }
    GroupStates& into = found->second;
    const std::int64_t before = into.bytes();
    TRY(into.merge(states));
    return reserve(into.bytes() - before);
  }

  Result<> reserve(std::int64_t more) {
    held_ += more;
    if (memory_.grow(held_ - memory_.bytes()) || held_ <= unreserved_bytes_max) return {};
    Error error = make_error(ErrorCode::unavailable,
                             "the open windows take {} bytes, more than is left of the {} bytes "
                             "that their run may reserve",
                             held_, memory_bytes_max_);
    error.hint = "give the run more memory, or make windows shorter";
    return error;
  }

  /// Puts out windows that end by `time`, in the order of their ends.
  Result<Step> close(std::int64_t time, Emitter& out) {
    if (!closing_ && !TRY(begin_next(time))) return Step::done;
    const std::uint32_t groups = closing_->states->groups();
    const std::uint32_t end =
        std::min(groups, closing_->next + static_cast<std::uint32_t>(batch_rows_max));
    if (closing_->next < end) out.emit(TRY(rows_of(*closing_, end)));
    closing_->next = end;
    if (end == groups) forget_closed();
    return Step::again;
  }

  /// False if no window ends by then.
  Result<bool> begin_next(std::int64_t time) {
    if (slices_.empty()) return false;
    std::int64_t end = span_.first_end(slices_.begin()->first);
    if (closed_) end = std::max(end, *closed_ + span_.slide);
    if (end > time) return false;
    closing_ = Closing{end};
    if (span_.slice == span_.size) {
      closing_->states = &slices_.begin()->second;
    } else {
      TRY(sum_up(end));
    }
    return true;
  }

  /// A window of several slices is their sum.
  Result<> sum_up(std::int64_t end) {
    sum_ = TRY(GroupStates::make(plan_));
    for (auto slice = slices_.lower_bound(end - span_.size);
         slice != slices_.end() && slice->first < end; ++slice) {
      GroupStates::Cursor cursor;
      for (Batch states = TRY(slice->second.next_states(cursor)); states;
           states = TRY(slice->second.next_states(cursor))) {
        TRY(sum_->merge(states));
      }
    }
    closing_->states = &*sum_;
    return {};
  }

  Result<Batch> rows_of(const Closing& window, std::uint32_t end) const {
    const Batch results = TRY(window.states->results(window.next, end));
    auto columns = results.columns()->columns();
    const auto at = columns.begin() + static_cast<std::ptrdiff_t>(plan_->key_count());
    if (bounds_) {
      columns.insert(at, {moments(window.end - span_.size, results.rows()),
                          moments(window.end, results.rows())});
    }
    // The last moment of the window: what comes later is not in it.
    columns.push_back(moments(window.end - 1, results.rows()));
    return make_batch(output_, std::move(columns), results.rows());
  }

  void forget_closed() {
    closed_ = closing_->end;
    closing_.reset();
    sum_.reset();
    std::int64_t gone = 0;
    while (!slices_.empty() && span_.last_end(slices_.begin()->first) <= *closed_) {
      gone += slices_.begin()->second.bytes();
      slices_.erase(slices_.begin());
    }
    for (auto old = changes_.begin();
         old != changes_.end() && span_.last_end(old->first) <= *closed_;
         old = changes_.erase(old)) {
      for (const Batch& batch : old->second) changed_bytes_ -= batch.bytes(), gone += batch.bytes();
    }
    shrink(gone);
  }

  void shrink(std::int64_t gone) {
    held_ -= gone;
    memory_.shrink(std::max<std::int64_t>(memory_.bytes() - held_, 0));
  }

  const WindowSpan span_;
  const std::shared_ptr<const Aggregation> plan_;
  const SchemaPtr output_;  ///< hidden columns included
  const bool bounds_;       ///< rows say where their window begins and ends
  const std::shared_ptr<const StateTable> slices_table_;
  bool notes_changes_ = false;
  Reservation memory_;
  std::int64_t memory_bytes_max_ = 0;
  std::int64_t held_ = 0;
  std::map<std::int64_t, GroupStates> slices_;
  /// What came since the last barrier, by slice: what ends with its windows is never written.
  std::map<std::int64_t, std::vector<Batch>> changes_;
  std::int64_t changed_bytes_ = 0;
  std::optional<std::int64_t> closed_;  ///< the end of the last window that was put out
  std::optional<Closing> closing_;
  std::optional<GroupStates> sum_;
};

}  // namespace

Result<std::unique_ptr<Operator>> make_close_windows(const WindowSpan& span,
                                                     std::shared_ptr<const Aggregation> plan,
                                                     SchemaPtr output, bool bounds,
                                                     std::shared_ptr<const StateTable> slices) {
  return std::make_unique<CloseWindows>(span, std::move(plan), std::move(output), bounds,
                                        std::move(slices));
}

}  // namespace troupe
