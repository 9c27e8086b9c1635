#include "runtime/ops/sort/sort_local.hpp"

#include "runtime/data/take.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <numeric>
#include <span>
#include <utility>

namespace troupe {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;

/// What sorting adds to the rows: joined columns, the numbers of all terms (which may have two),
/// and their order, twice while it is being found.
std::int64_t cost_of(const Batch& batch, std::size_t terms) {
  return batch.bytes() * 3 / 2 + batch.rows() * (40 + 9 * static_cast<std::int64_t>(terms));
}

/// The batches in the order of their rows, where each is sorted in itself and no two overlap; else
/// none.
Result<std::vector<Batch>> in_order_as_they_are(const std::vector<OrderTerm>& terms,
                                                const std::vector<Batch>& batches) {
  std::vector<SortKey> keys;
  for (const Batch& batch : batches) {
    keys.push_back(TRY(make_sort_key(terms, batch)));
    if (!keys.back().sorted()) return std::vector<Batch>();
  }
  std::vector<std::size_t> order(batches.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const int first = keys[a].compare(0, keys[b], 0);
    // Of batches with one first key, those with nothing else come first.
    return first != 0 ? first < 0
                      : keys[a].compare(keys[a].rows() - 1, keys[b], keys[b].rows() - 1) < 0;
  });
  std::vector<Batch> ordered;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const SortKey& key = keys[order[i]];
    if (i > 0) {
      const SortKey& before = keys[order[i - 1]];
      if (before.compare(before.rows() - 1, key, 0) > 0) return std::vector<Batch>();
    }
    ordered.push_back(batches[order[i]]);
  }
  return ordered;
}

/// One batch of all, whose parts are given back column by column: there are never two copies of
/// more than one column.
Result<Batch> joined(std::vector<Batch> batches) {
  std::int64_t rows = 0;
  std::vector<std::vector<ArrayPtr>> parts;
  for (const Batch& batch : batches) {
    rows += batch.rows();
    parts.resize(static_cast<std::size_t>(batch.columns()->num_columns()));
    for (std::size_t i = 0; i < parts.size(); ++i) {
      parts[i].push_back(batch.columns()->column(static_cast<int>(i)));
    }
  }
  const SchemaPtr schema = batches.front().columns()->schema();
  batches.clear();
  arrow::FieldVector fields = schema->fields();
  std::vector<ArrayPtr> columns;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    columns.push_back(TRY(concat(std::exchange(parts[i], std::vector<ArrayPtr>()))));
    fields[i] = fields[i]->WithType(columns[i]->type());
  }
  return Batch(
      arrow::RecordBatch::Make(arrow::schema(std::move(fields)), rows, std::move(columns)));
}

}  // namespace

Result<SortedBatches> SortedBatches::make(const std::vector<OrderTerm>& terms,
                                          std::vector<Batch> batches) {
  SortedBatches sorted;
  if (batches.empty()) return sorted;
  sorted.ordered_ = TRY(in_order_as_they_are(terms, batches));
  if (!sorted.ordered_.empty()) return sorted;
  sorted.all_ = TRY(joined(std::move(batches)));
  sorted.rows_ = TRY(sort_rows(TRY(values_of(terms, sorted.all_)), orders_of(terms)));
  return sorted;
}

Result<Batch> SortedBatches::next(std::int64_t rows_max) {
  if (!all_) return at_ < ordered_.size() ? std::move(ordered_[at_++]) : Batch();
  if (at_ == rows_.size()) return Batch();
  const std::size_t count = std::min(static_cast<std::size_t>(rows_max), rows_.size() - at_);
  const std::span<const std::uint32_t> rows(rows_.data() + at_, count);
  at_ += count;
  return take(all_, rows);
}

Result<> SortLocalOperator::open(const OperatorContext& context) {
  context_ = context;
  memory_.attach(context.memory);
  return {};
}

Result<Step> SortLocalOperator::process(int, const Batch& batch, Emitter&) {
  if (run_begins_) {
    run_begins_ = false;
    TRY(write_run());
    // A single batch is held even where the budget has no room for it.
    static_cast<void>(memory_.grow(cost_of(batch, terms_->size())));
    held_.push_back(batch);
    return Step::done;
  }
  const std::int64_t bytes = cost_of(batch, terms_->size());
  const bool fits = memory_.bytes() + bytes <= run_bytes_max && memory_.grow(bytes);
  if (!fits && !held_.empty()) {
    run_begins_ = true;
    return Step::again;
  }
  held_.push_back(batch);
  return Step::done;
}

Result<> SortLocalOperator::write_run() {
  if (runs_ == nullptr) {
    runs_ = std::make_unique<SortRuns>(terms_, *context_.files, context_.scratch_directory);
  }
  SortedBatches sorted =
      TRY(SortedBatches::make(*terms_, std::exchange(held_, std::vector<Batch>())));
  TRY(runs_->add([&] { return sorted.next(SortRuns::block_rows); }));
  memory_.release();
  return {};
}

Result<> SortLocalOperator::end_of_input(int, Emitter&) {
  if (runs_ != nullptr) return held_.empty() ? Result<>() : write_run();
  sorted_ = std::make_unique<SortedBatches>(
      TRY(SortedBatches::make(*terms_, std::exchange(held_, std::vector<Batch>()))));
  return {};
}

Result<Step> SortLocalOperator::drain(Emitter& out) {
  Batch batch = TRY(runs_ != nullptr ? runs_->next() : sorted_->next(batch_rows_max));
  if (!batch) {
    sorted_.reset();
    runs_.reset();
    memory_.release();
    return Step::done;
  }
  out.emit(std::move(batch));
  return Step::again;
}

}  // namespace troupe
