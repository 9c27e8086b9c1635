#include "runtime/ops/changes/rows_by_time.hpp"

#include "runtime/data/take.hpp"
#include "runtime/ops/changes/weighted_rows.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>

namespace troupe {
namespace {

/// What it holds whatever the budget says, so that a few rows always find room.
constexpr std::int64_t unreserved_bytes_max = 256 << 10;

}  // namespace

Result<std::shared_ptr<const StateTable>> RowsByTime::table(std::string name,
                                                            const SchemaPtr& columns,
                                                            const std::vector<int>& key) {
  auto table = std::make_shared<StateTable>();
  table->name = std::move(name);
  table->schema = with_hidden(columns, {.stream = true, .timed = true, .changes = true});
  for (const int column : key) table->key.push_back(columns->field(column)->name());
  table->merge = StateMerge::weights;
  table->expires_by = time_column;
  TRY(table->check());
  return std::shared_ptr<const StateTable>(std::move(table));
}

Result<> RowsByTime::add(const Batch& batch) {
  if (batch.rows() == 0) return {};
  const auto times = times_of(batch);
  TRY(put(without_hidden(batch, 1), times));
  if (barriers_) changes_.push_back(rows_of(*table_, with_weight(batch, 1)));
  return {};
}

Result<> RowsByTime::restore(const Batch& rows) {
  const Signed some = Signed::of(weights_of(rows));
  const Batch timed = TRY(troupe::take(without_hidden(rows, 1), some.given));
  return put(without_hidden(timed, 1), times_of(timed));
}

Result<> RowsByTime::put(const Batch& rows, std::span<const std::int64_t> times) {
  if (times.empty()) return {};
  if (std::ranges::all_of(times, [&](std::int64_t time) { return time == times.front(); })) {
    return keep(times.front(), rows);
  }
  std::map<std::int64_t, std::vector<std::uint32_t>> by_time;
  for (std::uint32_t row = 0; row < times.size(); ++row) by_time[times[row]].push_back(row);
  for (const auto& [time, some] : by_time) TRY(keep(time, TRY(troupe::take(rows, some))));
  return {};
}

Result<> RowsByTime::keep(std::int64_t time, Batch rows) {
  if (time <= taken_) {
    late_ += static_cast<std::uint64_t>(rows.rows());
    return {};
  }
  const std::int64_t bytes = rows.bytes();
  if (!memory_.grow(bytes) && memory_.bytes() + bytes > unreserved_bytes_max) {
    Error error = make_error(ErrorCode::unavailable,
                             "rows that wait for the end of their window take {} bytes, more than "
                             "is left of the {} bytes that their run may reserve",
                             memory_.bytes() + bytes, budget_->bytes_max());
    error.hint = "give the run more memory, or make windows shorter";
    return error;
  }
  Moment& moment = times_[time];
  moment.bytes += bytes;
  moment.rows.push_back(std::move(rows));
  return {};
}

std::vector<Batch> RowsByTime::take(std::int64_t time) {
  taken_ = std::max(taken_, time);
  const auto found = times_.find(time);
  if (found == times_.end()) return {};
  std::vector<Batch> rows = std::move(found->second.rows);
  memory_.shrink(std::min(memory_.bytes(), found->second.bytes));
  times_.erase(found);
  return rows;
}

std::shared_ptr<arrow::Array> times_array(std::vector<std::int64_t> times) {
  const auto rows = static_cast<std::int64_t>(times.size());
  return std::make_shared<arrow::TimestampArray>(arrow::timestamp(arrow::TimeUnit::MICRO), rows,
                                                 arrow::Buffer::FromVector(std::move(times)));
}

}  // namespace troupe
