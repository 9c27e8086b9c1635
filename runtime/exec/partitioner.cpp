#include "runtime/exec/partitioner.hpp"

#include "runtime/data/key_group.hpp"
#include "runtime/data/key_hash.hpp"
#include "runtime/data/take.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <numeric>
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

/// Up to so many partitions it is cheaper to look at all rows for each of them than to count first
/// and then to wait for the counter of the row before.
constexpr std::uint32_t few_partitions = 4;

/// Rows by owner, in their order: those of partition i stand at [ends[i], ends[i + 1]).
struct Dealt {
  std::vector<std::uint32_t> rows;
  std::vector<std::uint32_t> ends;
};

Dealt deal_to_few(const std::vector<std::uint64_t>& owners, std::uint32_t partitions) {
  Dealt dealt{.rows = std::vector<std::uint32_t>(owners.size() + 1), .ends = {0}};
  std::uint32_t* rows = dealt.rows.data();
  std::uint32_t at = 0;
  for (std::uint32_t i = 0; i < partitions; ++i) {
    for (std::size_t row = 0; row < owners.size(); ++row) {
      rows[at] = static_cast<std::uint32_t>(row);  // is overwritten where it is another's
      at += owners[row] == i ? 1 : 0;
    }
    dealt.ends.push_back(at);
  }
  return dealt;
}

Dealt deal_to_many(const std::vector<std::uint64_t>& owners, std::uint32_t partitions) {
  Dealt dealt{.rows = std::vector<std::uint32_t>(owners.size()),
              .ends = std::vector<std::uint32_t>(partitions + 1, 0)};
  for (const std::uint64_t owner : owners) ++dealt.ends[owner + 1];
  std::partial_sum(dealt.ends.begin(), dealt.ends.end(), dealt.ends.begin());
  std::vector<std::uint32_t> next(dealt.ends.begin(), dealt.ends.end() - 1);
  for (std::size_t row = 0; row < owners.size(); ++row) {
    dealt.rows[next[owners[row]]++] = static_cast<std::uint32_t>(row);
  }
  return dealt;
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
  for (std::uint64_t& hash : hashes) hash = owner_of(key_group_of(hash), partitions);
  const Dealt dealt = partitions <= few_partitions ? deal_to_few(hashes, partitions)
                                                   : deal_to_many(hashes, partitions);
  for (std::uint32_t i = 0; i < partitions; ++i) {
    const std::span<const std::uint32_t> mine(dealt.rows.data() + dealt.ends[i],
                                              dealt.ends[i + 1] - dealt.ends[i]);
    if (mine.empty()) continue;
    parts[i] = mine.size() == hashes.size() ? batch : TRY(take(batch, mine));
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
