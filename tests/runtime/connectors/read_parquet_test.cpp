// The source of Parquet files: the columns and row groups that a job needs and no others, the same
// rows however they are split, and errors that name files and columns.
#include "runtime/base/json.hpp"
#include "runtime/formats/parquet_writer.hpp"
#include "runtime/operator/source.hpp"
#include "runtime/os/file_system.hpp"
#include "tests/runtime/connectors/connector_runner.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rows.hpp"
#include "tests/support/temp_dir.hpp"

#include <arrow/type.h>

using namespace troupe;

namespace {

using Lines = std::vector<std::string>;

const SchemaPtr schema =
    arrow::schema({arrow::field("n", arrow::int64()), arrow::field("name", arrow::utf8()),
                   arrow::field("x", arrow::float64())});

/// Rows [first, first + count) in row groups of `group_rows`.
void write_file(const std::string& path, int first, int count, std::int64_t group_rows,
                const SchemaPtr& columns = schema) {
  std::string json = "[";
  for (int n = first; n < first + count; ++n) {
    json += fmt::format(R"({}{{"n": {}, "name": "row {}", "x": {}.5}})", n > first ? "," : "", n,
                        n % 7, n);
  }
  const auto writer = *write_parquet(system_files(), path, columns, {.row_group_rows = group_rows});
  REQUIRE(writer->write(rows_from(columns, json + "]")));
  REQUIRE(writer->close());
}

std::int64_t rows_in(const std::vector<Split>& splits) {
  std::int64_t rows = 0;
  for (const Split& split : splits) rows += split.rows;
  return rows;
}

}  // namespace

TEST_CASE("all files of a pattern, in order, each row once") {
  TempDir dir;
  write_file(dir.path() + "/b.parquet", 100, 50, 20);
  write_file(dir.path() + "/a.parquet", 0, 100, 30);
  const auto plan = plan_connector("read.parquet", {{"path", dir.path() + "/*.parquet"}});
  REQUIRE(plan);
  CHECK(plan->output()->Equals(*schema));
  CHECK(plan->rows == 150);
  for (const std::uint32_t wanted : {1, 2, 100}) {
    const auto rows = rows_of(*plan, wanted);
    REQUIRE(rows);
    const Lines lines = lines_of(*rows);
    REQUIRE(lines.size() == 150);
    for (int n = 0; n < 150; ++n) {
      CHECK(lines[static_cast<std::size_t>(n)] == fmt::format("{}|row {}|{}.5", n, n % 7, n));
    }
  }
}

TEST_CASE("the user's columns, then the planner's, and rows without columns") {
  TempDir dir;
  const std::string path = dir.path() + "/a.parquet";
  write_file(path, 0, 3, 10);
  const Json with = {{"path", path}, {"columns", {"x", "n"}}};
  const auto all = plan_connector("read.parquet", with);
  REQUIRE(all);
  CHECK(all->output()->field_names() == Lines{"x", "n"});
  CHECK(lines_of(*rows_of(*all)) == Lines{"0.5|0", "1.5|1", "2.5|2"});
  const auto narrow =
      plan_connector("read.parquet", with, {.projection = Lines{"n"}, .resolved = all->output()});
  CHECK(lines_of(*rows_of(*narrow)) == Lines{"0", "1", "2"});
  const auto bare =
      plan_connector("read.parquet", with, {.projection = Lines{}, .resolved = all->output()});
  REQUIRE(rows_of(*bare)->size() == 1);
  CHECK(rows_of(*bare)->front().rows() == 3);
}

TEST_CASE("a pushed predicate leaves out row groups that cannot match, and only those") {
  TempDir dir;
  const std::string path = dir.path() + "/a.parquet";
  write_file(path, 0, 100'000, 10'000);
  const auto all = *plan_connector("read.parquet", {{"path", path}});
  CHECK(rows_in(*source_of(all)->splits(2)) == 100'000);
  const auto some = *plan_connector(
      "read.parquet", {{"path", path}},
      {.predicate = "n >= 25000 AND n < 35000 AND name <> 'x'", .resolved = all.output()});
  CHECK(rows_in(*source_of(some)->splits(2)) == 20'000);
  const auto none = *plan_connector("read.parquet", {{"path", path}},
                                    {.predicate = "x > 1e6 AND n < 0", .resolved = all.output()});
  CHECK(source_of(none)->splits(2)->empty());
}

TEST_CASE("what was found at submission is not looked for again") {
  TempDir dir;
  const std::string path = dir.path() + "/a.parquet";
  write_file(path, 0, 10, 10);
  const auto plan = *plan_connector("read.parquet", {{"path", path}});
  REQUIRE(system_files().remove_all(path));
  const auto again = plan_connector("read.parquet", {{"path", path}}, {.resolved = plan.output()});
  REQUIRE(again);
  CHECK(again->rows == 10);
  CHECK(source_of(*again)->splits(1).error().code == ErrorCode::not_found);
}

TEST_CASE("Parquet files with other columns are named, with the column") {
  TempDir dir;
  const std::string a = dir.path() + "/a.parquet";
  const std::string b = dir.path() + "/b.parquet";
  write_file(a, 0, 10, 10);
  const auto narrower = arrow::schema({schema->field(0), schema->field(1)});
  const auto other =
      arrow::schema({arrow::field("n", arrow::int32()), schema->field(1), schema->field(2)});
  const Json with = {{"path", dir.path()}};
  const auto error = [&] { return plan_connector("read.parquet", with).error(); };
  const auto names = [&](const Error& told, const std::string& column) {
    return told.message.find(a) != std::string::npos && told.message.find(b) != std::string::npos &&
           told.message.find("'" + column + "'") != std::string::npos;
  };
  write_file(b, 0, 10, 10, other);
  CHECK(names(error(), "n"));
  const auto writer = *write_parquet(system_files(), b, narrower, {});
  REQUIRE(writer->close());
  CHECK(names(error(), "x"));
  // A file that comes after the check is found when the job runs.
  REQUIRE(system_files().remove_all(b));
  const auto plan = *plan_connector("read.parquet", with);
  write_file(b, 0, 10, 10, other);
  CHECK(names(source_of(plan)->splits(2).error(), "n"));
  const auto chosen =
      plan_connector("read.parquet", {{"path", dir.path()}, {"columns", {"name", "x"}}});
  CHECK(rows_of(*chosen)->size() == 2);
}

TEST_CASE("mistakes in the parameters of read.parquet have their place") {
  TempDir dir;
  write_file(dir.path() + "/a.parquet", 0, 10, 10);
  const auto unknown = plan_connector("read.parquet", {{"path", dir.path()}, {"columns", {"nam"}}});
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().path == "columns.0");
  CHECK(unknown.error().hint.find("name") != std::string::npos);
  CHECK(plan_connector("read.parquet", {{"path", dir.path() + "/*.csv"}}).error().path == "path");
  CHECK(plan_connector("read.parquet", {{"path", "s3://b/x"}}).error().code ==
        ErrorCode::unsupported);
  REQUIRE(write_atomically(system_files(), dir.path() + "/a.parquet", "PAR1 not really"));
  const auto damaged = plan_connector("read.parquet", {{"path", dir.path()}});
  CHECK(damaged.error().path == "path");
  CHECK(damaged.error().code == ErrorCode::invalid_argument);
}
