#include "runtime/exec/snapshot_keeper.hpp"

#include "runtime/os/file_pattern.hpp"
#include "runtime/state/merge_snapshots.hpp"
#include "runtime/state/snapshot_writer.hpp"
#include "runtime/state/state_reader.hpp"

#include <arrow/record_batch.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace troupe {
namespace {

SnapshotFiles files_of(const std::vector<StoredSnapshot>& stored) {
  SnapshotFiles files;
  for (const StoredSnapshot& one : stored) files.push_back(one.file);
  return files;
}

bool same(const std::vector<Batch>& left, const std::vector<Batch>& right) {
  return std::equal(
      left.begin(), left.end(), right.begin(), right.end(),
      [](const Batch& a, const Batch& b) { return a.columns()->Equals(*b.columns()); });
}

/// Of a table that belongs to the task: all rows there are.
Result<std::vector<Batch>> rows_of_task(const std::shared_ptr<const SnapshotSet>& set,
                                        const std::shared_ptr<const StateTable>& table) {
  const auto reader = TRY(StateReader::open(set, {{state_of_task, table}, all_key_groups()}));
  std::vector<Batch> rows;
  for (Batch batch = TRY(reader->next()); batch; batch = TRY(reader->next())) rows.push_back(batch);
  return rows;
}

}  // namespace

SnapshotKeeper::SnapshotKeeper(std::shared_ptr<TaskHost> host, SnapshotSite site)
    : host_(std::move(host)), site_(std::move(site)), live_(site_.role.files) {}

Result<TaskPoint> SnapshotKeeper::restore(OperatorChain& chain) const {
  TaskPoint point;
  if (site_.role.files.empty()) return point;
  const auto set =
      TRY(SnapshotSet::open(*site_.files, site_.directory, {files_of(site_.role.files)}));
  point.time = time_of(TRY(rows_of_task(set, time_table())));
  if (site_.reads_source) {
    point.position = TRY(position_of(TRY(rows_of_task(set, positions_table())), site_.self));
  }
  for (std::size_t op = 0; op < site_.tables.size(); ++op) {
    for (std::size_t table = 0; table < site_.tables[op].size(); ++table) {
      StateQuery query{site_.tables[op][table], site_.groups};
      query.scope.watermark = point.time;
      const auto reader = TRY(StateReader::open(set, std::move(query)));
      for (Batch rows = TRY(reader->next_window()); rows; rows = TRY(reader->next_window())) {
        TRY(chain.restore(op, static_cast<int>(table), rows));
      }
    }
  }
  return point;
}

Result<> SnapshotKeeper::check(const std::vector<StateRows>& rows) const {
  ENSURE(rows.size() == site_.tables.size(), "{} operators have handed over, of {}", rows.size(),
         site_.tables.size());
  for (std::size_t op = 0; op < rows.size(); ++op) {
    const auto& declared = site_.tables[op];
    if (rows[op].size() == declared.size()) continue;
    return make_error(ErrorCode::internal, "'{}' has handed over {} tables, of {}",
                      declared.empty() ? "" : declared.front().op, rows[op].size(),
                      declared.size());
  }
  return {};
}

Result<> SnapshotKeeper::keep(OperatorChain::Handed handed, const TaskPoint& point) {
  TRY(check(handed.rows));
  std::lock_guard lock(mutex_);
  if (waiting_) {
    add(waiting_->rows, std::move(handed.rows));
    waiting_->epoch = handed.barrier.epoch;
    waiting_->point = point;
  } else {
    waiting_ = Change{handed.barrier.epoch, std::move(handed.rows), point};
  }
  start();
  return {};
}

void SnapshotKeeper::add(std::vector<StateRows>& older, std::vector<StateRows> newer) const {
  for (std::size_t op = 0; op < older.size(); ++op) {
    for (std::size_t table = 0; table < older[op].size(); ++table) {
      std::vector<Batch>& into = older[op][table];
      std::vector<Batch>& from = newer[op][table];
      // Whoever hands over all of a table has said nothing new by what it said before.
      if (belongs_to_task(op, table)) into.clear();
      into.insert(into.end(), std::make_move_iterator(from.begin()),
                  std::make_move_iterator(from.end()));
    }
  }
}

void SnapshotKeeper::start() {
  if (writing_ || closed_ || error_) return;
  writing_ = true;
  host_->offload([self = shared_from_this()] { self->work(); });
}

void SnapshotKeeper::work() {
  while (auto change = next()) {
    written(*change, write(*change));
    host_->wake();
  }
}

std::optional<SnapshotKeeper::Change> SnapshotKeeper::next() {
  std::lock_guard lock(mutex_);
  writing_ = waiting_ && !closed_ && !error_;
  if (!writing_) return std::nullopt;
  return std::exchange(waiting_, std::nullopt);
}

/// False where the files there are say it all.
bool SnapshotKeeper::needs_file(const Change& change) const {
  if (site_.tables.empty() && !site_.reads_source) return false;
  if (point_ != change.point) return true;
  for (std::size_t op = 0; op < change.rows.size(); ++op) {
    for (std::size_t table = 0; table < change.rows[op].size(); ++table) {
      const std::vector<Batch>& rows = change.rows[op][table];
      if (belongs_to_task(op, table) ? !same(rows, rows_[op][table]) : !rows.empty()) return true;
    }
  }
  return false;
}

/// Of what was handed over, the tables that are written whole.
std::vector<StateRows> SnapshotKeeper::of_task(std::vector<StateRows> rows) const {
  for (std::size_t op = 0; op < rows.size(); ++op) {
    for (std::size_t table = 0; table < rows[op].size(); ++table) {
      if (!belongs_to_task(op, table)) rows[op][table].clear();
    }
  }
  return rows;
}

/// So that it outlives a power cut: its own name, and those of the two directories above it, which
/// a node makes with it (`KeptFiles::state`).
Result<> SnapshotKeeper::make_directory() {
  TRY(site_.files->make_directories(site_.directory));
  std::string above = site_.directory;
  for (int level = 0; level < 3; ++level) {
    above = parent_of(above);
    TRY(site_.files->sync_directory(above));
  }
  directory_made_ = true;
  return {};
}

Result<std::optional<SnapshotFile>> SnapshotKeeper::write(const Change& change) {
  if (!needs_file(change)) return std::optional<SnapshotFile>();
  if (!directory_made_) TRY(make_directory());
  SnapshotOptions options;
  options.directory = site_.directory;
  options.name = fmt::format("{}-e{}", site_.name, change.epoch);
  options.epoch_first = options.epoch_last = change.epoch;
  options.groups = site_.groups;
  const auto writer = TRY(SnapshotWriter::create(*site_.files, std::move(options)));
  TRY(writer->write(state_of_task, *time_table(), {time_row(change.point.time)}));
  if (change.point.position) {
    TRY(writer->write(state_of_task, *positions_table(),
                      {positions_row(*change.point.position, site_.self)}));
  }
  for (std::size_t op = 0; op < change.rows.size(); ++op) {
    for (std::size_t table = 0; table < change.rows[op].size(); ++table) {
      const OperatorTable& declared = site_.tables[op][table];
      TRY(writer->write(declared.op, *declared.table, change.rows[op][table]));
    }
  }
  return std::optional(TRY(writer->finish()));
}

void SnapshotKeeper::written(const Change& change, Result<std::optional<SnapshotFile>> file) {
  std::lock_guard lock(mutex_);
  if (!file) {
    error_ = std::move(file).error();
    return;
  }
  if (*file) {
    live_.push_back({**std::move(file), site_.nodes});
    point_ = change.point;
    rows_ = of_task(change.rows);
  }
  saved_ = Saved{change.epoch, live_};
  merge_some();
}

/// The list ends with a file of this attempt now, as a merge wants it.
void SnapshotKeeper::merge_some() {
  if (merging_ || closed_ || !point_) return;
  const SnapshotFiles list = files_of(live_);
  const MergeChoice choice = files_to_merge(list);
  if (!choice) return;
  merging_ = true;
  SnapshotFiles parts(list.begin() + static_cast<std::ptrdiff_t>(choice.begin),
                      list.begin() + static_cast<std::ptrdiff_t>(choice.end));
  host_->offload([self = shared_from_this(), parts = std::move(parts), oldest = choice.begin == 0,
                  number = ++merges_,
                  time = point_->time] { self->merge(parts, oldest, number, time); });
}

void SnapshotKeeper::merge(const SnapshotFiles& parts, bool from_oldest, std::uint64_t number,
                           EventTime time) {
  SnapshotMerge merge;
  merge.name = fmt::format("{}-m{}", site_.name, number);
  merge.tables = all_tables();
  merge.groups = site_.groups;
  merge.from_oldest = from_oldest;
  merge.watermark = time;
  auto merged = merge_snapshots(*site_.files, site_.directory, parts, merge);
  {
    std::lock_guard lock(mutex_);
    merging_ = false;
    if (!merged) {
      error_ = std::move(merged).error();
    } else {
      const auto at = std::find_if(live_.begin(), live_.end(), [&](const StoredSnapshot& one) {
        return one.file.name == parts.front().name;
      });
      ENSURE(at != live_.end(), "'{}' is not in the list", parts.front().name);
      const auto behind = live_.erase(at, at + static_cast<std::ptrdiff_t>(parts.size()));
      live_.insert(behind, {*std::move(merged), site_.nodes});
    }
  }
  host_->wake();
}

std::vector<OperatorTable> SnapshotKeeper::all_tables() const {
  std::vector<OperatorTable> all = {{state_of_task, time_table()}};
  if (site_.reads_source) all.push_back({state_of_task, positions_table()});
  for (const auto& tables : site_.tables) all.insert(all.end(), tables.begin(), tables.end());
  return all;
}

Result<std::optional<SnapshotKeeper::Saved>> SnapshotKeeper::saved() {
  std::lock_guard lock(mutex_);
  if (error_) return *error_;
  return std::exchange(saved_, std::nullopt);
}

void SnapshotKeeper::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  waiting_.reset();
}

}  // namespace troupe
