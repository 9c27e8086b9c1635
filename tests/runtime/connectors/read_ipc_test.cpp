// The source of Arrow IPC files: batches in parts, columns as needed, files with one schema.
#include "runtime/base/json.hpp"
#include "runtime/formats/ipc_file.hpp"
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
    arrow::schema({arrow::field("n", arrow::int64()), arrow::field("s", arrow::utf8())});

void write_file(const std::string& path, int first, int batches,
                const SchemaPtr& columns = schema) {
  const auto writer = *write_ipc(system_files(), path, columns, "none");
  for (int n = first; n < first + batches; ++n) {
    REQUIRE(writer->write(rows_from(columns, fmt::format(R"([{{"n": {}, "s": "x"}}])", n))));
  }
  REQUIRE(writer->close());
}

}  // namespace

TEST_CASE("record batches of all files, in order, whatever the parts") {
  TempDir dir;
  write_file(dir.path() + "/b.arrow", 3, 2);
  write_file(dir.path() + "/a.arrow", 0, 3);
  const auto plan = plan_connector("read.ipc", {{"path", dir.path()}, {"columns", {"s", "n"}}});
  REQUIRE(plan);
  CHECK(plan->rows == 5);
  CHECK(lines_of(*rows_of(*plan)) == Lines{"x|0", "x|1", "x|2", "x|3", "x|4"});
  const auto mapped = plan_connector(
      "read.ipc", {{"path", dir.path()}, {"columns", {"s", "n"}}, {"memory_map", true}});
  CHECK(lines_of(*rows_of(*mapped)) == Lines{"x|0", "x|1", "x|2", "x|3", "x|4"});
  const auto narrow =
      plan_connector("read.ipc", {{"path", dir.path()}}, {.projection = Lines{"n"}});
  CHECK(lines_of(*rows_of(*narrow)) == Lines{"0", "1", "2", "3", "4"});
}

TEST_CASE("IPC files with other columns are named, damaged ones too") {
  TempDir dir;
  const std::string a = dir.path() + "/a.arrow";
  const std::string b = dir.path() + "/b.arrow";
  write_file(a, 0, 1);
  write_file(b, 0, 1, arrow::schema({arrow::field("n", arrow::int32()), schema->field(1)}));
  const auto differs = plan_connector("read.ipc", {{"path", dir.path()}});
  REQUIRE_FALSE(differs);
  CHECK(differs.error().path == "path");
  CHECK(differs.error().message.find(a) != std::string::npos);
  CHECK(differs.error().message.find(b) != std::string::npos);
  REQUIRE(write_atomically(system_files(), b, "ARROW1 but no more"));
  CHECK(plan_connector("read.ipc", {{"path", b}}).error().code == ErrorCode::invalid_argument);
}
