// What sources and sinks do when the disk fails under them. Every call that one makes goes wrong
// once, each in a run of its own: a device that fails, a disk without room, a read that stops in
// the middle. What must come of it: an error that names the file and the cause, and that is never
// the user's; of a source no end of its rows, of a sink nothing that a reader would see, and
// nothing left when it is cleaned up.
#include "runtime/base/json.hpp"
#include "runtime/base/node_fault.hpp"
#include "runtime/data/arrow_result.hpp"
#include "runtime/formats/csv_file.hpp"
#include "runtime/formats/ipc_file.hpp"
#include "runtime/formats/json_file.hpp"
#include "runtime/formats/parquet_writer.hpp"
#include "runtime/os/file_pattern.hpp"
#include "tests/runtime/connectors/connector_runner.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/faulty_files.hpp"
#include "tests/support/rows.hpp"
#include "tests/support/sim_disk.hpp"

#include <arrow/buffer.h>
#include <arrow/builder.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/compression.h>

using namespace troupe;

namespace {

using Fault = FaultyFiles::Fault;

constexpr int calls_max = 1000;  ///< of one run: more are a loop without an end

/// The error of a disk that has failed, on its way out through a connector.
void check_told(const Error& error, Fault fault, const FaultyFiles& disk) {
  INFO(error.to_string());
  CHECK(error.code == ErrorCode::unavailable);
  if (fault == Fault::short_read) {
    const std::string path = disk.asked().substr(disk.asked().find('\''));
    CHECK(error.message.find("cannot read " + path + ": the disk gives ") != std::string::npos);
  } else {
    CHECK(error.message.find("cannot " + disk.asked() + ": ") != std::string::npos);
    const bool full = error.message.find("No space left on device") != std::string::npos;
    const bool broken = error.message.find("Input/output error") != std::string::npos;
    CHECK((fault == Fault::full ? full : broken));
  }
}

// Sources

constexpr std::int64_t rows_written = 60'000;  ///< some MiB: several blocks, splits, row groups

std::string text_rows(const std::string& head, const std::string& begin, const std::string& between,
                      const std::string& end) {
  std::string text = head;
  for (std::int64_t n = 0; n < rows_written; ++n) {
    text += fmt::format("{}{}{}{}{}\n", begin, n, between, 1'000'000'000'000'000 + n * 7919, end);
  }
  return text;
}

Batch batch_of(std::int64_t first, std::int64_t count) {
  arrow::Int64Builder numbers;
  arrow::StringBuilder texts;
  for (std::int64_t n = first; n < first + count; ++n) {
    REQUIRE(numbers.Append(n).ok());
    REQUIRE(texts.Append(fmt::format("the text of the row with the number {}", n)).ok());
  }
  return Batch(arrow::RecordBatch::Make(
      arrow::schema({arrow::field("n", arrow::int64()), arrow::field("s", arrow::utf8())}), count,
      {numbers.Finish().ValueOrDie(), texts.Finish().ValueOrDie()}));
}

void write_batches(Result<std::unique_ptr<BatchWriter>> writer) {
  REQUIRE(writer);
  for (std::int64_t at = 0; at < rows_written; at += 10'000) {
    REQUIRE((*writer)->write(batch_of(at, 10'000)));
  }
  REQUIRE((*writer)->close());
}

std::string packed(const std::string& text) {
  const auto codec = arrow::util::Codec::Create(arrow::Compression::GZIP).ValueOrDie();
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  const auto size = static_cast<std::int64_t>(text.size());
  std::string small(static_cast<std::size_t>(codec->MaxCompressedLen(size, bytes)), '\0');
  auto* out = reinterpret_cast<std::uint8_t*>(small.data());
  const auto length = static_cast<std::int64_t>(small.size());
  small.resize(static_cast<std::size_t>(codec->Compress(size, bytes, length, out).ValueOrDie()));
  return small;
}

std::string as_stream() {
  const auto bytes = arrow::io::BufferOutputStream::Create().ValueOrDie();
  const auto writer =
      arrow::ipc::MakeStreamWriter(bytes, batch_of(0, 1).columns()->schema()).ValueOrDie();
  for (std::int64_t at = 0; at < rows_written; at += 10'000) {
    REQUIRE(writer->WriteRecordBatch(*batch_of(at, 10'000).columns()).ok());
  }
  REQUIRE(writer->Close().ok());
  return bytes->Finish().ValueOrDie()->ToString();
}

struct SourceCase {
  std::string op;
  std::string file;
  Json with = Json::object();
};

const std::vector<SourceCase> sources = {
    {"read.csv", "rows.csv"},                                 // looked through, then cut
    {"read.csv", "quoted.csv"},                               // whole
    {"read.csv", "rows.csv.gz"},                              // unpacked
    {"read.csv", "rows.csv", {{"delimiter", "auto"}}},        // guessed
    {"read.csv", "rows.csv", {{"schema", "union"}}},          // looked into once more
    {"read.jsonl", "rows.jsonl"},                             //
    {"read.ipc", "rows.arrow"},                               //
    {"read.ipc", "rows.stream"},                              //
    {"read.parquet", "rows.parquet"},                         //
    {"read.parquet", "rows.parquet", {{"schema", "union"}}},  //
    {"read.parquet", "rows.parquet", {{"columns", {"s"}}}}};  //

/// One disk with a file of each format.
sim::Disk& disk_of_sources() {
  static sim::Disk disk;
  if (disk.exists("/in")) return disk;
  REQUIRE(disk.make_directories("/in"));
  const std::string csv = text_rows("n,m\n", "", ",", "");
  REQUIRE(write_atomically(disk, "/in/rows.csv", csv));
  REQUIRE(write_atomically(disk, "/in/rows.csv.gz", packed(csv)));
  REQUIRE(write_atomically(disk, "/in/rows.jsonl", text_rows("", R"({"n": )", R"(, "m": )", "}")));
  REQUIRE(write_atomically(disk, "/in/rows.stream", as_stream()));
  const SchemaPtr schema = batch_of(0, 1).columns()->schema();
  write_batches(write_csv(disk, "/in/quoted.csv", schema, {}));
  write_batches(write_ipc(disk, "/in/rows.arrow", schema, "lz4"));
  write_batches(write_parquet(disk, "/in/rows.parquet", schema, {.row_group_rows = 20'000}));
  return disk;
}

/// Planned, split and read to the end. `planned`: it got so far.
Result<std::int64_t> read_all(FileSystem& disk, const SourceCase& source, bool& planned) {
  Json with = source.with;
  with["path"] = "/in/" + source.file;
  const auto plan = TRY(plan_connector(source.op, with, {.files = &disk}));
  planned = true;
  std::int64_t rows = 0;
  for (const Batch& batch : TRY(rows_of(plan))) rows += batch.rows();
  return rows;
}

/// The number of calls that the source makes.
int check_source(const SourceCase& source, Fault fault) {
  for (int call = 0; call < calls_max; ++call) {
    FaultyFiles disk(disk_of_sources());
    disk.fail_at(call, fault);
    bool planned = false;
    const auto rows = read_all(disk, source, planned);
    if (!disk.struck()) {
      REQUIRE(rows);
      CHECK(*rows == rows_written);
      return call;
    }
    INFO("call " << call << ", " << disk.asked() << ", " << static_cast<int>(fault));
    REQUIRE_FALSE(rows);
    check_told(rows.error(), fault, disk);
    // A job that is being checked has no other node to go to: it is told where it names the file.
    CHECK(is_node_fault(rows.error()) == planned);
    CHECK((planned || rows.error().path == "path"));
  }
  FAIL("no end");
  return 0;
}

// Sinks

struct SinkCase {
  std::string op;
  std::string path;
  Json with = Json::object();
};

std::vector<SinkCase> sinks() {
  const std::map<std::string, std::string> endings = {{"write.csv", ".csv"},
                                                      {"write.jsonl", ".jsonl"},
                                                      {"write.ipc", ".arrow"},
                                                      {"write.parquet", ".parquet"}};
  std::vector<SinkCase> all;
  for (const auto& [op, ending] : endings) {
    all.push_back({op, "/top/new/out"});
    all.push_back({op, "/top/new/out" + ending});
    all.push_back({op, "/top/new/out", {{"partition_by", {"k"}}}});
  }
  return all;
}

const SchemaPtr sink_schema =
    arrow::schema({arrow::field("n", arrow::int64()), arrow::field("k", arrow::int64())});

/// One run of a sink on a disk, step by step.
struct SinkRun {
  SinkRun(FileSystem& disk, const SinkCase& one, std::string marker)
      : marker_(std::move(marker)), made_(make(disk, one)) {}

  Result<> stage(const Batch& rows) {
    if (!made_) return made_.error();
    const auto& sink = *made_;
    const auto writer = TRY(sink->open({.tag = "t", .marker = marker_}));
    TRY(writer->write(rows));
    TRY(writer->write(rows));
    staged_ = TRY(writer->prepare(Epoch(1)));
    return {};
  }
  Result<> commit() { return (*made_)->commit({marker_}, staged_); }
  Result<> clean_up() { return (*made_)->clean_up(marker_); }
  bool made() const { return made_.ok(); }

 private:
  static Result<std::shared_ptr<Sink>> make(FileSystem& disk, const SinkCase& one) {
    Json with = one.with;
    with["path"] = one.path;
    const auto plan =
        TRY(plan_connector(one.op, with, {.files = &disk}, {PlanInput{.schema = sink_schema}}));
    return plan.phases.front().make_sink();
  }

  const std::string marker_;
  const Result<std::shared_ptr<Sink>> made_;
  std::vector<Committable> staged_;
};

Batch old_rows() { return rows_from(sink_schema, R"([{"n": 1, "k": 1}])"); }
Batch new_rows() { return rows_from(sink_schema, R"([{"n": 2, "k": 1}, {"n": 3, "k": 2}])"); }
const std::vector<std::string> old_lines = {"1|1", "1|1"};
const std::vector<std::string> new_lines = {"2|1", "2|1", "3|2", "3|2"};

void write_old(FileSystem& disk, const SinkCase& one) {
  SinkRun run(disk, one, "run-0");
  REQUIRE(run.stage(old_rows()));
  REQUIRE(run.commit());
  REQUIRE(run.clean_up());
}

/// What a reader sees; nothing where there is no output.
std::vector<std::string> seen(FileSystem& disk, const SinkCase& one) {
  if (!disk.exists(one.path)) return {};
  const auto plan =
      plan_connector("read" + one.op.substr(5), {{"path", one.path}}, {.files = &disk});
  INFO((plan ? std::string() : plan.error().to_string()));
  REQUIRE(plan);
  return sorted_lines_of(rows_of(*plan).value());
}

/// What is there beside the output.
std::vector<std::string> beside(FileSystem& disk, const SinkCase& one) {
  if (!disk.exists("/top/new")) return {};
  auto names = disk.list("/top/new").value();
  std::erase(names, name_of(one.path));
  return names;
}

bool holds_files(FileSystem& disk, const std::string& path) {
  if (!disk.is_directory(path)) return disk.exists(path);
  const auto names = disk.list(path).value();
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return holds_files(disk, path + "/" + name); });
}

/// More than writers hold back before they write, whatever the format packs.
Batch many_rows() {
  std::vector<std::int64_t> values(80'000);
  std::uint64_t next = 0;
  for (auto& value : values) value = static_cast<std::int64_t>(next += 0x9E3779B97F4A7C15u);
  arrow::Int64Builder numbers;
  REQUIRE(numbers.AppendValues(values).ok());
  const auto column = numbers.Finish().ValueOrDie();
  return Batch(arrow::RecordBatch::Make(sink_schema, column->length(), {column, column}));
}

int check_staging(const SinkCase& one, bool over_old, Fault fault, const Batch& rows) {
  for (int call = 0; call < calls_max; ++call) {
    sim::Disk below;
    REQUIRE(below.make_directories("/top"));
    if (over_old) write_old(below, one);
    FaultyFiles disk(below);
    disk.fail_at(call, fault);
    SinkRun run(disk, one, "run-1");
    const auto staged = run.stage(rows);
    CHECK(seen(below, one) == (over_old ? old_lines : std::vector<std::string>()));
    if (!disk.struck()) {
      REQUIRE(staged);
      return call;
    }
    INFO("call " << call << ", " << disk.asked() << ", " << static_cast<int>(fault));
    REQUIRE_FALSE(staged);
    check_told(staged.error(), fault, disk);
    CHECK(is_node_fault(staged.error()) == (fault == Fault::broken));
    // An attempt takes its files along; its directory goes with those of the run.
    for (const std::string& name : beside(below, one)) {
      CHECK_FALSE(holds_files(below, "/top/new/" + name));
    }
    if (run.made()) REQUIRE(run.clean_up());
    CHECK(beside(below, one).empty());
  }
  FAIL("no end");
  return 0;
}

int check_commit(const SinkCase& one, bool over_old, Fault fault) {
  for (int call = 0; call < calls_max; ++call) {
    sim::Disk below;
    REQUIRE(below.make_directories("/top"));
    if (over_old) write_old(below, one);
    FaultyFiles disk(below);
    SinkRun run(disk, one, "run-1");
    REQUIRE(run.stage(new_rows()));
    disk.fail_at(call, fault);
    const auto committed = run.commit();
    const bool struck = disk.struck();
    disk.heal();
    INFO("call " << call << ", " << disk.asked() << ", " << static_cast<int>(fault));
    if (struck) {
      REQUIRE_FALSE(committed);
      check_told(committed.error(), fault, disk);
      CHECK(is_node_fault(committed.error()) == (fault == Fault::broken));
      const auto rows = seen(below, one);
      CHECK((rows == new_lines || rows == (over_old ? old_lines : std::vector<std::string>())));
      REQUIRE(run.commit());
    }
    REQUIRE((struck || committed));
    CHECK(seen(below, one) == new_lines);
    REQUIRE(run.clean_up());
    CHECK(beside(below, one).empty());
    if (!struck) return call;
  }
  FAIL("no end");
  return 0;
}

}  // namespace

TEST_CASE("a disk that fails under a source, at whichever call, ends the reading with its error") {
  for (const SourceCase& source : sources) {
    for (const Fault fault : {Fault::broken, Fault::short_read}) {
      INFO(source.op << " " << source.file << " " << source.with.dump());
      // Else the file was not read through the door.
      CHECK(check_source(source, fault) >= 2);
    }
  }
}

TEST_CASE("a disk that fails under a sink while it stages leaves nothing behind, and no doubt") {
  for (const SinkCase& one : sinks()) {
    for (const bool over_old : {false, true}) {
      for (const Fault fault : {Fault::broken, Fault::full}) {
        INFO(one.op << " " << one.path << " " << one.with.dump() << over_old);
        CHECK(check_staging(one, over_old, fault, new_rows()) >= 8);
      }
    }
  }
}

TEST_CASE("a disk that fails while a sink is still writing is told by whoever meets it") {
  // Fewer rows are written when the file ends, where no format's writer stands between.
  const Batch rows = many_rows();
  for (const SinkCase& one : sinks()) {
    if (one.path != "/top/new/out" || !one.with.empty()) continue;
    INFO(one.op);
    CHECK(check_staging(one, false, Fault::broken, rows) >= 9);
  }
}

TEST_CASE("a disk that fails under a commit shows all or nothing, and the commit can be repeated") {
  for (const SinkCase& one : sinks()) {
    for (const bool over_old : {false, true}) {
      for (const Fault fault : {Fault::broken, Fault::full}) {
        INFO(one.op << " " << one.path << " " << one.with.dump() << over_old);
        CHECK(check_commit(one, over_old, fault) >= 5);
      }
    }
  }
}
