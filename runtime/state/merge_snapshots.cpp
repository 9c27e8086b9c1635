#include "runtime/state/merge_snapshots.hpp"

#include "runtime/state/snapshot_writer.hpp"
#include "runtime/state/state_reader.hpp"

#include <algorithm>

namespace troupe {
namespace {

bool holds(const SnapshotSet& set, const OperatorTable& table) {
  for (const SnapshotSet::Member& member : set.lists().front()) {
    for (const SnapshotSection& section : member.reader->index().sections) {
      if (section.is(table.op, table.table->name)) return true;
    }
  }
  return false;
}

Result<> check_known(const SnapshotSet& set, const std::vector<OperatorTable>& tables) {
  for (const SnapshotSet::Member& member : set.lists().front()) {
    for (const SnapshotSection& section : member.reader->index().sections) {
      const bool known = std::any_of(tables.begin(), tables.end(), [&](const OperatorTable& table) {
        return section.is(table.op, table.table->name);
      });
      if (known) continue;
      return make_error(
          ErrorCode::conflict,
          "the snapshot '{}' has a table '{}' of operator '{}', which the job has not",
          member.reader->path(), section.table, section.op);
    }
  }
  return {};
}

Result<std::vector<Batch>> all_rows(StateReader& reader) {
  std::vector<Batch> rows;
  for (Batch batch = TRY(reader.next()); batch; batch = TRY(reader.next())) rows.push_back(batch);
  return rows;
}

Result<> merge_table(const std::shared_ptr<const SnapshotSet>& set, const OperatorTable& table,
                     const SnapshotMerge& merge, SnapshotWriter& writer) {
  StateQuery query{table, merge.groups};
  query.scope.complete = merge.from_oldest;
  query.scope.watermark = merge.watermark;
  const auto reader = TRY(StateReader::open(set, std::move(query)));
  if (table.table->owner == StateOwner::task) {
    return writer.write(table.op, *table.table, TRY(all_rows(*reader)));
  }
  bool begun = false;
  for (Batch rows = TRY(reader->next_window()); rows; rows = TRY(reader->next_window())) {
    TRY(begun ? writer.write_more(*table.table, rows)
              : writer.write(table.op, *table.table, {rows}));
    begun = true;
  }
  return {};
}

}  // namespace

Result<SnapshotFile> merge_snapshots(FileSystem& files, const std::string& directory,
                                     const SnapshotFiles& parts, const SnapshotMerge& merge) {
  ENSURE(!parts.empty(), "'{}' would be made of nothing", merge.name);
  const auto set = TRY(SnapshotSet::open(files, directory, {parts}));
  TRY(check_known(*set, merge.tables));
  SnapshotOptions options;
  options.directory = directory;
  options.name = merge.name;
  options.epoch_first = parts.front().epoch_first;
  for (const SnapshotFile& part : parts) {
    options.epoch_first = std::min(options.epoch_first, part.epoch_first);
    options.epoch_last = std::max(options.epoch_last, part.epoch_last);
  }
  options.groups = merge.groups;
  options.key_groups = set->key_groups();
  const auto writer = TRY(SnapshotWriter::create(files, std::move(options)));
  for (const OperatorTable& table : merge.tables) {
    if (holds(*set, table)) TRY(merge_table(set, table, merge, *writer));
  }
  return writer->finish();
}

SnapshotFiles replace_merged(const SnapshotFiles& list, const SnapshotFiles& parts,
                             const SnapshotFile& merged) {
  const auto same = [](const SnapshotFile& a, const SnapshotFile& b) { return a.name == b.name; };
  const auto at = std::search(list.begin(), list.end(), parts.begin(), parts.end(), same);
  ENSURE(!parts.empty() && at != list.end(), "the {} parts of '{}' are not in the list",
         parts.size(), merged.name);
  SnapshotFiles replaced(list.begin(), at);
  replaced.push_back(merged);
  replaced.insert(replaced.end(), at + static_cast<std::ptrdiff_t>(parts.size()), list.end());
  return replaced;
}

}  // namespace troupe
