// Rows divided into directories by their values: what is written is read again as the same rows,
// whatever the values, with more directories than files may be open; and a second run replaces the
// first.
#include "runtime/connectors/partitioned_writer.hpp"

#include "runtime/base/json.hpp"
#include "runtime/connectors/partitions.hpp"
#include "runtime/os/file_system.hpp"
#include "tests/runtime/connectors/connector_runner.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rows.hpp"
#include "tests/support/temp_dir.hpp"

#include <arrow/type.h>

#include <algorithm>

using namespace troupe;

namespace {

using Lines = std::vector<std::string>;

const SchemaPtr schema =
    arrow::schema({arrow::field("n", arrow::int64()), arrow::field("k", arrow::utf8()),
                   arrow::field("y", arrow::int32())});

Result<> write(const std::string& path, const Json& by, const std::vector<Batch>& batches,
               const std::string& marker = "run-1") {
  const auto plan = TRY(plan_connector("write.csv", {{"path", path}, {"partition_by", by}}, {},
                                       {PlanInput{.schema = schema}}));
  const auto sink = TRY(plan.phases.front().make_sink());
  std::vector<Committable> staged;
  for (std::uint32_t subtask = 0; subtask < 2; ++subtask) {
    const auto writer = TRY(sink->open({.subtask = subtask,
                                        .parallelism = 2,
                                        .tag = fmt::format("t{}", subtask),
                                        .marker = marker}));
    for (std::size_t i = subtask; i < batches.size(); i += 2) TRY(writer->write(batches[i]));
    for (Committable& one : TRY(writer->prepare(Epoch(1)))) staged.push_back(std::move(one));
  }
  TRY(sink->commit({marker}, staged));
  TRY(sink->commit({marker}, staged));  // again, as after a crash
  return sink->clean_up(marker);
}

Lines read(const std::string& path, const Json& types) {
  Json with{{"path", path}, {"columns", {"n", "k", "y"}}};
  if (!types.empty()) with["partition_types"] = types;
  const auto plan = plan_connector("read.csv", with);
  INFO((plan ? std::string() : plan.error().to_string()));
  REQUIRE(plan);
  return sorted_lines_of(*rows_of(*plan));
}

}  // namespace

TEST_CASE("rows divided by columns come back with the same values, odd ones included") {
  TempDir dir;
  const std::string path = dir.path() + "/out";
  const Batch odd = rows_from(schema, R"([
      {"n": 1, "k": "a/b", "y": 1}, {"n": 2, "k": "", "y": -5}, {"n": 3, "k": null, "y": null},
      {"n": 4, "k": ".hidden", "y": 1}, {"n": 5, "k": "__HIVE_DEFAULT_PARTITION__", "y": 1},
      {"n": 6, "k": "50%25=é \"x\"", "y": 2}, {"n": 7, "k": "..", "y": 2},
      {"n": null, "k": "a\nb", "y": 2}])");
  REQUIRE(write(path, {"k", "y"}, {odd, odd}));
  Lines expected = lines_of({odd, odd});
  std::sort(expected.begin(), expected.end());
  CHECK(read(path, {{"k", "text"}}) == expected);
  // Another day: other rows, and nothing of the first ones.
  const Batch next = rows_from(schema, R"([{"n": 9, "k": "z", "y": 1}])");
  REQUIRE(write(path, {"y", "k"}, {next}, "run-2"));
  CHECK(read(path, {{"k", "text"}}) == Lines{"9|z|1"});
  CHECK(system_files().list(dir.path())->size() == 1);
}

TEST_CASE("more directories than files may be open at a time") {
  TempDir dir;
  const std::string path = dir.path() + "/out";
  std::vector<Batch> batches;
  std::string json;
  for (int i = 0; i < 200; ++i) {
    json += fmt::format("{}{{\"n\": {}, \"k\": \"v{}\", \"y\": 0}}", i ? "," : "", i, i);
  }
  for (int i = 0; i < 4; ++i) batches.push_back(rows_from(schema, "[" + json + "]"));
  REQUIRE(write(path, {"k"}, batches));
  CHECK(system_files().list(path)->size() == 201);  // and _commit
  CHECK(*system_files().list(path + "/k=v7") ==
        Lines{"part-00000-2.csv", "part-00000.csv", "part-00001-2.csv", "part-00001.csv"});
  Lines expected = lines_of(batches);
  std::sort(expected.begin(), expected.end());
  CHECK(read(path, Json::object()) == expected);
}

TEST_CASE("what cannot be divided is refused when the job is checked") {
  const auto place = [](const std::string& path, const Json& by, const SchemaPtr& of) {
    const auto plan = plan_connector("write.csv", {{"path", path}, {"partition_by", by}}, {},
                                     {PlanInput{.schema = of}});
    REQUIRE_FALSE(plan);
    return plan.error().path;
  };
  CHECK(place("out.csv", {"k"}, schema) == "partition_by");
  CHECK(place("out", {"nowhere"}, schema) == "partition_by.0");
  CHECK(place("out", {"n", "k", "y"}, schema) == "partition_by");
  const auto real =
      arrow::schema({arrow::field("n", arrow::int64()), arrow::field("x", arrow::float64())});
  CHECK(place("out", {"x"}, real) == "partition_by");
}

TEST_CASE("a directory that holds anything but data is not replaced, however deep it stands") {
  TempDir dir;
  const std::string path = dir.path() + "/out";
  const Batch rows = rows_from(schema, R"([{"n": 1, "k": "a", "y": 1}])");
  REQUIRE(write(path, {"k"}, {rows}));
  REQUIRE(write_atomically(system_files(), path + "/k=a/letter.txt", "mine"));
  const auto refused = write(path, {"k"}, {rows}, "run-2");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("letter.txt") != std::string::npos);
}
