#include "runtime/state/state_reader.hpp"

#include "runtime/base/node_fault.hpp"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>

namespace troupe {
namespace {

bool same_columns(const arrow::Schema& a, const arrow::Schema& b) {
  bool same = a.num_fields() == b.num_fields();
  for (int i = 0; same && i < a.num_fields(); ++i) {
    same =
        a.field(i)->name() == b.field(i)->name() && a.field(i)->type()->Equals(*b.field(i)->type());
  }
  return same;
}

std::string told(const arrow::Schema& schema, const std::vector<std::string>& key, StateMerge merge,
                 StateOwner owner) {
  std::string text;
  for (const auto& field : schema.fields()) {
    text +=
        fmt::format("{}{} {}", text.empty() ? "" : ", ", field->name(), field->type()->ToString());
  }
  return fmt::format("({}) by ({}), merge {}, of {}", text, fmt::join(key, ", "), to_string(merge),
                     to_string(owner));
}

}  // namespace

StateReader::StateReader(std::shared_ptr<const SnapshotSet> set, StateQuery query)
    : set_(std::move(set)), query_(std::move(query)), group_(query_.groups.begin) {}

Result<std::unique_ptr<StateReader>> StateReader::open(std::shared_ptr<const SnapshotSet> set,
                                                       StateQuery query) {
  std::unique_ptr<StateReader> reader(new StateReader(std::move(set), std::move(query)));
  for (const auto& list : reader->set_->lists()) TRY(reader->add_cursors(list));
  const std::uint32_t wanted = reader->query_.groups.end, held = reader->set_->key_groups();
  if (!reader->cursors_.empty() && wanted > held) {
    return make_error(ErrorCode::conflict,
                      "the snapshot '{}' has {} key groups, the job {} or more",
                      reader->cursors_.front().file->path(), held, wanted);
  }
  reader->bytes_at_.resize(reader->query_.groups.end, 0);
  for (Cursor& cursor : reader->cursors_) {
    const auto& blocks = cursor.section->blocks;
    while (cursor.block < blocks.size() && blocks[cursor.block].groups.end <= cursor.groups.begin) {
      ++cursor.block;
    }
    if (reader->query_.table.table->owner == StateOwner::task) continue;
    for (std::size_t i = cursor.block; i < blocks.size(); ++i) {
      const std::uint32_t first = std::max(blocks[i].groups.begin, cursor.groups.begin);
      if (first < cursor.groups.end) reader->bytes_at_[first] += blocks[i].memory_bytes;
    }
  }
  return reader;
}

Result<> StateReader::add_cursors(const SnapshotSet::Members& list) {
  const bool of_task = query_.table.table->owner == StateOwner::task;
  std::vector<Cursor> cursors;
  for (const SnapshotSet::Member& member : list) {
    std::vector<Cursor> of_file;
    for (const SnapshotSection& section : member.reader->index().sections) {
      if (!section.is(query_.table.op, query_.table.table->name)) continue;
      TRY(check_declared(*member.reader, section));
      const KeyGroupRange groups =
          of_task ? all_key_groups(set_->key_groups()) : query_.groups.common(member.file.groups);
      if (!groups.empty()) of_file.push_back({member.reader.get(), &section, groups});
    }
    // The newest file tells the whole of a table that belongs to its task.
    if (of_task && !of_file.empty()) cursors.clear();
    cursors.insert(cursors.end(), of_file.begin(), of_file.end());
  }
  cursors_.insert(cursors_.end(), cursors.begin(), cursors.end());
  return {};
}

Result<> StateReader::check_declared(const SnapshotReader& file,
                                     const SnapshotSection& section) const {
  const StateTable& table = *query_.table.table;
  if (same_columns(*section.schema, *table.schema) && section.key == table.key &&
      section.merge == table.merge && section.owner == table.owner) {
    return {};
  }
  return make_error(
      ErrorCode::conflict,
      "the state table '{}' of operator '{}' is {}, and in the snapshot '{}' it is {}", table.name,
      section.op, told(*table.schema, table.key, table.merge, table.owner), file.path(),
      told(*section.schema, section.key, section.merge, section.owner));
}

/// As many groups as fit, at least one. What is held of blocks that reach further counts, too.
std::uint32_t StateReader::end_of_window() const {
  std::int64_t bytes = bytes_at_[group_];
  for (const Cursor& cursor : cursors_) bytes += cursor.held.batch.bytes();
  std::uint32_t end = group_ + 1;
  while (end < query_.groups.end && bytes + bytes_at_[end] <= query_.window_bytes) {
    bytes += bytes_at_[end++];
  }
  return end;
}

std::size_t StateReader::rows_below(const std::vector<std::uint64_t>& hashes,
                                    std::uint32_t group) const {
  const auto below = [&](std::uint64_t hash) {
    return key_group_of(hash, set_->key_groups()) < group;
  };
  return static_cast<std::size_t>(std::partition_point(hashes.begin(), hashes.end(), below) -
                                  hashes.begin());
}

Result<StateReader::Rows> StateReader::read(const Cursor& cursor,
                                            const SnapshotBlock& block) const {
  Rows rows{TRY(cursor.file->read(*cursor.section, block)), {}};
  TRY(hash_rows_of(*query_.table.table, rows.batch, rows.hashes));
  std::uint32_t group = block.groups.begin;
  for (const std::uint64_t hash : rows.hashes) {
    const std::uint32_t of_row = key_group_of(hash, set_->key_groups());
    if (of_row < group || of_row >= block.groups.end) {
      return node_fault(make_error(
          ErrorCode::corrupt, "'{}' at byte {}: a row of key group {} in a block of [{}, {})",
          cursor.file->path(), block.place.offset, of_row, block.groups.begin, block.groups.end));
    }
    group = of_row;
  }
  const std::size_t begin = rows_below(rows.hashes, cursor.groups.begin);
  const std::size_t end = rows_below(rows.hashes, cursor.groups.end);
  if (begin == 0 && end == rows.hashes.size()) return rows;
  rows.batch = Batch(rows.batch.columns()->Slice(static_cast<std::int64_t>(begin),
                                                 static_cast<std::int64_t>(end - begin)));
  rows.hashes = {rows.hashes.begin() + static_cast<std::ptrdiff_t>(begin),
                 rows.hashes.begin() + static_cast<std::ptrdiff_t>(end)};
  return rows;
}

Result<> StateReader::gather(Cursor& cursor, std::uint32_t end, Window& window) {
  const auto& blocks = cursor.section->blocks;
  const std::uint32_t limit = std::min(end, cursor.groups.end);
  for (;;) {
    Rows& held = cursor.held;
    const std::size_t count = rows_below(held.hashes, end);
    const auto cut = static_cast<std::ptrdiff_t>(count);
    if (count > 0) {
      window.rows.emplace_back(held.batch.columns()->Slice(0, cut));
      window.hashes.insert(window.hashes.end(), held.hashes.begin(), held.hashes.begin() + cut);
    }
    if (count < held.hashes.size()) {
      held.batch = Batch(held.batch.columns()->Slice(cut));
      held.hashes.erase(held.hashes.begin(), held.hashes.begin() + cut);
      return {};
    }
    held = {};
    if (cursor.block == blocks.size() || blocks[cursor.block].groups.begin >= limit) return {};
    held = TRY(read(cursor, blocks[cursor.block++]));
  }
}

Result<Batch> StateReader::next_of_tasks() {
  const StateTable& table = *query_.table.table;
  while (!cursors_.empty()) {
    Cursor& cursor = cursors_.front();
    if (cursor.block == cursor.section->blocks.size()) {
      cursors_.erase(cursors_.begin());
      continue;
    }
    Batch rows = TRY(cursor.file->read(*cursor.section, cursor.section->blocks[cursor.block++]));
    if (query_.scope.watermark) rows = TRY(unexpired(table, rows, *query_.scope.watermark));
    if (rows.rows() > 0) return rows;
  }
  return Batch();
}

Result<Batch> StateReader::next_window() {
  if (query_.table.table->owner == StateOwner::task) return next_of_tasks();
  while (group_ < query_.groups.end) {
    const std::uint32_t end = end_of_window();
    Window window;
    for (Cursor& cursor : cursors_) TRY(gather(cursor, end, window));
    group_ = end;
    Batch merged = TRY(merge_rows(*query_.table.table, window.rows, window.hashes, query_.scope));
    if (merged.rows() > 0) return merged;
  }
  return Batch();
}

Result<Batch> StateReader::next() {
  if (rest_.rows() == 0) rest_ = TRY(next_window());
  if (rest_.rows() <= batch_rows_max) return std::exchange(rest_, Batch());
  const Batch rows(rest_.columns()->Slice(0, batch_rows_max));
  rest_ = Batch(rest_.columns()->Slice(batch_rows_max));
  return rows;
}

}  // namespace troupe
