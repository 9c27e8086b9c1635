#include "runtime/state/merge_rows.hpp"

#include "runtime/data/arrow_result.hpp"
#include "runtime/data/key_rows.hpp"
#include "runtime/data/take.hpp"
#include "runtime/spill/block_codec.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <bit>
#include <numeric>

namespace troupe {
namespace {

using RowNumbers = std::vector<std::uint32_t>;

const std::int64_t* words_of(const Batch& rows, int column) {
  return rows.columns()->column_data(column)->GetValues<std::int64_t>(1);
}

/// For every row the first one that is the same in these columns.
RowNumbers first_of(const Batch& rows, const std::vector<int>& columns,
                    const std::vector<std::uint64_t>& hashes) {
  const KeyRows keys(rows, columns);
  // At most half full. The low bits tell the slot: rows of few key groups share the high ones.
  RowNumbers slots(std::bit_ceil(hashes.size() * 2 + 1), no_row);
  const std::size_t mask = slots.size() - 1;
  RowNumbers first(hashes.size());
  constexpr std::size_t ahead = 12;
  for (std::uint32_t row = 0; row < first.size(); ++row) {
    if (row + ahead < hashes.size()) __builtin_prefetch(&slots[hashes[row + ahead] & mask]);
    std::size_t at = hashes[row] & mask;
    while (slots[at] != no_row &&
           !(hashes[slots[at]] == hashes[row] && keys.same(row, keys, slots[at]))) {
      at = (at + 1) & mask;
    }
    if (slots[at] == no_row) slots[at] = row;
    first[row] = slots[at];
  }
  return first;
}

/// Which rows have expired, asked row by row.
class Expiry {
 public:
  Expiry(const StateTable& table, const Batch& rows, EventTime watermark)
      : before_(watermark.time_since_epoch().count()) {
    const int column = table.expiry_column();
    if (column < 0 || rows.rows() == 0) return;
    times_ = rows.columns()->column(column);
    values_ = words_of(rows, column);
  }
  bool operator()(std::uint32_t row) const {
    return times_ != nullptr && values_[row] < before_ && !times_->IsNull(row);
  }

 private:
  std::shared_ptr<arrow::Array> times_;
  const std::int64_t* values_ = nullptr;
  std::int64_t before_;
};

Result<Batch> take_some(const Batch& rows, const RowNumbers& kept) {
  if (kept.size() == static_cast<std::size_t>(rows.rows())) return rows;
  return take(rows, kept);
}

Result<Batch> last_rows(const StateTable& table, const Batch& rows,
                        const std::vector<std::uint64_t>& hashes, bool complete,
                        const Expiry& expired) {
  const RowNumbers first = first_of(rows, table.key_columns(), hashes);
  RowNumbers last(first.size());
  for (std::uint32_t row = 0; row < first.size(); ++row) last[first[row]] = row;
  const int weight = table.weight();
  const std::int64_t* weights = weight < 0 ? nullptr : words_of(rows, weight);
  RowNumbers kept;
  for (std::uint32_t row = 0; row < first.size(); ++row) {
    const bool deleted = complete && weights != nullptr && weights[row] < 0;
    if (last[first[row]] == row && !deleted && !expired(row)) kept.push_back(row);
  }
  return take_some(rows, kept);
}

Result<Batch> with_weights(const Batch& rows, int column,
                           const std::vector<std::int64_t>& weights) {
  auto values = arrow::Buffer::FromVector(weights);
  auto array = std::make_shared<arrow::Int64Array>(rows.rows(), std::move(values));
  auto columns = rows.columns()->columns();
  columns[static_cast<std::size_t>(column)] = std::move(array);
  return Batch(arrow::RecordBatch::Make(rows.columns()->schema(), rows.rows(), std::move(columns)));
}

Result<Batch> summed_rows(const StateTable& table, const Batch& rows, const Expiry& expired) {
  const int weight = table.weight();
  std::vector<int> content(static_cast<std::size_t>(weight));
  std::iota(content.begin(), content.end(), 0);
  std::vector<std::uint64_t> hashes;
  TRY(hashes_of_rows(Batch(TRY(arrow_try(rows.columns()->RemoveColumn(weight)))), hashes));
  const RowNumbers first = first_of(rows, content, hashes);
  const std::int64_t* weights = words_of(rows, weight);
  std::vector<std::int64_t> sums(first.size(), 0);
  for (std::uint32_t row = 0; row < first.size(); ++row) sums[first[row]] += weights[row];
  RowNumbers kept;
  std::vector<std::int64_t> kept_sums;
  for (std::uint32_t row = 0; row < first.size(); ++row) {
    if (first[row] != row || sums[row] == 0 || expired(row)) continue;
    kept.push_back(row);
    kept_sums.push_back(sums[row]);
  }
  return with_weights(TRY(take_some(rows, kept)), weight, kept_sums);
}

Batch no_rows(const StateTable& table) {
  return Batch(arrow::RecordBatch::MakeEmpty(table.schema).ValueOrDie());
}

Result<Batch> accumulated_rows(const StateTable& table, const std::vector<Batch>& rows,
                               EventTime watermark) {
  std::vector<Batch> merged;
  for (const Batch& batch : TRY(table.accumulate(rows))) {
    if (batch.rows() > 0) merged.push_back(rows_of(table, batch));
  }
  if (merged.empty()) return no_rows(table);
  const Batch all = TRY(concat(merged));
  return unexpired(table, all, watermark);
}

}  // namespace

Result<Batch> unexpired(const StateTable& table, const Batch& rows, EventTime watermark) {
  const Expiry expired(table, rows, watermark);
  RowNumbers kept;
  for (std::uint32_t row = 0; row < rows.rows(); ++row) {
    if (!expired(row)) kept.push_back(row);
  }
  return take_some(rows, kept);
}

Result<Batch> merge_rows(const StateTable& table, const std::vector<Batch>& rows,
                         const std::vector<std::uint64_t>& key_hashes, const MergeScope& scope) {
  if (rows.empty()) return no_rows(table);
  // A row that has expired still hides an older one of its key that has not.
  const bool can_expire = scope.complete || table.expires_as_one();
  const EventTime watermark =
      can_expire ? scope.watermark.value_or(EventTime::min()) : EventTime::min();
  if (table.merge == StateMerge::accumulate) return accumulated_rows(table, rows, watermark);
  const Batch all = TRY(concat(rows));
  ENSURE(all.rows() < no_row && key_hashes.size() == static_cast<std::size_t>(all.rows()),
         "{} rows and {} hashes", all.rows(), key_hashes.size());
  const Expiry expired(table, all, watermark);
  if (table.merge == StateMerge::weights) return summed_rows(table, all, expired);
  return last_rows(table, all, key_hashes, scope.complete, expired);
}

}  // namespace troupe
