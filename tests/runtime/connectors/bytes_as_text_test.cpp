// Columns of bytes read as text: each way of it, the filters that their statistics must not
// answer, and errors for what is not there, is no bytes, or is not what the user says.
#include "runtime/base/json.hpp"
#include "runtime/formats/ipc_file.hpp"
#include "runtime/formats/parquet_writer.hpp"
#include "runtime/operator/source.hpp"
#include "runtime/os/file_system.hpp"
#include "tests/runtime/connectors/connector_runner.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rows.hpp"
#include "tests/support/temp_dir.hpp"

#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

using namespace troupe;

namespace {

using Lines = std::vector<std::string>;
using Values = std::vector<std::optional<std::string>>;

const std::string uuid = "\x12\x3e\x45\x67\xe8\x9b\x12\xd3\xa4\x56\x42\x66\x14\x17\x40\xff";
constexpr const char* uuid_text = "123e4567-e89b-12d3-a456-4266141740ff";

/// A column `b` of these values beside their numbers in `n`.
Batch rows_of_bytes(const Values& values, std::shared_ptr<arrow::DataType> type = arrow::binary()) {
  arrow::Int64Builder numbers;
  arrow::BinaryBuilder bytes;
  for (std::size_t i = 0; i < values.size(); ++i) {
    REQUIRE(numbers.Append(static_cast<std::int64_t>(i)).ok());
    REQUIRE((values[i] ? bytes.Append(*values[i]) : bytes.AppendNull()).ok());
  }
  const auto columns =
      arrow::schema({arrow::field("n", arrow::int64()), arrow::field("b", std::move(type))});
  const auto length = static_cast<std::int64_t>(values.size());
  const auto column = bytes.Finish().ValueOrDie()->View(columns->field(1)->type()).ValueOrDie();
  return Batch(arrow::RecordBatch::Make(columns, length, {numbers.Finish().ValueOrDie(), column}));
}

void write(const std::string& path, const Batch& rows) {
  const auto schema = rows.columns()->schema();
  auto writer = path.ends_with(".arrow") ? write_ipc(system_files(), path, schema, "none")
                                         : write_parquet(system_files(), path, schema, {});
  REQUIRE((*writer)->write(rows));
  REQUIRE((*writer)->close());
}

Json with(const std::string& path, const char* way) {
  return {{"path", path}, {"bytes_as", {{"b", way}}}};
}

}  // namespace

TEST_CASE("bytes of Parquet and Arrow files are told as the user asks") {
  TempDir dir;
  const std::string extension = GENERATE(".parquet", ".arrow");
  const std::string path = dir.path() + "/a" + extension;
  const std::string read = extension == ".arrow" ? "read.ipc" : "read.parquet";
  const auto lines = [&](const char* way) {
    const auto plan = plan_connector(read, with(path, way));
    REQUIRE(plan);
    CHECK(plan->output()->field(1)->type()->Equals(*arrow::utf8()));
    return lines_of(*rows_of(*plan));
  };
  write(path, rows_of_bytes({uuid, std::nullopt}));
  CHECK(lines("uuid") == Lines{fmt::format("0|{}", uuid_text), "1|null"});
  CHECK(lines("hex") == Lines{"0|123e4567e89b12d3a4564266141740ff", "1|null"});
  CHECK(lines("base64") == Lines{"0|Ej5FZ+ibEtOkVkJmFBdA/w==", "1|null"});
  write(path, rows_of_bytes({"caf\u00e9", "", std::nullopt}));
  CHECK(lines("text") == Lines{"0|caf\u00e9", "1|", "2|null"});
  CHECK(lines("hex") == Lines{"0|636166c3a9", "1|", "2|null"});
}

TEST_CASE("a filter on the text sees the text, not the statistics of the bytes") {
  TempDir dir;
  const std::string path = dir.path() + "/a.parquet";
  write(path, rows_of_bytes({uuid}));
  const auto all = *plan_connector("read.parquet", with(path, "uuid"));
  const auto some = *plan_connector(
      "read.parquet", with(path, "uuid"),
      {.predicate = fmt::format("b = '{}' AND n < 1", uuid_text), .resolved = all.output()});
  CHECK(lines_of(*rows_of(some)).size() == 1);
  const auto none = *plan_connector("read.parquet", with(path, "uuid"),
                                    {.predicate = "n > 5", .resolved = all.output()});
  CHECK(source_of(none)->splits(1)->empty());
}

TEST_CASE("files that have the column as bytes, as text, and not at all") {
  TempDir dir;
  write(dir.path() + "/a.parquet", rows_of_bytes({"x"}));
  write(dir.path() + "/b.parquet", rows_of_bytes({"y"}, arrow::utf8()));
  const Json same = with(dir.path(), "text");
  CHECK(lines_of(*rows_of(*plan_connector("read.parquet", same))) == Lines{"0|x", "0|y"});
  const auto number = arrow::schema({arrow::field("n", arrow::int64())});
  write(dir.path() + "/c.parquet", rows_from(number, R"([{"n": 7}])"));
  CHECK(plan_connector("read.parquet", same).error().path == "bytes_as.b");
  Json unite = same;
  unite["schema"] = "union";
  CHECK(lines_of(*rows_of(*plan_connector("read.parquet", unite))) ==
        Lines{"0|x", "0|y", "7|null"});
}

TEST_CASE("what cannot be read so is refused, with its place") {
  TempDir dir;
  const std::string path = dir.path() + "/a.parquet";
  write(path, rows_of_bytes({"\xff", "123"}));
  const auto planned = [&](const Json& options) {
    return plan_connector("read.parquet", {{"path", path}, {"bytes_as", options}}).error();
  };
  CHECK(planned({{"b", "utf16"}}).path == "bytes_as.b");
  CHECK(planned({{"n", "hex"}}).path == "bytes_as.n");
  CHECK(planned({{"n", "hex"}}).message ==
        fmt::format("column 'n' in '{}' is bigint, not bytes", path));
  CHECK(planned({{"c", "hex"}}).message == fmt::format("there is no column 'c' in '{}'", path));
  const auto read = [&](const char* way) {
    return rows_of(*plan_connector("read.parquet", with(path, way))).error();
  };
  CHECK(read("uuid").message ==
        fmt::format("'{}': column 'b': a value of 1 bytes is no UUID, which has 16", path));
  CHECK(read("text").code == ErrorCode::invalid_argument);
  CHECK(read("text").message.starts_with(fmt::format("'{}': column 'b' is not in UTF-8", path)));
}
