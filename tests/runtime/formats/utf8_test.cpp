// Texts that are no UTF-8 are refused by each reader, with file, row and column: no operator, no
// writer and no other node meets one.
#include "runtime/formats/csv_file.hpp"
#include "runtime/formats/json_file.hpp"
#include "runtime/formats/parquet_file.hpp"
#include "runtime/formats/utf8_check.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/io/file.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <parquet/arrow/writer.h>

using namespace troupe;

namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;

template <class T>
T must(arrow::Result<T> result) {
  REQUIRE(result.ok());
  return *std::move(result);
}

/// Null for a null pointer.
ArrayPtr texts(const std::vector<const char*>& values) {
  arrow::StringBuilder builder;
  for (const char* value : values) {
    REQUIRE((value ? builder.Append(value) : builder.AppendNull()).ok());
  }
  return must(builder.Finish());
}

ArrayPtr lists(const std::vector<std::int32_t>& offsets, const ArrayPtr& items) {
  arrow::Int32Builder builder;
  REQUIRE(builder.AppendValues(offsets).ok());
  return must(arrow::ListArray::FromArrays(*must(builder.Finish()), *items));
}

ArrayPtr structs(const ArrayPtr& field) {
  return must(arrow::StructArray::Make({field}, std::vector<std::string>{"s"}));
}

std::int64_t first(const ArrayPtr& column) { return first_not_utf8(*column).value_or(-1); }

/// A file of one column, "name", in row groups of two rows.
std::string parquet_of(const TempDir& dir, const ArrayPtr& column, bool dictionary) {
  const std::string path = dir.path() + "/x.parquet";
  const auto table = arrow::Table::Make(arrow::schema({arrow::field("name", column->type())}),
                                        std::vector<ArrayPtr>{column});
  parquet::WriterProperties::Builder properties;
  if (!dictionary) properties.disable_dictionary();
  const auto file = must(arrow::io::FileOutputStream::Open(path));
  REQUIRE(
      parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), file, 2, properties.build())
          .ok());
  REQUIRE(file->Close().ok());
  return path;
}

std::string read_all(const std::string& path) {
  const auto file = ParquetFile::open(system_files(), path);
  if (!file) return file.error().message;
  std::vector<int> groups;
  for (int i = 0; i < (*file)->row_groups(); ++i) groups.push_back(i);
  const auto reader = (*file)->read(groups, {"name"});
  REQUIRE(reader);
  for (;;) {
    const auto batch = (*reader)->next();
    if (!batch) {
      CHECK(batch.error().code == ErrorCode::invalid_argument);
      return batch.error().message.substr(path.size());
    }
    if (!*batch) return "";
  }
}

}  // namespace

TEST_CASE("the first row with such a text is found, however deep it is") {
  CHECK(first(texts({})) == -1);
  CHECK(first(texts({"ä", nullptr, "", "€"})) == -1);
  CHECK(first(texts({"a", nullptr, "x\xe9"})) == 2);
  // Together these are an ä; by itself none is.
  CHECK(first(texts({"a", "\xc3", "\xa4"})) == 1);
  const ArrayPtr wrong = texts({"a", "b", "\xff", "d"});
  CHECK(first(wrong->Slice(0, 2)) == -1);
  CHECK(first(wrong->Slice(1)) == 1);
  CHECK(first(structs(wrong)->Slice(1)) == 1);
  CHECK(first(lists({0, 0, 2, 4}, wrong)) == 2);
  CHECK(first(lists({0, 0, 3, 4}, wrong)) == 1);
  CHECK(first(lists({0, 0, 3, 4}, wrong)->Slice(1)) == 0);
  CHECK(first(lists({0, 1, 3, 3}, structs(wrong))) == 1);
}

TEST_CASE("a dictionary is refused for the values that rows have") {
  const auto with_indices = [](const std::vector<std::int32_t>& indices) {
    arrow::Int32Builder builder;
    REQUIRE(builder.AppendValues(indices).ok());
    return must(arrow::DictionaryArray::FromArrays(must(builder.Finish()), texts({"a", "\xe9"})));
  };
  CHECK(first(with_indices({0, 0})) == -1);
  CHECK(first(with_indices({0, 0, 1})) == 2);
}

TEST_CASE("Parquet: texts that are no UTF-8 are told with row group, row and column") {
  const TempDir dir;
  const std::string told = "', row group 1, row 2: column 'name' is not in UTF-8";
  const ArrayPtr wrong = texts({"a", nullptr, "a", "x\xe9\xe8y", "b"});
  for (const bool dictionary : {true, false}) {
    CHECK(read_all(parquet_of(dir, wrong, dictionary)).ends_with(told));
    CHECK(read_all(parquet_of(dir, structs(wrong), dictionary)).ends_with(told));
    CHECK(read_all(parquet_of(dir, lists({0, 1, 1, 3, 4, 5}, wrong), dictionary)).ends_with(told));
    CHECK(read_all(parquet_of(dir, texts({"a", "ä", nullptr, "", "a"}), dictionary)) == "");
  }
}

TEST_CASE("JSON: texts that are no UTF-8 are told with line and column, names with their file") {
  const TempDir dir;
  const std::string path = dir.path() + "/x.jsonl";
  const auto column = [](std::shared_ptr<arrow::DataType> type) {
    return arrow::schema({arrow::field("a", std::move(type))});
  };
  REQUIRE(write_atomically(system_files(), path, "{\"a\":\"b\"}\n\n{\"a\":\"Ren\xe9\",\"n\":1}\n"));
  const auto reader = read_json(system_files(), path, {}, column(arrow::utf8()));
  REQUIRE(reader);
  const auto rows = (*reader)->next();
  REQUIRE_FALSE(rows);
  CHECK(rows.error().message == fmt::format("'{}', line 3: column 'a' is not in UTF-8", path));
  REQUIRE(write_atomically(system_files(), path, "{\"Ren\xe9\":1}\n"));
  const auto schema = json_schema(system_files(), path, {});
  REQUIRE_FALSE(schema);
  CHECK(schema.error().message ==
        fmt::format("'{}' is damaged: column 1: the name 'Ren\\xE9' is not in UTF-8", path));
}

TEST_CASE("CSV: a name that is no UTF-8 is refused, by its number") {
  const TempDir dir;
  const std::string path = dir.path() + "/x.csv";
  REQUIRE(write_atomically(system_files(), path, "a,pr\xe9nom\n1,2\n"));
  const auto schema = csv_schema(system_files(), path, {}, {});
  REQUIRE_FALSE(schema);
  CHECK(schema.error().message == fmt::format("'{}': the name of column 2 is not in UTF-8", path));
}
