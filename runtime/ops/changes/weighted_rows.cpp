#include "runtime/ops/changes/weighted_rows.hpp"

#include "runtime/data/hidden_columns.hpp"
#include "runtime/data/key_rows.hpp"
#include "runtime/data/take.hpp"
#include "runtime/operator/flow.hpp"
#include "runtime/spill/block_codec.hpp"

#include <absl/container/flat_hash_map.h>
#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <numeric>

namespace troupe {
namespace {

/// The first row of each content, by the hash of it, and the sums of weights at those rows.
Result<std::vector<std::int64_t>> sums_at_first_rows(const Batch& visible,
                                                     std::span<const std::int64_t> weights) {
  std::vector<std::uint64_t> hashes;
  TRY(hashes_of_rows(visible, hashes));
  std::vector<int> all(static_cast<std::size_t>(visible.columns()->num_columns()));
  std::iota(all.begin(), all.end(), 0);
  const KeyRows rows(visible, all);
  std::vector<std::int64_t> sums(hashes.size(), 0);
  absl::flat_hash_map<std::uint64_t, std::uint32_t> first;
  std::vector<std::uint32_t> next(hashes.size(), no_row);  // of the same hash, another content
  first.reserve(hashes.size());
  for (std::uint32_t row = 0; row < hashes.size(); ++row) {
    std::uint32_t at = first.try_emplace(hashes[row], row).first->second;
    while (at != row && !rows.same(at, rows, row)) {
      if (next[at] == no_row) next[at] = row;
      at = next[at];
    }
    sums[at] += weights[row];
  }
  return sums;
}

}  // namespace

Batch with_weight(const Batch& rows, std::vector<std::int64_t> weights) {
  arrow::FieldVector fields = rows.columns()->schema()->fields();
  auto columns = rows.columns()->columns();
  fields.push_back(arrow::field(weight_column, arrow::int64(), false));
  columns.push_back(std::make_shared<arrow::Int64Array>(
      rows.rows(), arrow::Buffer::FromVector(std::move(weights))));
  return Batch(
      arrow::RecordBatch::Make(arrow::schema(std::move(fields)), rows.rows(), std::move(columns)));
}

Batch with_weight(const Batch& rows, std::int64_t weight) {
  return with_weight(rows, std::vector(static_cast<std::size_t>(rows.rows()), weight));
}

Signed Signed::of(std::span<const std::int64_t> weights) {
  Signed rows;
  for (std::uint32_t row = 0; row < weights.size(); ++row) {
    for (std::int64_t i = 0; i < weights[row]; ++i) rows.given.push_back(row);
    for (std::int64_t i = weights[row]; i < 0; ++i) rows.taken.push_back(row);
  }
  return rows;
}

Result<Batch> net_changes(const Batch& rows) {
  const Batch visible = without_hidden(rows, 1);
  const auto sums = TRY(sums_at_first_rows(visible, weights_of(rows)));
  std::vector<std::uint32_t> kept;
  for (const bool taken : {true, false}) {
    for (std::uint32_t row = 0; row < sums.size(); ++row) {
      if (taken ? sums[row] < 0 : sums[row] > 0) kept.push_back(row);
    }
  }
  std::vector<std::int64_t> weights;
  for (const std::uint32_t row : kept) weights.push_back(sums[row]);
  return with_weight(TRY(take(visible, kept)), std::move(weights));
}

}  // namespace troupe
