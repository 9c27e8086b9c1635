// The sink of CSV files shares its commit with all file sinks; here is what it writes.
#include "runtime/base/json.hpp"
#include "runtime/os/file_system.hpp"
#include "tests/runtime/connectors/connector_runner.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rows.hpp"
#include "tests/support/temp_dir.hpp"

#include <arrow/type.h>

using namespace troupe;

namespace {

const SchemaPtr schema =
    arrow::schema({arrow::field("n", arrow::int64()), arrow::field("s", arrow::utf8())});

Result<std::string> written(const std::string& name, Json with) {
  TempDir dir;
  const std::string path = dir.path() + "/" + name;
  with["path"] = path;
  const auto plan = TRY(plan_connector("write.csv", with, {}, {PlanInput{.schema = schema}}));
  const auto sink = TRY(plan.phases.front().make_sink());
  const auto writer = TRY(sink->open({.tag = "t", .marker = "run-1"}));
  TRY(writer->write(rows_from(schema, R"([{"n": 1, "s": "a \"b\""}, {"n": null, "s": ""}])")));
  TRY(sink->commit({"run-1"}, TRY(writer->prepare(Epoch(1)))));
  return system_files().read(system_files().is_directory(path) ? path + "/part-00000.csv" : path);
}

}  // namespace

TEST_CASE("strings are quoted, nulls are empty, with and without a header") {
  CHECK(*written("out.csv", {}) == "\"n\",\"s\"\n1,\"a \"\"b\"\"\"\n,\"\"\n");
  CHECK(*written("out", {{"header", false}}) == "1,\"a \"\"b\"\"\"\n,\"\"\n");
  CHECK(*written("out.tsv", {{"delimiter", "\\t"}, {"header", false}}) ==
        "1\t\"a \"\"b\"\"\"\n\t\"\"\n");
}

TEST_CASE("what cannot stand between values, or in them, is refused when the job is checked") {
  CHECK(written("out", {{"delimiter", "\""}}).error().path == "delimiter");
  const auto nested = arrow::schema({arrow::field("l", arrow::list(arrow::int64()))});
  const auto plan =
      plan_connector("write.csv", {{"path", "out"}}, {}, {PlanInput{.schema = nested}});
  CHECK(plan.error().code == ErrorCode::unsupported);
}
