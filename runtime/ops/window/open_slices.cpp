#include "runtime/ops/window/open_slices.hpp"

#include "runtime/data/arrow_result.hpp"
#include "runtime/data/take.hpp"
#include "runtime/ops/window/window_state.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include <algorithm>
#include <utility>

namespace troupe {
namespace {

/// What it holds whatever the budget says, so that a few rows always find room.
constexpr std::int64_t unreserved_bytes_max = 256 << 10;

}  // namespace

OpenSlices::OpenSlices(const WindowSpan& span, std::shared_ptr<const Aggregation> plan,
                       std::shared_ptr<const StateTable> table)
    : span_(span), plan_(std::move(plan)), table_(std::move(table)) {}

void OpenSlices::open(const OperatorContext& context) {
  notes_changes_ = context.barriers;
  memory_.attach(context.memory);
  memory_bytes_max_ = context.memory ? context.memory->bytes_max() : 0;
}

Result<> OpenSlices::restore(const Batch& rows) { return add_all(TRY(states_of(rows)), false); }

std::vector<Batch> OpenSlices::take_changes() {
  std::vector<Batch> rows;
  for (const auto& [slice, batches] : changes_) {
    for (const Batch& batch : batches) rows.push_back(slice_rows(*table_, span_, slice, batch));
  }
  changes_.clear();
  shrink(std::exchange(changed_bytes_, 0));
  return rows;
}

void OpenSlices::forget(std::int64_t time) {
  std::int64_t gone = 0;
  while (!slices_.empty() && span_.last_end(slices_.begin()->first) <= time) {
    gone += slices_.begin()->second.bytes();
    slices_.erase(slices_.begin());
  }
  for (auto old = changes_.begin(); old != changes_.end() && span_.last_end(old->first) <= time;
       old = changes_.erase(old)) {
    for (const Batch& batch : old->second) changed_bytes_ -= batch.bytes(), gone += batch.bytes();
  }
  shrink(gone);
}

Result<> OpenSlices::add_all(const Batch& batch, bool note) {
  // The first column is the slice: a batch has few of them, mostly one.
  const auto& slices = static_cast<const arrow::TimestampArray&>(*batch.columns()->column(0));
  std::map<std::int64_t, std::vector<std::uint32_t>> rows;
  for (std::uint32_t row = 0; row < slices.length(); ++row) {
    rows[slices.Value(row)].push_back(row);
  }
  for (const auto& [slice, mine] : rows) {
    TRY(add_some(slice, rows.size() == 1 ? batch : TRY(take(batch, mine)), note));
  }
  return {};
}

Result<> OpenSlices::add_some(std::int64_t slice, const Batch& batch, bool note) {
  auto found = slices_.find(slice);
  if (found == slices_.end()) {
    found = slices_.emplace(slice, TRY(GroupStates::make(plan_))).first;
  }
  GroupStates& into = found->second;
  const std::int64_t before = into.bytes();
  TRY(into.merge(Batch(TRY(arrow_try(batch.columns()->RemoveColumn(0))))));
  TRY(reserve(into.bytes() - before));
  return note ? note_change(slice, batch) : Result<>();
}

Result<> OpenSlices::note_change(std::int64_t slice, const Batch& batch) {
  changes_[slice].push_back(batch);
  changed_bytes_ += batch.bytes();
  return reserve(batch.bytes());
}

Result<> OpenSlices::reserve(std::int64_t more) {
  held_ += more;
  if (memory_.grow(held_ - memory_.bytes()) || held_ <= unreserved_bytes_max) return {};
  Error error = make_error(ErrorCode::unavailable,
                           "the open windows take {} bytes, more than is left of the {} bytes "
                           "that their run may reserve",
                           held_, memory_bytes_max_);
  error.hint = "give the run more memory, or make windows shorter";
  return error;
}

void OpenSlices::shrink(std::int64_t gone) {
  held_ -= gone;
  memory_.shrink(std::max<std::int64_t>(memory_.bytes() - held_, 0));
}

Result<> SliceCloser::open(const OperatorContext& context) {
  open_.open(context);
  return {};
}

Result<Step> SliceCloser::process(int, const Batch& batch, Emitter&) {
  TRY(open_.add(batch));
  return Step::done;
}

Result<Step> SliceCloser::advance(EventTime time, Emitter& out) {
  return close(time.time_since_epoch().count(), out);
}
Result<Step> SliceCloser::drain(Emitter& out) {
  return close(EventTime::max().time_since_epoch().count(), out);
}

Result<StateRows> SliceCloser::snapshot() {
  StateRows tables(2);
  tables[0] = open_.take_changes();
  if (closed_) tables[1] = {closed_row(*closed_)};
  return tables;
}

Result<> SliceCloser::restore(int table, const Batch& rows) {
  if (table == 0) return open_.restore(rows);
  closed_ = last_closed(rows, closed_);
  return {};
}

}  // namespace troupe
