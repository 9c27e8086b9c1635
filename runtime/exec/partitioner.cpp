#include "runtime/exec/partitioner.hpp"

#include "runtime/data/key_group.hpp"
#include "runtime/data/key_hash.hpp"
#include "runtime/data/take.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <span>

namespace troupe {
namespace {

/// Two batches can be made one without touching a dictionary.
bool alike(const Batch& a, const Batch& b) {
  const auto& left = *a.columns();
  const auto& right = *b.columns();
  if (!left.schema()->Equals(*right.schema(), false)) return false;
  for (int i = 0; i < left.num_columns(); ++i) {
    if (left.column_data(i)->dictionary != right.column_data(i)->dictionary) return false;
  }
  return true;
}

}  // namespace

Result<std::vector<Batch>> partition_by_key(const Batch& batch, const std::vector<int>& keys,
                                            std::uint32_t partitions) {
  std::vector<Batch> parts(partitions);
  if (partitions == 1) {
    parts.front() = batch;
    return parts;
  }
  std::vector<std::uint64_t> hashes;
  TRY(hash_keys(batch, keys, hashes));
  std::vector<std::uint16_t> owners(hashes.size());
  std::vector<std::uint32_t> ends(partitions + 1, 0);
  for (std::size_t row = 0; row < hashes.size(); ++row) {
    owners[row] = static_cast<std::uint16_t>(owner_of(key_group_of(hashes[row]), partitions));
    ++ends[owners[row] + 1u];
  }
  for (std::uint32_t i = 0; i < partitions; ++i) ends[i + 1] += ends[i];
  std::vector<std::uint32_t> next(ends.begin(), ends.end() - 1);
  std::vector<std::uint32_t> rows(hashes.size());
  for (std::size_t row = 0; row < owners.size(); ++row) {
    rows[next[owners[row]]++] = static_cast<std::uint32_t>(row);
  }
  for (std::uint32_t i = 0; i < partitions; ++i) {
    std::span<const std::uint32_t> mine(rows.data() + ends[i], ends[i + 1] - ends[i]);
    if (mine.empty()) continue;
    parts[i] = mine.size() == rows.size() ? batch : TRY(take(batch, mine));
  }
  return parts;
}

Result<std::vector<Batch>> Coalescer::add(Batch batch) {
  std::vector<Batch> ready;
  if (!pending_.empty() &&
      (rows_ + batch.rows() > batch_rows_max || !alike(pending_.front(), batch))) {
    ready = TRY(flush());
  }
  rows_ += batch.rows();
  pending_.push_back(std::move(batch));
  if (rows_ < coalesce_rows_min) return ready;
  for (auto& full : TRY(flush())) ready.push_back(std::move(full));
  return ready;
}

Result<std::vector<Batch>> Coalescer::flush() {
  std::vector<Batch> ready;
  if (!pending_.empty()) ready.push_back(TRY(concat(pending_)));
  pending_.clear();
  rows_ = 0;
  return ready;
}

}  // namespace troupe
