// The sink of Parquet files: parts by subtask, a single file where the path says so, a schema also
// without rows, nothing visible before the commit, and no harm to what is not its own.
#include "runtime/base/json.hpp"
#include "runtime/connectors/file_sink.hpp"
#include "runtime/formats/parquet_file.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/faulty_files.hpp"
#include "tests/support/rows.hpp"
#include "tests/support/temp_dir.hpp"

#include <arrow/type.h>

#include <filesystem>

using namespace troupe;

namespace troupe {
void register_write_parquet(OperatorRegistry& registry);
}

namespace {

const SchemaPtr schema = arrow::schema({arrow::field("n", arrow::int64())});

OperatorPlan plan(const Json& with) {
  static OperatorRegistry registry(system_files());
  if (registry.all().empty()) register_write_parquet(registry);
  const OperatorKind& kind = *registry.find("write.parquet");
  const auto options = Options::make(kind.description(), with);
  REQUIRE(options);
  auto plan = kind.plan(*options, {PlanInput{.schema = schema}}, {.files = &system_files()});
  REQUIRE(plan);
  return *plan;
}

std::shared_ptr<Sink> sink(const Json& with) { return *plan(with).phases.front().make_sink(); }

std::vector<Committable> stage(Sink& sink, std::uint32_t subtask, const std::string& tag,
                               const std::vector<std::string>& rows) {
  auto writer = sink.open({.subtask = subtask, .parallelism = 2, .tag = tag, .marker = "run-1"});
  REQUIRE(writer);
  for (const std::string& json : rows) REQUIRE((*writer)->write(rows_from(schema, json)));
  auto staged = (*writer)->prepare(Epoch(1));
  REQUIRE(staged);
  return *staged;
}

std::vector<std::string> rows_of(const std::string& path) {
  const auto file = *ParquetFile::open(system_files(), path);
  std::vector<int> groups;
  for (int i = 0; i < file->row_groups(); ++i) groups.push_back(i);
  const auto reader = *file->read(groups, {"n"});
  std::vector<Batch> batches;
  for (Batch batch = *reader->next(); batch; batch = *reader->next()) batches.push_back(batch);
  return lines_of(batches);
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("each subtask with rows writes its part; lost attempts are not seen") {
  TempDir dir;
  const auto out = sink({{"path", dir.path() + "/out"}});
  stage(*out, 0, "t0-a1", {R"([{"n": 99}])"});
  auto staged = stage(*out, 0, "t0-a2", {R"([{"n": 1}])", R"([{"n": 2}])"});
  const auto other = stage(*out, 1, "t1-a1", {R"([{"n": 3}])"});
  CHECK(stage(*out, 2, "t2-a1", {}).empty());
  staged.insert(staged.end(), other.begin(), other.end());
  CHECK_FALSE(system_files().exists(dir.path() + "/out"));
  REQUIRE(out->commit({"run-1"}, staged));
  REQUIRE(out->clean_up("run-1"));
  CHECK(*system_files().list(dir.path()) == Lines{"out"});
  CHECK(*system_files().list(dir.path() + "/out") ==
        Lines{"_commit", "part-00000.parquet", "part-00001.parquet"});
  CHECK(rows_of(dir.path() + "/out/part-00000.parquet") == Lines{"1", "2"});
  CHECK(rows_of(dir.path() + "/out/part-00001.parquet") == Lines{"3"});
  CHECK(staged.front().rows == 2);
}

TEST_CASE("a result without rows is a valid file with the schema") {
  TempDir dir;
  const auto out = sink({{"path", dir.path() + "/out"}});
  REQUIRE(out->commit({"run-1"}, stage(*out, 0, "t", {})));
  const auto file = ParquetFile::open(system_files(), dir.path() + "/out/part-00000.parquet");
  REQUIRE(file);
  CHECK((*file)->schema()->Equals(*schema));
}

TEST_CASE(
    "a path that ends in .parquet is one file, by one subtask, in directories that are made") {
  TempDir dir;
  const std::string path = dir.path() + "/deep/er/out.parquet";
  const OperatorPlan planned = plan({{"path", path}});
  CHECK(planned.phases.front().parallelism_max == 1);
  CHECK(planned.phases.front().inputs.front().exchange == ExchangeKind::gather);
  const auto out = *planned.phases.front().make_sink();
  const auto staged = stage(*out, 0, "t", {R"([{"n": 1}])"});
  CHECK_FALSE(system_files().exists(path));
  REQUIRE(out->commit({"run-1"}, staged));
  REQUIRE(out->clean_up("run-1"));
  CHECK(rows_of(path) == Lines{"1"});
  CHECK(*system_files().list(dir.path() + "/deep/er") == Lines{"out.parquet"});
}

TEST_CASE("an output that holds something else is refused before the first row") {
  TempDir dir;
  REQUIRE(system_files().make_directories(dir.path() + "/home"));
  REQUIRE(write_atomically(system_files(), dir.path() + "/home/notes.txt", "dear diary"));
  const SinkContext context{.tag = "t", .marker = "run-1"};
  const auto home = sink({{"path", dir.path() + "/home"}})->open(context);
  REQUIRE_FALSE(home);
  CHECK(home.error().code == ErrorCode::invalid_argument);
  CHECK(home.error().message.find("notes.txt") != std::string::npos);
  const auto exists = sink({{"path", dir.path() + "/home"}, {"mode", "error"}})->open(context);
  CHECK(exists.error().code == ErrorCode::already_exists);
  REQUIRE(system_files().make_directories(dir.path() + "/d.parquet"));
  CHECK_FALSE(sink({{"path", dir.path() + "/d.parquet"}})->open(context));
}

TEST_CASE("a write that fails is an error of the attempt, at every point") {
  // Claim: no failure of the disk is passed over. Shown: with the disk gone after n changes,
  // either open, write or prepare fails, for every n below the number that the whole takes.
  TempDir dir;
  const auto attempt = [&](FileSystem& files) -> Result<> {
    class Format final : public WriteFormat {
     public:
      std::vector<std::string> extensions() const override { return {".txt"}; }
      Result<> check(const arrow::Schema&) const override { return {}; }
      Result<std::unique_ptr<BatchWriter>> create(FileSystem& disk, const std::string& path,
                                                  const SchemaPtr&, std::int64_t) const override {
        class Writer final : public BatchWriter {
         public:
          explicit Writer(std::unique_ptr<WritableFile> file) : file_(std::move(file)) {}
          Result<> write(const Batch&) override { return file_->append("row"); }
          Result<> close() override { return file_->sync(); }

         private:
          std::unique_ptr<WritableFile> file_;
        };
        return std::unique_ptr<BatchWriter>(std::make_unique<Writer>(TRY(disk.create(path))));
      }
    };
    const auto out = TRY(FileSink::make(files, {.path = dir.path() + "/out", .schema = schema},
                                        std::make_shared<Format>()));
    const auto writer = TRY(out->open({.tag = "t", .marker = "run-1"}));
    TRY(writer->write(rows_from(schema, R"([{"n": 1}])")));
    TRY(writer->prepare(Epoch(1)));
    return out->clean_up("run-1");
  };
  FaultyFiles counting(system_files());
  REQUIRE(attempt(counting));
  CHECK(counting.calls() > 5);
  for (int stop = 0; stop < counting.calls(); ++stop) {
    FaultyFiles files(system_files());
    files.fail_at(stop, FaultyFiles::Fault::dead);
    CHECK_FALSE(attempt(files));
    REQUIRE(system_files().remove_all(dir.path() + "/.out.troupe-run-1"));
  }
}

TEST_CASE("an output that is a link is written where the link leads, and the link stays") {
  TempDir dir;
  const std::string disk = dir.path() + "/disk";
  REQUIRE(system_files().make_directories(disk));
  for (const char* name : {"out", "out.parquet"}) {
    INFO(name);
    // Relative, and to a place where nothing is yet; the second time to what the first has made.
    const std::string link = dir.path() + "/" + name;
    std::filesystem::create_symlink(std::string("disk/big-") + name, link);
    for (const char* run : {"run-1", "run-2"}) {
      const auto out = sink({{"path", link}});
      const auto writer = *out->open({.tag = "t", .marker = run});
      REQUIRE(writer->write(rows_from(schema, R"([{"n": 1}])")));
      const auto staged = writer->prepare(Epoch(1));
      REQUIRE(staged);
      REQUIRE(out->commit({run}, *staged));
      REQUIRE(out->clean_up(run));
      CHECK(std::filesystem::is_symlink(link));
      CHECK(system_files().exists(disk + "/big-" + name));
    }
    CHECK(system_files().list(disk)->size() == (name == std::string("out") ? 1 : 2));
  }
  CHECK(system_files().list(dir.path())->size() == 3);
}

TEST_CASE("a committable from elsewhere cannot name files outside") {
  TempDir dir;
  const auto out = sink({{"path", dir.path() + "/out"}});
  for (const char* detail : {R"({"staged": "../../etc/x", "name": "x", "bytes": 1})",
                             R"({"staged": "t/x", "name": "../x", "bytes": 1})",
                             R"({"staged": "t/x"})", R"(nonsense)"}) {
    CHECK(out->commit({"run-1"}, {{.detail = detail}}).error().code == ErrorCode::corrupt);
  }
}
