// The sink of Arrow IPC files shares its commit with all file sinks; what it writes is read back.
#include "runtime/base/json.hpp"
#include "runtime/os/file_system.hpp"
#include "tests/runtime/connectors/connector_runner.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rows.hpp"
#include "tests/support/temp_dir.hpp"

#include <arrow/type.h>

using namespace troupe;

TEST_CASE("what write.ipc commits, read.ipc reads, with each compression") {
  TempDir dir;
  const auto schema =
      arrow::schema({arrow::field("n", arrow::int64()), arrow::field("s", arrow::utf8())});
  for (const std::string compression : {"lz4", "zstd", "none"}) {
    const std::string path = dir.path() + "/out-" + compression;
    const auto plan = *plan_connector("write.ipc", {{"path", path}, {"compression", compression}},
                                      {}, {PlanInput{.schema = schema}});
    const auto sink = *plan.phases.front().make_sink();
    const auto writer = *sink->open({.tag = "t", .marker = "run-1"});
    REQUIRE(writer->write(rows_from(schema, R"([{"n": 1, "s": "x"}, {"n": null, "s": ""}])")));
    REQUIRE(sink->commit({"run-1"}, *writer->prepare(Epoch(1))));
    REQUIRE(sink->clean_up("run-1"));
    const auto back = *plan_connector("read.ipc", {{"path", path}});
    CHECK(lines_of(*rows_of(back)) == std::vector<std::string>{"1|x", "null|"});
  }
}
