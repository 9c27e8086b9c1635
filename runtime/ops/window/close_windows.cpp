#include "runtime/operator/flow.hpp"
#include "runtime/ops/aggregate/group_states.hpp"
#include "runtime/ops/columns.hpp"
#include "runtime/ops/window/open_slices.hpp"
#include "runtime/ops/window/window_state.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace troupe {
namespace {

class CloseWindows final : public SliceCloser {
 public:
  CloseWindows(const WindowSpan& span, std::shared_ptr<const Aggregation> plan, SchemaPtr output,
               bool bounds, std::shared_ptr<const StateTable> slices)
      : SliceCloser(span, plan, std::move(slices)),
        span_(span),
        plan_(std::move(plan)),
        output_(std::move(output)),
        bounds_(bounds) {}

 private:
  /// A window whose rows leave, a batch a call.
  struct Closing {
    std::int64_t end = 0;
    GroupStates* states = nullptr;
    std::uint32_t next = 0;
  };

  /// Puts out windows that end by `time`, in the order of their ends.
  Result<Step> close(std::int64_t time, Emitter& out) override {
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
    auto& slices = open_.all();
    if (slices.empty()) return false;
    std::int64_t end = span_.first_end(slices.begin()->first);
    if (closed_) end = std::max(end, *closed_ + span_.slide);
    if (end > time) return false;
    closing_ = Closing{end};
    if (span_.slice == span_.size) {
      closing_->states = &slices.begin()->second;
    } else {
      TRY(sum_up(end));
    }
    return true;
  }

  /// A window of several slices is their sum.
  Result<> sum_up(std::int64_t end) {
    sum_ = TRY(GroupStates::make(plan_));
    for (auto slice = open_.all().lower_bound(end - span_.size);
         slice != open_.all().end() && slice->first < end; ++slice) {
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
    open_.forget(*closed_);
  }

  const WindowSpan span_;
  const std::shared_ptr<const Aggregation> plan_;
  const SchemaPtr output_;  ///< hidden columns included
  const bool bounds_;       ///< rows say where their window begins and ends
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
