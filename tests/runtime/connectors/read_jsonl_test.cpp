// The source of JSON lines: many files as one, large ones in parts, columns by their declared
// types.
#include "runtime/base/json.hpp"
#include "runtime/operator/source.hpp"
#include "runtime/os/file_system.hpp"
#include "tests/runtime/connectors/connector_runner.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rows.hpp"
#include "tests/support/temp_dir.hpp"

using namespace troupe;

namespace {

using Lines = std::vector<std::string>;

Lines lines(const Json& with) {
  const auto planned = plan_connector("read.jsonl", with);
  REQUIRE(planned);
  const auto rows = rows_of(*planned);
  REQUIRE(rows);
  return lines_of(*rows);
}

}  // namespace

TEST_CASE("objects of all files, with fields that only some have") {
  TempDir dir;
  REQUIRE(write_atomically(system_files(), dir.path() + "/a.jsonl",
                           "{\"n\": 1, \"s\": \"x\"}\n{\"n\": 2}\n"));
  REQUIRE(write_atomically(system_files(), dir.path() + "/b.jsonl", "{\"s\": \"y\", \"z\": 0}\n"));
  CHECK(lines({{"path", dir.path()}, {"columns", {"n", "s"}}}) == Lines{"1|x", "2|null", "null|y"});
  CHECK(lines({{"path", dir.path()}, {"types", {{"z", "bigint"}}}, {"columns", {"z", "n"}}}) ==
        Lines{"null|1", "null|2", "0|null"});
}

TEST_CASE("a large file is read in parts, with the same rows") {
  TempDir dir;
  const std::string path = dir.path() + "/a.jsonl";
  std::string text;
  std::size_t rows = 0;
  for (; text.size() < (6 << 20); ++rows) text += fmt::format("{{\"n\": {}}}\n", rows);
  REQUIRE(write_atomically(system_files(), path, text));
  const auto planned = *plan_connector("read.jsonl", {{"path", path}});
  CHECK(source_of(planned)->splits(2)->size() > 3);
  const Lines found = lines_of(*rows_of(planned));
  REQUIRE(found.size() == rows);
  for (std::size_t i = 0; i < rows; i += 1009) CHECK(found[i] == std::to_string(i));
}

TEST_CASE("mistakes of read.jsonl have their place") {
  TempDir dir;
  const std::string path = dir.path() + "/a.jsonl";
  REQUIRE(write_atomically(system_files(), path, "{\"n\": 1}\n"));
  const auto place = [&](Json with) {
    with["path"] = path;
    return plan_connector("read.jsonl", with).error().path;
  };
  CHECK(place({{"types", {{"n", "nonsense"}}}}) == "types.n");
  CHECK(place({{"columns", {"m"}}}) == "columns.0");
  REQUIRE(write_atomically(system_files(), path, "not json\n"));
  CHECK(place(Json::object()) == "path");
}

TEST_CASE("a file has at most as many objects as its bytes can hold") {
  TempDir dir;
  const std::string path = dir.path() + "/a.jsonl";
  REQUIRE(write_atomically(system_files(), path, "{}\n{}\n{}"));
  const auto plan = plan_connector("read.jsonl", {{"path", path}, {"types", {{"n", "bigint"}}}});
  REQUIRE(plan);
  CHECK(lines({{"path", path}, {"types", {{"n", "bigint"}}}}).size() == 3);
  CHECK(plan->rows == 4);
  CHECK(plan->rows_at_most);
}
