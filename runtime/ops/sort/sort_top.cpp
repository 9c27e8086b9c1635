#include "runtime/ops/sort/sort_top.hpp"

#include "runtime/data/take.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include <algorithm>

namespace troupe {
namespace {

/// Rows that are collected before they are cut to the first ones, at least.
constexpr std::int64_t compact_rows_min = 1024;

}  // namespace

/// Rows that may be among the first: their first term is not behind the last one's.
Result<std::vector<std::uint32_t>> SortTopOperator::candidates(const Batch& batch) const {
  const auto values = TRY(values_of({terms_->front()}, batch));
  const SortOrder order = orders_of({terms_->front()}).front();
  const SortColumn column = TRY(SortColumn::make(values.front(), SortColumn::Scale::across));
  std::vector<std::uint32_t> rows;
  for (std::uint32_t row = 0; row < column.rows(); ++row) {
    if (column.compare(row, *last_, 0, order) <= 0) rows.push_back(row);
  }
  return rows;
}

Result<Step> SortTopOperator::process(int, const Batch& batch, Emitter&) {
  Batch kept = batch;
  if (last_ != nullptr) {
    const auto rows = TRY(candidates(batch));
    if (rows.empty()) return Step::done;
    if (static_cast<std::int64_t>(rows.size()) < batch.rows()) kept = TRY(take(batch, rows));
  }
  // By itself, so that no columns of several batches are joined for the few rows that are left.
  const bool cut = kept.rows() > 2 * rows_max_;
  if (cut) kept = TRY(first_rows(kept));
  held_rows_ += kept.rows();
  held_.push_back(std::move(kept));
  if (cut || held_rows_ >= std::max(compact_rows_min, 2 * rows_max_)) TRY(compact());
  return Step::done;
}

Result<Batch> SortTopOperator::first_rows(const Batch& batch) const {
  SortedBatches sorted = TRY(SortedBatches::make(*terms_, {batch}));
  const Batch first = TRY(sorted.next(rows_max_));
  return Batch(first.columns()->Slice(0, rows_max_));
}

/// Cuts what is held to the first rows, in order.
Result<> SortTopOperator::compact() {
  SortedBatches sorted =
      TRY(SortedBatches::make(*terms_, std::exchange(held_, std::vector<Batch>())));
  held_rows_ = 0;
  while (held_rows_ < rows_max_) {
    Batch batch = TRY(sorted.next(std::min(batch_rows_max, rows_max_ - held_rows_)));
    if (!batch) break;
    if (batch.rows() > rows_max_ - held_rows_) {
      batch = Batch(batch.columns()->Slice(0, rows_max_ - held_rows_));
    }
    held_rows_ += batch.rows();
    held_.push_back(std::move(batch));
  }
  if (held_rows_ < rows_max_ || held_.empty()) return {};
  const Batch end(held_.back().columns()->Slice(held_.back().rows() - 1));
  const auto values = TRY(values_of({terms_->front()}, end));
  last_ = std::make_unique<SortColumn>(
      TRY(SortColumn::make(values.front(), SortColumn::Scale::across)));
  return {};
}

Result<Step> SortTopOperator::drain(Emitter& out) {
  if (!sorted_) TRY(compact());
  sorted_ = true;
  if (emitted_ == held_.size()) return Step::done;
  out.emit(std::move(held_[emitted_++]));
  return Step::again;
}

}  // namespace troupe
