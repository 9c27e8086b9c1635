// Many files as one table: columns in another order, missing, wider, or in the names of
// directories. Each row is read once with the values that its file has, or the job is refused with
// the files.
#include "runtime/base/json.hpp"
#include "runtime/formats/ipc_file.hpp"
#include "runtime/formats/parquet_writer.hpp"
#include "runtime/operator/source.hpp"
#include "runtime/os/file_system.hpp"
#include "tests/runtime/connectors/connector_runner.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rows.hpp"
#include "tests/support/temp_dir.hpp"

#include <arrow/record_batch.h>
#include <arrow/type.h>

using namespace troupe;

namespace {

using Lines = std::vector<std::string>;

class Files {
 public:
  std::string add(const std::string& name, const std::string& text) const {
    const std::string path = dir_.path() + "/" + name;
    REQUIRE(system_files().make_directories(path.substr(0, path.rfind('/'))));
    REQUIRE(write_atomically(system_files(), path, text));
    return path;
  }
  void add_ipc(const std::string& name, const Batch& rows) const {
    const std::string path = dir_.path() + "/" + name;
    REQUIRE(system_files().make_directories(path.substr(0, path.rfind('/'))));
    const auto writer = *write_ipc(system_files(), path, rows.columns()->schema(), "none");
    REQUIRE(writer->write(rows));
    REQUIRE(writer->close());
  }
  const std::string& path() const { return dir_.path(); }

 private:
  TempDir dir_;
};

std::string types_of(const OperatorPlan& plan) { return columns_text(*plan.output()); }

Lines lines(const std::string& kind, const Json& with, std::uint32_t wanted = 2) {
  const auto planned = plan_connector(kind, with);
  INFO((planned ? std::string() : planned.error().to_string()));
  REQUIRE(planned);
  const auto rows = rows_of(*planned, wanted);
  INFO((rows ? std::string() : rows.error().to_string()));
  REQUIRE(rows);
  return lines_of(*rows);
}

Error refusal(const std::string& kind, const Json& with) {
  const auto planned = plan_connector(kind, with);
  if (!planned) return planned.error();
  const auto rows = rows_of(*planned);
  REQUIRE_FALSE(rows);
  return rows.error();
}

SchemaPtr columns(const std::vector<std::pair<std::string, std::shared_ptr<arrow::DataType>>>& of) {
  arrow::FieldVector fields;
  for (const auto& [name, type] : of) fields.push_back(arrow::field(name, type));
  return arrow::schema(std::move(fields));
}

}  // namespace

TEST_CASE("CSV files with other columns are refused, and united where that is wanted") {
  const Files files;
  files.add("a.csv", "n,s\n1,a\n");
  files.add("b.csv", "s,n\nb,2\n");
  CHECK(lines("read.csv", {{"path", files.path()}}) == Lines{"1|a", "2|b"});
  files.add("c.csv", "t,n\nx,2.5\n");
  files.add("d.csv", "");
  CHECK(refusal("read.csv", {{"path", files.path()}}).hint.find("schema: union") !=
        std::string::npos);
  const Json all = {{"path", files.path()}, {"schema", "union"}};
  CHECK(types_of(*plan_connector("read.csv", all)) == "n double, s string, t string");
  CHECK(lines("read.csv", all) == Lines{"1|a|null", "2|b|null", "2.5|null|x"});
  Json some = all;
  some["columns"] = {"t", "n"};
  CHECK(lines("read.csv", some) == Lines{"null|1", "null|2", "x|2.5"});
  Json typed = all;
  typed["types"] = {{"t", "text"}, {"n", "numeric(10,2)"}};
  CHECK(lines("read.csv", typed) == Lines{"1.00|a|null", "2.00|b|null", "2.50|null|x"});
  typed["types"]["nowhere"] = "text";
  CHECK(plan_connector("read.csv", typed).error().path == "types.nowhere");
}

TEST_CASE("a column that has only nulls in one CSV file has the type of the others") {
  const Files files;
  files.add("a.csv", "n,s\n,a\n");
  files.add("b.csv", "n,s\n5,b\n");
  files.add("c.csv", "n,s\n");
  const Json all = {{"path", files.path()}, {"schema", "union"}};
  CHECK(types_of(*plan_connector("read.csv", all)) == "n int64, s string");
  files.add("e.csv", "n,s\nx,b\n");
  CHECK(types_of(*plan_connector("read.csv", all)) == "n string, s string");
  CHECK(lines("read.csv", all) == Lines{"null|a", "5|b", "x|b"});
}

TEST_CASE("a field of a later JSON file is refused where it would be lost, and united") {
  const Files files;
  files.add("a.jsonl", "{\"x\":1}\n");
  const std::string b = files.add("b.jsonl", "{\"x\":2,\"y\":\"v\"}\n");
  const Error error = refusal("read.jsonl", {{"path", files.path()}});
  CHECK(error.message.find(b + "', line 1: the field 'y'") != std::string::npos);
  CHECK(error.hint.find("schema: union") != std::string::npos);
  CHECK(lines("read.jsonl", {{"path", files.path()}, {"schema", "union"}}) ==
        Lines{"1|null", "2|v"});
  CHECK(lines("read.jsonl", {{"path", files.path()}, {"columns", {"x"}}}) == Lines{"1", "2"});
  CHECK(lines("read.jsonl", {{"path", files.path()}, {"types", {{"y", "text"}}}}) ==
        Lines{"1|null", "2|v"});
  files.add("c.jsonl", "{\"x\":\"text\"}\n");
  CHECK(refusal("read.jsonl", {{"path", files.path()}, {"schema", "union"}})
            .message.find("no type holds both") != std::string::npos);
}

TEST_CASE("Arrow files are united with wider types, exactly or not at all") {
  const Files files;
  files.add_ipc("a.arrow", rows_from(columns({{"n", arrow::int32()}, {"s", arrow::utf8()}}),
                                     R"([{"n": 1, "s": "a"}])"));
  files.add_ipc("b.arrow", rows_from(columns({{"m", arrow::date32()}, {"n", arrow::int64()}}),
                                     R"([{"m": 1, "n": 9007199254740993}])"));
  const Json all = {{"path", files.path()}, {"schema", "union"}};
  CHECK(types_of(*plan_connector("read.ipc", all)) == "n int64, s string, m date32[day]");
  CHECK(lines("read.ipc", all) == Lines{"1|a|null", "9007199254740993|null|1970-01-02"});
  Json counted = all;
  counted["columns"] = {"m"};
  CHECK(lines("read.ipc", counted) == Lines{"null", "1970-01-02"});
  files.add_ipc("c.arrow", rows_from(columns({{"n", arrow::float64()}}), R"([{"n": 1.5}])"));
  const Error error = refusal("read.ipc", all);
  CHECK(error.message.find("column 'n' is bigint in") != std::string::npos);
  CHECK(error.message.find("c.arrow") != std::string::npos);
}

TEST_CASE("directories named key=value give columns, with what their names mean") {
  const Files files;
  files.add("y=2013/k=a%2Fb/1.csv", "n\n1\n");
  files.add("y=2014/k=__HIVE_DEFAULT_PARTITION__/2.csv", "n\n2\n");
  files.add("y=2014/k=/3.csv", "n\n3\n");
  const Json with = {{"path", files.path()}};
  CHECK(types_of(*plan_connector("read.csv", with)) == "n int64, y int64, k string");
  CHECK(lines("read.csv", with) == Lines{"1|2013|a/b", "3|2014|", "2|2014|null"});
  CHECK(lines("read.csv", {{"path", files.path() + "/**/*.csv"}, {"columns", {"k", "n"}}}) ==
        Lines{"a/b|1", "|3", "null|2"});
  CHECK(lines("read.csv", {{"path", files.path()}, {"partitions", "none"}}) ==
        Lines{"1", "3", "2"});
  CHECK(types_of(*plan_connector("read.csv",
                                 {{"path", files.path()}, {"partition_types", {{"y", "text"}}}})) ==
        "n int64, y string, k string");
  CHECK(plan_connector("read.csv", {{"path", files.path()}, {"partition_types", {{"z", "text"}}}})
            .error()
            .path == "partition_types.z");
}

TEST_CASE("a filter on a partition column leaves files out that it rules out") {
  const Files files;
  files.add("d=2013-01-01/1.csv", "n\n1\n");
  files.add("d=2013-01-02/2.csv", "n\n2\n");
  PlanContext context;
  const auto first = plan_connector("read.csv", {{"path", files.path()}});
  REQUIRE(first);
  context.resolved = first->output();
  context.predicate = "d > DATE '2013-01-01'";
  const auto planned = plan_connector("read.csv", {{"path", files.path()}}, context);
  REQUIRE(planned);
  CHECK(source_of(*planned)->splits(1)->size() == 1);
  CHECK(lines_of(*rows_of(*planned)) == Lines{"2|2013-01-02"});
}

TEST_CASE("types of partition columns hold every name as it is; keys must be those of all files") {
  const Files files;
  files.add("k=01/1.csv", "n\n1\n");
  files.add("k=2/2.csv", "n\n2\n");
  CHECK(types_of(*plan_connector("read.csv", {{"path", files.path()}})) == "n int64, k string");
  const std::string odd = files.add("odd.csv", "n\n3\n");
  const Error error = refusal("read.csv", {{"path", files.path()}});
  CHECK(error.message.find("'k=...'") != std::string::npos);
  CHECK(error.message.find(odd) != std::string::npos);
  CHECK(lines("read.csv", {{"path", files.path()}, {"schema", "union"}}) ==
        Lines{"1|01", "2|2", "3|null"});
  // A column that the files have is read from them.
  const Files own;
  own.add("n=7/1.csv", "n\n1\n");
  CHECK(lines("read.csv", {{"path", own.path()}}) == Lines{"1"});
}

TEST_CASE("JSON lines and Arrow files have partition columns, too") {
  const Files files;
  files.add("j/k=x/a.jsonl", "{\"n\":1}\n");
  CHECK(lines("read.jsonl", {{"path", files.path() + "/j"}}) == Lines{"1|x"});
  files.add_ipc("i/k=3/a.arrow", rows_from(columns({{"n", arrow::int32()}}), R"([{"n": 1}])"));
  CHECK(lines("read.ipc", {{"path", files.path() + "/i"}}) == Lines{"1|3"});
}
