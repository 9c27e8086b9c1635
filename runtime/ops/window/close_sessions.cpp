#include "runtime/data/take.hpp"
#include "runtime/ops/aggregate/group_states.hpp"
#include "runtime/ops/columns.hpp"
#include "runtime/ops/window/open_slices.hpp"
#include "runtime/ops/window/window_state.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

namespace troupe {
namespace {

const arrow::TimestampArray& times(const arrow::Array& column) {
  return static_cast<const arrow::TimestampArray&>(column);
}

/// The part of an aggregation that has the first event time of a group: the last but one result.
std::size_t part_of_first(const Aggregation& plan) {
  const int column = plan.select.outputs[plan.select.outputs.size() - 2].as_column();
  const auto call = static_cast<std::size_t>(column) - plan.key_count();
  return plan.parts_of_calls[call].front();
}

/// The oldest slice once it is over: its groups in the order in which they end, unless they go on.
struct Ending {
  std::int64_t slice = 0;
  Batch results;
  Batch states;
  std::vector<std::uint32_t> order;  ///< groups, by their last row
  std::size_t next = 0;
};

class CloseSessions final : public SliceCloser {
 public:
  CloseSessions(const SessionSpan& span, std::shared_ptr<const Aggregation> plan, SchemaPtr output,
                std::shared_ptr<const StateTable> slices)
      : SliceCloser(span.slices(), plan, slices),
        span_(span),
        plan_(std::move(plan)),
        first_(part_of_first(*plan_)),
        output_(std::move(output)),
        by_slice_(slices->schema) {}

 private:
  /// Puts out the sessions that end by `time`, about a batch a call.
  Result<Step> close(std::int64_t time, Emitter& out) override {
    if (ending_ || TRY(begin_next(time))) {
      if (const auto some = next_to_end(time); !some.empty()) {
        TRY(end_or_go_on(some, out));
        return Step::again;
      }
      if (ending_->next == ending_->order.size() &&
          time - span_.gap >= ending_->slice + span_.gap) {
        open_.forget(ending_->slice + 2 * span_.gap);
        ending_.reset();
        return Step::again;
      }
    }
    closed_ = time;
    return Step::done;
  }

  /// False if no slice is over by then.
  Result<bool> begin_next(std::int64_t time) {
    if (open_.all().empty()) return false;
    const auto& [slice, groups] = *open_.all().begin();
    if (time < slice + span_.gap) return false;
    Ending ending;
    ending.slice = slice;
    ending.results = TRY(groups.results(0, groups.groups()));
    ending.states = TRY(groups.states(0, groups.groups()));
    const auto& last = times(*ending.results.columns()->columns().back());
    ending.order.reserve(groups.groups());
    for (std::uint32_t group = 0; group < groups.groups(); ++group) {
      // One without rows was only looked for. Others have ended or gone on before a restart.
      const bool over =
          last.IsNull(group) || (closed_ && last.Value(group) <= *closed_ - span_.gap);
      if (!over) ending.order.push_back(group);
    }
    std::ranges::sort(ending.order, {},
                      [&](std::uint32_t group) { return std::pair(last.Value(group), group); });
    ending_ = std::move(ending);
    return true;
  }

  /// Groups whose session ends by then, unless the next slice has rows of it.
  std::span<const std::uint32_t> next_to_end(std::int64_t time) {
    const auto& last = times(*ending_->results.columns()->columns().back());
    const std::size_t begin = ending_->next;
    const std::size_t most = std::min<std::size_t>(begin + batch_rows_max, ending_->order.size());
    std::size_t end = begin;
    while (end < most && last.Value(ending_->order[end]) <= time - span_.gap) ++end;
    ending_->next = end;
    return std::span(ending_->order).subspan(begin, end - begin);
  }

  Result<> end_or_go_on(std::span<const std::uint32_t> groups, Emitter& out) {
    std::vector<std::uint32_t> ended(groups.begin(), groups.end()), going_on;
    const std::int64_t next = ending_->slice + span_.gap;
    if (const auto found = open_.all().find(next); found != open_.all().end()) {
      going_on = TRY(take_out_going_on(found->second, ended));
    }
    if (!going_on.empty()) {
      const Batch states = TRY(take(ending_->states, going_on));
      auto columns = states.columns()->columns();
      columns.insert(columns.begin(), moments(next, states.rows()));
      TRY(open_.add_to(next, make_batch(partial_of_slices(), std::move(columns), states.rows())));
    }
    if (!ended.empty()) out.emit(TRY(rows_of(TRY(take(ending_->results, ended)))));
    return {};
  }

  /// Of these groups those that have rows in the next slice, soon enough.
  Result<std::vector<std::uint32_t>> take_out_going_on(GroupStates& next,
                                                       std::vector<std::uint32_t>& groups) const {
    const Batch rows = TRY(take(ending_->results, groups));
    const RowGroups there = TRY(next.groups_of(rows));
    const auto first_column = TRY(next.states_of_part(first_, 0, next.groups()));
    const auto& first = times(*first_column);
    const auto& last = times(*rows.columns()->columns().back());
    std::vector<std::uint32_t> ended, going_on;
    for (std::int64_t row = 0; row < rows.rows(); ++row) {
      const std::uint32_t same = there[row];
      const bool goes_on = first.IsValid(same) && first.Value(same) - last.Value(row) < span_.gap;
      (goes_on ? going_on : ended).push_back(groups[static_cast<std::size_t>(row)]);
    }
    groups = std::move(ended);
    return going_on;
  }

  /// Keys, begin and end, what was computed, and the time of the last moment.
  Result<Batch> rows_of(const Batch& results) const {
    auto columns = results.columns()->columns();
    const auto last = std::move(columns.back());
    columns.pop_back();
    const auto first = std::move(columns.back());
    columns.pop_back();
    const auto at = columns.begin() + static_cast<std::ptrdiff_t>(plan_->key_count());
    columns.insert(at, {first, later(*last, span_.gap)});
    columns.push_back(later(*last, span_.gap - 1));
    return make_batch(output_, std::move(columns), results.rows());
  }

  static std::shared_ptr<arrow::Array> later(const arrow::Array& column, std::int64_t by) {
    std::vector<std::int64_t> values;
    values.reserve(static_cast<std::size_t>(column.length()));
    for (std::int64_t row = 0; row < column.length(); ++row) {
      values.push_back(times(column).Value(row) + by);
    }
    return std::make_shared<arrow::TimestampArray>(column.type(), column.length(),
                                                   arrow::Buffer::FromVector(std::move(values)));
  }

  /// As partial results come: the slice in front, without the column that says until when.
  SchemaPtr partial_of_slices() const {
    arrow::FieldVector fields = by_slice_->fields();
    fields.erase(fields.begin());
    return arrow::schema(std::move(fields));
  }

  const SessionSpan span_;
  const std::shared_ptr<const Aggregation> plan_;
  const std::size_t first_;
  const SchemaPtr output_;  ///< hidden columns included
  const SchemaPtr by_slice_;
  std::optional<Ending> ending_;
};

}  // namespace

Result<std::unique_ptr<Operator>> make_close_sessions(const SessionSpan& span,
                                                      std::shared_ptr<const Aggregation> plan,
                                                      SchemaPtr output,
                                                      std::shared_ptr<const StateTable> slices) {
  return std::make_unique<CloseSessions>(span, std::move(plan), std::move(output),
                                         std::move(slices));
}

}  // namespace troupe
