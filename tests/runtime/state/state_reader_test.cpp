// What is read is what was written, whatever the way there: random changes of tables of every kind,
// cut into epochs, batches, sections and blocks, by tasks whose number changes, their files merged
// at any time, rows expiring all along; the oracle is a fold over a map. One seed is one history.
#include "runtime/state/state_reader.hpp"

#include "runtime/data/take.hpp"
#include "runtime/os/random.hpp"
#include "runtime/state/merge_policy.hpp"
#include "runtime/state/merge_snapshots.hpp"
#include "runtime/state/snapshot_writer.hpp"
#include "tests/runtime/state/state_oracle.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rows.hpp"
#include "tests/support/sim_disk.hpp"

#include <arrow/array.h>
#include <arrow/compute/api_vector.h>
#include <arrow/datum.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <map>
#include <optional>

using namespace troupe;
using namespace troupe::state_test;

namespace {

constexpr std::uint32_t key_groups = 16;

/// A job's tasks with their files, without the job.
class History {
 public:
  explicit History(std::uint64_t seed) : random_(seed) {
    REQUIRE(disk_.make_directories("/state"));
    oracles_.resize(tables_.size());
    rescale();
  }

  void step() {
    if (random_.chance(1, 12)) rescale();
    snapshot();
    for (std::uint32_t task = 0; task < lists_.size(); ++task) {
      if (random_.chance(1, 3)) merge(task);
    }
    for (const SnapshotFiles& list : lists_) most_files_ = std::max(most_files_, list.size());
    watermark_ += static_cast<std::int64_t>(random_.below(4));
    if (random_.chance(1, 4)) check();
  }

  /// Reads everything as so many tasks would, and compares.
  void check() {
    const auto readers = static_cast<std::uint32_t>(1 + random_.below(5));
    const auto set = SnapshotSet::open(disk_, "/state", lists_).value();
    for (std::size_t t = 0; t < tables_.size(); ++t) {
      std::vector<Batch> found;
      for (std::uint32_t reader = 0; reader < readers; ++reader) {
        const auto rows = read(set, tables_[t], owned_key_groups(reader, readers, key_groups));
        found.insert(found.end(), rows.begin(), rows.end());
        if (tables_[t].table->owner == StateOwner::task) break;  // each gets all of them
      }
      const StateTable& table = *tables_[t].table;
      INFO("table " << table.name << " of " << tables_[t].op << ", epoch " << epoch_.value());
      REQUIRE(sorted_lines_of(found) ==
              lines(oracles_[t].rows(table, watermark_), table.weight() >= 0));
    }
  }

  std::size_t merges() const { return merges_; }
  std::size_t most_files() const { return most_files_; }

 private:
  std::vector<Batch> read(const std::shared_ptr<const SnapshotSet>& set, const OperatorTable& table,
                          KeyGroupRange groups) {
    StateQuery query{table, groups};
    query.scope.watermark = at(watermark_);
    query.window_bytes = static_cast<std::int64_t>(1 + random_.below(20'000));
    return batches_of(*StateReader::open(set, query).value()).value();
  }

  Row random_row() {
    Row row;
    if (!random_.chance(1, 8)) row.text = static_cast<int>(random_.below(12));
    row.number = static_cast<int>(random_.below(5));
    row.value = static_cast<std::int64_t>(random_.below(3));
    if (!random_.chance(1, 8)) row.time = watermark_ + static_cast<std::int64_t>(random_.below(9));
    row.weight = random_.chance(1, 3) ? -1 : 1;
    return row;
  }

  /// Cut at random, some of the texts as dictionaries.
  std::vector<Batch> cut(const Batch& rows) {
    std::vector<Batch> batches;
    for (std::int64_t from = 0; from < rows.rows();) {
      const auto count = static_cast<std::int64_t>(1 + random_.below(20));
      Batch some(rows.columns()->Slice(from, count));
      if (random_.chance(1, 2)) {
        const auto coded = arrow::compute::DictionaryEncode(some.columns()->column(0)).ValueOrDie();
        const auto field = some.columns()->schema()->field(0)->WithType(coded.type());
        some = Batch(some.columns()->SetColumn(0, field, coded.make_array()).ValueOrDie());
      }
      batches.push_back(std::move(some));
      from += count;
    }
    return batches;
  }

  /// Every task writes what it changed in the epoch.
  void snapshot() {
    epoch_ = epoch_.next();
    const auto tasks = static_cast<std::uint32_t>(lists_.size());
    std::vector<std::vector<std::vector<Batch>>> changes(tasks);
    for (std::size_t t = 0; t < tables_.size(); ++t) {
      const StateTable& table = *tables_[t].table;
      const bool of_task = table.owner == StateOwner::task;
      std::vector<Row> rows(random_.below(of_task ? 5 : 60));
      for (Row& row : rows) row = random_row();
      if (of_task) oracles_[t].clear();
      std::vector<std::vector<Row>> parts(tasks);
      for (std::size_t i = 0; i < rows.size(); ++i) {
        std::uint32_t owner = static_cast<std::uint32_t>(i) % tasks;
        if (of_task) {
          rows[i].number = static_cast<int>(i);
        } else {
          std::vector<std::uint64_t> hashes;
          REQUIRE(hash_rows_of(table, batch_of({rows[i]}, table.weight() >= 0), hashes));
          owner = owner_of(key_group_of(hashes[0], key_groups), tasks, key_groups);
        }
        parts[owner].push_back(rows[i]);
        oracles_[t].add(table, rows[i]);
      }
      for (std::uint32_t task = 0; task < tasks; ++task) {
        changes[task].push_back(cut(batch_of(parts[task], table.weight() >= 0)));
      }
    }
    for (std::uint32_t task = 0; task < tasks; ++task) write(task, changes[task]);
  }

  void write(std::uint32_t task, const std::vector<std::vector<Batch>>& changes) {
    SnapshotOptions options{
        "/state",
        fmt::format("{}-{}", epoch_, task),
        epoch_,
        epoch_,
        owned_key_groups(task, static_cast<std::uint32_t>(lists_.size()), key_groups),
        key_groups};
    options.section_bytes = static_cast<std::int64_t>(100 + random_.below(3000));
    options.block_bytes = static_cast<std::int64_t>(50 + random_.below(1000));
    const auto writer = SnapshotWriter::create(disk_, options).value();
    for (std::size_t t = 0; t < tables_.size(); ++t) {
      REQUIRE(writer->write(tables_[t].op, *tables_[t].table, changes[t]));
    }
    lists_[task].push_back(writer->finish().value());
  }

  /// As the policy says, or any files that stand side by side.
  void merge(std::uint32_t task) {
    const std::size_t files = lists_[task].size();
    MergeChoice choice = files_to_merge(lists_[task]);
    if (!choice || random_.chance(1, 2)) {
      choice.begin = random_.below(files);
      choice.end = choice.begin + 1 + random_.below(files - choice.begin);
    }
    merge(task, choice);
  }

  void merge(std::uint32_t task, MergeChoice choice) {
    const auto begin = lists_[task].begin();
    const SnapshotFiles parts(begin + static_cast<std::ptrdiff_t>(choice.begin),
                              begin + static_cast<std::ptrdiff_t>(choice.end));
    const auto tasks = static_cast<std::uint32_t>(lists_.size());
    SnapshotMerge merge{fmt::format("merged-{}", ++merges_), tables_,
                        owned_key_groups(task, tasks, key_groups), choice.begin == 0,
                        at(watermark_)};
    const auto merged = merge_snapshots(disk_, "/state", parts, merge).value();
    REQUIRE(merged.groups == merge.groups);
    lists_[task] = replace_merged(lists_[task], parts, merged);
  }

  /// Another number of tasks: each takes over what the manifest has of its groups.
  void rescale() {
    const auto tasks = static_cast<std::uint32_t>(1 + random_.below(5));
    std::vector<SnapshotFiles> lists(tasks);
    for (std::uint32_t task = 0; task < tasks; ++task) {
      const KeyGroupRange groups = owned_key_groups(task, tasks, key_groups);
      for (const SnapshotFiles& list : lists_) {
        for (SnapshotFile file : list) {
          file.groups = file.groups.common(groups);
          if (!file.groups.empty()) lists[task].push_back(file);
        }
      }
    }
    lists_ = std::move(lists);
    if (epoch_ == Epoch()) return;
    snapshot();  // of its own, before it merges
    for (std::uint32_t task = 0; task < tasks; ++task) {
      if (lists_[task].size() > live_files_max) merge(task, files_to_merge(lists_[task]));
    }
  }

  Random random_;
  sim::Disk disk_;
  const std::vector<OperatorTable> tables_ = tables();
  std::vector<Oracle> oracles_;
  std::vector<SnapshotFiles> lists_;
  Epoch epoch_;
  std::int64_t watermark_ = 100;
  std::size_t merges_ = 0;
  std::size_t most_files_ = 0;
};

}  // namespace

TEST_CASE("any history of changes, merges, rescales and expiry reads as its fold") {
  std::size_t merges = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    INFO("seed " << seed);
    History history(seed);
    for (int i = 0; i < 25; ++i) history.step();
    history.check();
    merges += history.merges();
    CHECK(history.most_files() <= live_files_max);
  }
  CHECK(merges > 500);
}

TEST_CASE("windows ascend, and no block is read for groups that nobody asked for") {
  sim::Disk disk;
  const OperatorTable numbers{"op", table("rows", false, {"n"}, StateMerge::last)};
  std::vector<Row> rows(4000);
  for (int i = 0; i < 4000; ++i) rows[static_cast<std::size_t>(i)].number = i;
  SnapshotOptions options{"/state", "1", Epoch(1), Epoch(1)};
  options.block_bytes = 4000;
  const auto writer = SnapshotWriter::create(disk, options).value();
  REQUIRE(writer->write("op", *numbers.table, {batch_of(rows, false)}));
  const SnapshotFile file = writer->finish().value();
  const auto set = SnapshotSet::open(disk, "/state", {{file}}).value();
  REQUIRE(set->lists()[0][0].reader->index().sections[0].blocks.size() > 20);

  StateQuery query{numbers, {100, 900}};
  query.window_bytes = 10'000;
  const auto reader = StateReader::open(set, query).value();
  std::uint32_t reached = 100;
  std::int64_t found = 0;
  int windows = 0;
  for (Batch window = reader->next_window().value(); window;
       window = reader->next_window().value()) {
    std::vector<std::uint64_t> hashes;
    REQUIRE(hash_rows_of(*numbers.table, window, hashes));
    std::uint32_t highest = 0;
    for (const std::uint64_t hash : hashes) {
      REQUIRE(key_group_of(hash) >= reached);
      highest = std::max<std::uint32_t>(highest, key_group_of(hash));
    }
    reached = highest + 1;
    CHECK(window.bytes() <= query.window_bytes + 2 * options.block_bytes);
    found += window.rows();
    ++windows;
  }
  CHECK(reached <= 900);
  CHECK(windows > 5);
  CHECK(found > 2500);
  CHECK(found < 3800);

  // Bytes of other groups are never looked at: they may be anything.
  const SnapshotIndex& index = set->lists()[0][0].reader->index();
  std::string bytes = disk.read("/state/1").value();
  const SnapshotBlock& first = index.sections[0].blocks.front();
  REQUIRE(first.groups.end <= 100);
  bytes[first.place.offset] ^= 1;
  auto changed = disk.create("/state/1").value();
  REQUIRE(changed->append(bytes));
  const auto other = SnapshotSet::open(disk, "/state", {{file}}).value();
  CHECK(batches_of(*StateReader::open(other, query).value()).ok());
  query.groups = all_key_groups();
  const auto damaged = batches_of(*StateReader::open(other, query).value());
  REQUIRE_FALSE(damaged);
  CHECK(damaged.error().code == ErrorCode::corrupt);
}

TEST_CASE("a table that has changed is refused, by name") {
  sim::Disk disk;
  const auto written = table("rows", false, {"n"}, StateMerge::last);
  const auto writer = SnapshotWriter::create(disk, {"/state", "1"}).value();
  REQUIRE(writer->write("op", *written, {batch_of({Row()}, false)}));
  const SnapshotFile file = writer->finish().value();
  const auto set = SnapshotSet::open(disk, "/state", {{file}}).value();
  const auto error = [&](StateTable table) {
    const auto shared = std::make_shared<StateTable>(std::move(table));
    const auto reader = StateReader::open(set, {{"op", shared}, all_key_groups()});
    REQUIRE_FALSE(reader);
    CHECK(reader.error().code == ErrorCode::conflict);
    return reader.error().message;
  };
  StateTable other = *written;
  other.key = {"s"};
  CHECK(
      error(other) ==
      "the state table 'rows' of operator 'op' is (s string, n int64, v int64, t timestamp[us]) "
      "by (s), merge last, of key_groups, and in the snapshot '/state/1' it is (s string, n int64, "
      "v int64, t timestamp[us]) by (n), merge last, of key_groups");
  other = *written;
  other.schema = schema(true);
  CHECK(error(other).find("#weight int64") != std::string::npos);
  other = *written;
  other.owner = StateOwner::task;
  CHECK(error(other).find("of task") != std::string::npos);

  // The number of key groups is the job's for life.
  const auto more = StateReader::open(set, {{"op", written}, all_key_groups(2048)});
  REQUIRE_FALSE(more);
  CHECK(more.error().message ==
        "the snapshot '/state/1' has 1024 key groups, the job 2048 or more");

  SnapshotMerge merge{
      "2", {{"op", table("others", false, {"n"}, StateMerge::last)}}, all_key_groups()};
  const auto merged = merge_snapshots(disk, "/state", {file}, merge);
  REQUIRE_FALSE(merged);
  CHECK(merged.error().message ==
        "the snapshot '/state/1' has a table 'rows' of operator 'op', which the job has not");
  CHECK_FALSE(disk.exists("/state/2.new"));
}
