#include "runtime/ops/sort/sort_runs.hpp"

#include "runtime/data/take.hpp"
#include "runtime/spill/partition_writer.hpp"

#include <arrow/record_batch.h>
#include <fmt/format.h>

namespace troupe {

Result<> SortRuns::add(const std::function<Result<Batch>()>& next) {
  ENSURE(!open_, "a run was added while the others are read");
  if (runs_.size() < runs_max) return write(next);
  // Too many to read at once: all of them become one.
  const auto merged = std::exchange(runs_, {});
  SortRuns old(terms_, files_, directory_);
  old.runs_ = merged;
  TRY(write([&] { return old.next(); }));
  for (const std::string& path : merged) {
    TRY(files_.remove_all(path));
    TRY(files_.remove_all(index_path(path)));
  }
  return write(next);
}

Result<> SortRuns::write(const std::function<Result<Batch>()>& next) {
  const std::string path = fmt::format("{}/sort.run{}", directory_, written_++);
  auto writer = TRY(PartitionWriter::create(files_, path, 1, {.block_rows_min = block_rows}));
  for (;;) {
    Batch batch = TRY(next());
    if (!batch) break;
    TRY(writer->write(0, std::move(batch)));
  }
  TRY(writer->finish());
  runs_.push_back(path);
  return {};
}

Result<> SortRuns::open() {
  open_ = true;
  for (const std::string& path : runs_) {
    Head head;
    head.reader = TRY(PartitionReader::open(files_, path, 0));
    TRY(load(head));
    if (head.block) heads_.push_back(std::move(head));
  }
  return {};
}

Result<> SortRuns::load(Head& head) {
  head.block = TRY(head.reader->next());
  head.row = 0;
  if (head.block) head.key = TRY(make_sort_key(*terms_, head.block));
  return {};
}

std::size_t SortRuns::smallest() const {
  std::size_t best = 0;
  for (std::size_t i = 1; i < heads_.size(); ++i) {
    if (heads_[i].key.compare(heads_[i].row, heads_[best].key, heads_[best].row) < 0) best = i;
  }
  return best;
}

Result<Batch> SortRuns::next() {
  if (!open_) TRY(open());
  if (heads_.empty()) return Batch();
  // An output ends where a block does: all picked rows are then in the blocks at hand.
  std::vector<std::uint32_t> order;
  std::size_t head = 0;
  do {
    head = smallest();
    order.push_back(static_cast<std::uint32_t>(head));
    heads_[head].picked.push_back(heads_[head].row++);
  } while (heads_[head].row < heads_[head].block.rows() &&
           order.size() < static_cast<std::size_t>(batch_rows_max));
  Batch output = TRY(gather(order));
  if (heads_[head].row == heads_[head].block.rows()) {
    TRY(load(heads_[head]));
    if (!heads_[head].block) heads_.erase(heads_.begin() + static_cast<std::ptrdiff_t>(head));
  }
  return output;
}

/// The picked rows, in the order in which their heads were picked.
Result<Batch> SortRuns::gather(const std::vector<std::uint32_t>& heads) {
  std::vector<Batch> parts;
  std::vector<std::uint32_t> next(heads_.size(), 0);
  std::uint32_t rows = 0;
  for (std::size_t i = 0; i < heads_.size(); ++i) {
    next[i] = rows;
    if (heads_[i].picked.empty()) continue;
    rows += static_cast<std::uint32_t>(heads_[i].picked.size());
    parts.push_back(TRY(take(heads_[i].block, heads_[i].picked)));
    heads_[i].picked.clear();
  }
  if (parts.size() == 1) return parts.front();
  std::vector<std::uint32_t> order;
  for (const std::uint32_t head : heads) order.push_back(next[head]++);
  return take(TRY(concat(parts)), order);
}

}  // namespace troupe
