// The source of CSV files: many files as one, cut where that is safe, the same rows either way, and
// mistakes of parameters and files at their places.
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

class Files {
 public:
  std::string add(const std::string& name, const std::string& text) const {
    REQUIRE(write_atomically(system_files(), dir_.path() + "/" + name, text));
    return dir_.path() + "/" + name;
  }
  const std::string& path() const { return dir_.path(); }

 private:
  TempDir dir_;
};

Result<OperatorPlan> plan(const Json& with) { return plan_connector("read.csv", with); }

Lines lines(const Json& with) {
  const auto planned = plan(with);
  REQUIRE(planned);
  const auto rows = rows_of(*planned);
  REQUIRE(rows);
  return lines_of(*rows);
}

/// About 8 MiB, without quotes.
std::string large(int& rows) {
  std::string text = "n,s\n";
  for (rows = 0; text.size() < (8 << 20); ++rows) text += fmt::format("{},some text\n", rows);
  return text;
}

}  // namespace

TEST_CASE("files of a directory are read as one, in order") {
  const Files files;
  files.add("b.csv", "n,s\n3,c\n");
  files.add("a.csv", "n,s\n1,a\n2,b\n");
  files.add("empty.csv", "");
  files.add("0.csv", "");
  CHECK(lines({{"path", files.path()}}) == Lines{"1|a", "2|b", "3|c"});
  CHECK(lines({{"path", files.path()}, {"columns", {"s"}}}) == Lines{"a", "b", "c"});
  CHECK(lines({{"path", files.path()}, {"types", {{"n", "double precision"}}}}) ==
        Lines{"1|a", "2|b", "3|c"});
}

TEST_CASE("a large file is cut where no value can hold a line break, with the same rows") {
  const Files files;
  int rows = 0;
  const std::string text = large(rows);
  const std::string path = files.add("plain.csv", text);
  const auto count = [&](const Json& with) {
    const auto planned = *plan(with);
    const auto splits = *source_of(planned)->splits(2);
    std::int64_t next = 0;
    const auto batches = *rows_of(planned);
    for (const Batch& batch : batches) {
      for (const std::string& line : lines_of({batch})) {
        if (line == fmt::format("{}|some text", next)) ++next;
      }
    }
    CHECK(next == rows);
    return splits.size();
  };
  CHECK(count({{"path", path}}) > 4);
  CHECK(count({{"path", path}, {"splittable", "never"}}) == 1);
  files.add("plain.csv", text + "\"quoted\",x\n");
  const auto parts = [&](const char* splittable) {
    return source_of(*plan({{"path", path}, {"splittable", splittable}}))->splits(2)->size();
  };
  CHECK(parts("auto") == 1);
  CHECK(parts("always") > 4);
}

TEST_CASE("text has at most as many rows as its bytes can hold; compressed text has any number") {
  // Rows as short as they can be, in two files without a last line break: the bound holds them all.
  const Files files;
  files.add("a.csv", "a,b\n,\n,\n,\n,1");
  files.add("b.csv", "a,b\n1,");
  const auto bounded = plan({{"path", files.path()}});
  REQUIRE(bounded);
  CHECK(lines({{"path", files.path()}}).size() == 5);
  CHECK(bounded->rows == 10);  // 18 bytes, two line breaks that may be missing, two bytes a row
  CHECK(bounded->rows_at_most);
  // The bound travels with the schema, and is there without another look at the files.
  PlanContext later;
  later.resolved = bounded->output();
  CHECK(plan_connector("read.csv", {{"path", files.path()}}, later)->rows == 10);

  files.add("c.csv.gz", "only the first file is looked into");
  const auto unbounded = plan({{"path", files.path()}});
  REQUIRE(unbounded);
  CHECK(!unbounded->rows);
  CHECK(!unbounded->rows_at_most);
}

TEST_CASE("files with other columns are named, with the column") {
  const Files files;
  const std::string a = files.add("a.csv", "n,s\n1,a\n");
  const std::string b = files.add("b.csv", "n,t\n1,a\n");
  const auto planned = *plan({{"path", files.path()}});
  const Error error = source_of(planned)->splits(2).error();
  CHECK(error.message.find(a) != std::string::npos);
  CHECK(error.message.find(b) != std::string::npos);
  CHECK(error.message.find("'s'") != std::string::npos);
}

TEST_CASE("a type that does not hold later in the file is told with file, line and way out") {
  const Files files;
  std::string text = "n\n";
  for (int i = 2; i < 700'000; ++i) text += "1\n";
  const std::string path = files.add("a.csv", text + "1.5\n");
  const auto rows = rows_of(*plan({{"path", path}}));
  REQUIRE_FALSE(rows);
  CHECK(rows.error().message ==
        fmt::format("'{}', line 700000: column 'n': '1.5' is no bigint", path));
  CHECK(rows.error().hint.find("types") != std::string::npos);
  CHECK(lines({{"path", path}, {"types", {{"n", "double precision"}}}}).back() == "1.5");
}

TEST_CASE("dialects: delimiter, quote, header and what is null") {
  const Files files;
  const std::string path = files.add("a.csv", "1;'x;y';NA\n2;;3\n");
  CHECK(lines({{"path", path},
               {"delimiter", ";"},
               {"quote", "'"},
               {"header", false},
               {"null_values", {"", "NA"}}}) == Lines{"1|x;y|null", "2|null|3"});
  CHECK(lines({{"path", files.add("t.csv", "a\tb\n1\t2\n")}, {"delimiter", "\\t"}}) ==
        Lines{"1|2"});
}

TEST_CASE("mistakes in the parameters have their place") {
  const Files files;
  const std::string path = files.add("a.csv", "n,s\n1,a\n");
  const auto place = [&](Json with) {
    with["path"] = path;
    const auto planned = plan(with);
    REQUIRE_FALSE(planned);
    return planned.error().path;
  };
  CHECK(place({{"delimiter", ";;"}}) == "delimiter");
  CHECK(place({{"types", {{"m", "bigint"}}}}) == "types.m");
  CHECK(place({{"types", {{"n", "bigin"}}}}) == "types.n");
  CHECK(place({{"types", {{"n", "text); drop"}}}}) == "types.n");
  CHECK(place({{"types", {{"n", "interval"}}}}) == "types.n");
  CHECK(place({{"columns", {"x"}}}) == "columns.0");
}
