// The sink of JSON lines shares its commit with all file sinks; here is what it writes.
#include "runtime/base/json.hpp"
#include "runtime/os/file_system.hpp"
#include "tests/runtime/connectors/connector_runner.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rows.hpp"
#include "tests/support/temp_dir.hpp"

#include <arrow/type.h>

using namespace troupe;

TEST_CASE("one object a line, in a single file or in parts") {
  TempDir dir;
  const auto schema = arrow::schema({arrow::field("n", arrow::int64())});
  for (const std::string name : {"out.jsonl", "out.ndjson", "out"}) {
    const std::string path = dir.path() + "/" + name;
    const auto plan =
        *plan_connector("write.jsonl", {{"path", path}}, {}, {PlanInput{.schema = schema}});
    const auto sink = *plan.phases.front().make_sink();
    const auto writer = *sink->open({.tag = "t", .marker = "run-1"});
    REQUIRE(writer->write(rows_from(schema, R"([{"n": 1}, {"n": null}])")));
    REQUIRE(sink->commit({"run-1"}, *writer->prepare(Epoch(1))));
    const bool parts = system_files().is_directory(path);
    CHECK(parts == (name == "out"));
    CHECK(*system_files().read(parts ? path + "/part-00000.jsonl" : path) ==
          "{\"n\":1}\n{\"n\":null}\n");
  }
}

TEST_CASE("what JSON has no values for is refused when the job is checked") {
  const auto schema = arrow::schema({arrow::field("b", arrow::month_day_nano_interval())});
  const auto plan =
      plan_connector("write.jsonl", {{"path", "out"}}, {}, {PlanInput{.schema = schema}});
  CHECK(plan.error().code == ErrorCode::unsupported);
}
