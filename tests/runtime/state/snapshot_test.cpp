// Snapshot files: rows stand in the order of their key groups, equal input makes equal bytes, what
// is told about a file is true of it, and a file stands under its name only once it is durable.
#include "runtime/state/snapshot_reader.hpp"
#include "runtime/state/snapshot_writer.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/faulty_files.hpp"
#include "tests/support/rows.hpp"
#include "tests/support/sim_disk.hpp"
#include "tests/support/temp_dir.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <xxhash.h>

#include <algorithm>

using namespace troupe;

namespace {

StateTable some_table() {
  StateTable table;
  table.name = "rows";
  table.schema = arrow::schema(
      {arrow::field("n", arrow::int64()), arrow::field("s", arrow::utf8()),
       arrow::field("d", arrow::float64()), arrow::field("m", arrow::decimal128(20, 2)),
       arrow::field("b", arrow::boolean()), arrow::field("l", arrow::list(arrow::int32()))});
  table.key = {"s", "n"};
  return table;
}

std::vector<Batch> some_rows(const StateTable& table, std::uint32_t seed, int rows = 3000) {
  std::vector<Batch> batches;
  arrow::FieldVector flat(table.schema->fields().begin(), table.schema->fields().end() - 1);
  for (const Batch& batch :
       random_rows(arrow::schema(flat), {.seed = seed, .rows = rows, .batch_rows = 200})) {
    std::string json = "[";
    for (std::int64_t i = 0; i < batch.rows(); ++i) {
      json += fmt::format(R"({}{{"l": {}}})", i ? "," : "",
                          i % 5 ? fmt::format("[{}, null]", i) : "null");
    }
    const Batch lists = rows_from(arrow::schema({table.schema->field(5)}), json + "]");
    batches.emplace_back(batch.columns()
                             ->AddColumn(5, table.schema->field(5), lists.columns()->column(0))
                             .ValueOrDie());
  }
  return batches;
}

Result<SnapshotFile> write(FileSystem& files, const StateTable& table,
                           const std::vector<Batch>& rows,
                           SnapshotOptions options = {"/state", "x"}) {
  const auto writer = TRY(SnapshotWriter::create(files, std::move(options)));
  TRY(writer->write("op", table, rows));
  return writer->finish();
}

std::vector<Batch> read_all(const SnapshotReader& reader) {
  std::vector<Batch> rows;
  for (const auto& section : reader.index().sections) {
    for (const auto& block : section.blocks) rows.push_back(reader.read(section, block).value());
  }
  return rows;
}

}  // namespace

TEST_CASE("all rows are there, by key group, in their order within a group") {
  sim::Disk disk;
  const StateTable table = some_table();
  const auto rows = some_rows(table, 3);
  for (const std::int64_t section_bytes : {std::int64_t{5000}, snapshot_section_bytes}) {
    SnapshotOptions options{"/state", "x", Epoch(7), Epoch(9)};
    options.section_bytes = section_bytes;
    options.block_bytes = 2000;
    const SnapshotFile file = write(disk, table, rows, options).value();
    const auto reader = SnapshotReader::open(disk, "/state/x").value();
    CHECK(sorted_lines_of(read_all(*reader)) == sorted_lines_of(rows));
    const SnapshotIndex& index = reader->index();
    CHECK((index.sections.size() == 1) == (section_bytes == snapshot_section_bytes));
    for (const auto& section : index.sections) {
      REQUIRE(section.blocks.size() >= (index.sections.size() == 1 ? 10 : 1));
      std::uint32_t group = 0;
      for (const auto& block : section.blocks) {
        std::vector<std::uint64_t> hashes;
        REQUIRE(hash_rows_of(table, reader->read(section, block).value(), hashes));
        CHECK(key_group_of(hashes.front()) == block.groups.begin);
        CHECK(key_group_of(hashes.back()) + 1u == block.groups.end);
        for (const std::uint64_t hash : hashes) {
          REQUIRE(key_group_of(hash) >= group);
          group = key_group_of(hash);
        }
      }
    }
    CHECK(index.rows() == 3000);
    CHECK(file.rows == 3000);
    CHECK(file.name == "x");
    CHECK(file.epoch_first == Epoch(7));
    CHECK(file.epoch_last == Epoch(9));
    CHECK(file.groups == all_key_groups());
    const std::string bytes = disk.read("/state/x").value();
    CHECK(file.bytes == bytes.size());
    CHECK(file.hash == XXH3_64bits(bytes.data(), bytes.size()));
    CHECK(verify_snapshot(disk, "/state/x", file).ok());
    CHECK_FALSE(disk.exists("/state/x.new"));
  }
}

TEST_CASE("rows of one group keep their order") {
  sim::Disk disk;
  StateTable table = some_table();
  table.key = {};
  const auto rows = some_rows(table, 5);
  REQUIRE(write(disk, table, rows));
  CHECK(lines_of(read_all(*SnapshotReader::open(disk, "/state/x").value())) == lines_of(rows));
}

TEST_CASE("equal input makes equal bytes") {
  sim::Disk disk;
  const StateTable table = some_table();
  const auto first = write(disk, table, some_rows(table, 3)).value();
  const std::string bytes = disk.read("/state/x").value();
  const auto second = write(disk, table, some_rows(table, 3)).value();
  CHECK(first == second);
  CHECK(bytes == disk.read("/state/x").value());
  CHECK(write(disk, table, some_rows(table, 4)).value().hash != first.hash);
}

TEST_CASE("a table that did not change leaves no trace, one that belongs to its task always does") {
  sim::Disk disk;
  StateTable table = some_table();
  REQUIRE(write(disk, table, {}));
  CHECK(SnapshotReader::open(disk, "/state/x").value()->index().sections.empty());
  table.owner = StateOwner::task;
  REQUIRE(write(disk, table, {}));
  const auto reader = SnapshotReader::open(disk, "/state/x").value();
  REQUIRE(reader->index().sections.size() == 1);
  CHECK(reader->index().sections[0].blocks.empty());
}

TEST_CASE("whatever call to the disk fails, nothing stands that was not told of") {
  const StateTable table = some_table();
  const auto rows = some_rows(table, 3, 50);
  bool finished = false;
  std::vector<std::string> asked;
  for (int call = 0; !finished; ++call) {
    sim::Disk below;
    FaultyFiles disk(below);
    disk.fail_at(call, FaultyFiles::Fault::broken);
    const auto written = write(disk, table, rows);
    finished = !disk.struck();
    REQUIRE(written.ok() == finished);
    if (finished) break;
    asked.push_back(disk.asked());
    CHECK(below.files_below("/").empty());
  }
  const auto place = [&](const std::string& call) {
    const auto at = std::find(asked.begin(), asked.end(), call);
    REQUIRE(at != asked.end());
    return at - asked.begin();
  };
  CHECK(place("write '/state/x.new'") < place("sync '/state/x.new'"));
  CHECK(place("sync '/state/x.new'") < place("rename '/state/x.new'"));
  CHECK(asked.back() == "sync '/state'");
}

TEST_CASE("what was acknowledged outlives a power cut") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    sim::Disk disk(seed);
    REQUIRE(disk.make_directories("/state"));
    REQUIRE(disk.sync_directory("/"));
    const StateTable table = some_table();
    const auto file = write(disk, table, some_rows(table, 3, 50)).value();
    disk.power_cut();
    CHECK(verify_snapshot(disk, "/state/x", file).ok());
  }
}

TEST_CASE("a declaration that cannot be kept is refused, saying why") {
  const auto message = [](const std::function<void(StateTable&)>& change) {
    StateTable table = some_table();
    change(table);
    const auto checked = table.check();
    REQUIRE_FALSE(checked);
    return checked.error().message;
  };
  CHECK(some_table().check().ok());
  CHECK(message([](StateTable& t) { t.key = {"x"}; }) ==
        "the state table 'rows' has no key column 'x'");
  CHECK(message([](StateTable& t) { t.key = {"l"}; }).find("key column 'l' of 'rows'") == 0);
  CHECK(message([](StateTable& t) { t.merge = StateMerge::weights; }) ==
        "the state table 'rows' merges by weights and has no column '#weight'");
  CHECK(message([](StateTable& t) { t.expires_by = "n"; }) ==
        "the state table 'rows' expires by 'n', which is int64 and no time in microseconds");
  CHECK(message([](StateTable& t) { t.expires_by = "x"; }) ==
        "the state table 'rows' has no column 'x'");
  CHECK(message([](StateTable& t) { t.merge = StateMerge::accumulate; }) ==
        "the state table 'rows' needs a function where it accumulates, and only there");
  CHECK(message([](StateTable& t) {
          t.schema = arrow::schema(
              {arrow::field("#weight", arrow::int64()), arrow::field("n", arrow::int64())});
          t.key = {"n"};
        }) == "the state table 'rows' must have '#weight' as its last column, an int64");
  CHECK(message([](StateTable& t) {
          t.owner = StateOwner::task;
          t.schema = arrow::schema(
              {arrow::field("n", arrow::int64()), arrow::field("#weight", arrow::int64())});
          t.key = {"n"};
          t.merge = StateMerge::weights;
        }) == "the state table 'rows' belongs to its task, so nothing merges its rows");
}

TEST_CASE("subtasks own what owner_of says") {
  for (const std::uint32_t groups : {1u, 16u, 1024u}) {
    for (std::uint32_t parallelism = 1; parallelism <= 20; ++parallelism) {
      for (std::uint32_t subtask = 0; subtask < parallelism; ++subtask) {
        const KeyGroupRange range = owned_key_groups(subtask, parallelism, groups);
        for (std::uint32_t group = 0; group < groups; ++group) {
          const auto key_group = static_cast<KeyGroup>(group);
          REQUIRE(range.contains(key_group) ==
                  (owner_of(key_group, parallelism, groups) == subtask));
        }
      }
    }
  }
}
