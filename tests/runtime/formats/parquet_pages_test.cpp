// Columns decoded straight from their pages: equal to what was written for every shape of page that
// writers make (both page versions, every encoding, dictionaries that are given up halfway, nulls
// or none, tiny pages), also beside columns that Arrow's reader decodes.
#include "runtime/data/take.hpp"
#include "runtime/formats/column_types.hpp"
#include "runtime/formats/parquet_file.hpp"
#include "runtime/os/random.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rows.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/typed_rows.hpp"

#include <arrow/array.h>
#include <arrow/array/builder_binary.h>
#include <arrow/compute/cast.h>
#include <arrow/io/file.h>
#include <arrow/json/from_string.h>
#include <arrow/record_batch.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <parquet/arrow/writer.h>
#include <parquet/properties.h>

#include <algorithm>
#include <map>

using namespace troupe;

namespace {

/// The columns of `every_type`, and ones that are not flat.
SchemaPtr flat_and_nested() {
  const SchemaPtr all = every_type();
  arrow::FieldVector fields = all->fields();
  fields.push_back(arrow::field("list", arrow::list(arrow::int64())));
  fields.push_back(arrow::field("struct", arrow::struct_({arrow::field("s", arrow::utf8())})));
  return arrow::schema(std::move(fields));
}

Batch rows_with_nested(std::int64_t rows, Random& random) {
  const SchemaPtr schema = flat_and_nested();
  const Batch flat = random_batch(every_type(), rows, random);
  arrow::ArrayVector columns = flat.columns()->columns();
  std::string lists = "[";
  std::string structs = "[";
  for (std::int64_t i = 0; i < rows; ++i) {
    lists += i ? "," : "";
    structs += i ? "," : "";
    lists += random.below(4) ? fmt::format("[{}, null]", random.below(9)) : "null";
    structs += random.below(4) ? fmt::format(R"({{"s": "{}"}})", random.below(9)) : "null";
  }
  const auto type = [&](const char* name) { return schema->GetFieldByName(name)->type(); };
  columns.push_back(arrow::json::ArrayFromJSONString(type("list"), lists + "]").ValueOrDie());
  columns.push_back(arrow::json::ArrayFromJSONString(type("struct"), structs + "]").ValueOrDie());
  return Batch(arrow::RecordBatch::Make(schema, rows, std::move(columns)));
}

/// Writer settings drawn at random.
std::shared_ptr<parquet::WriterProperties> random_properties(Random& random) {
  parquet::WriterProperties::Builder builder;
  builder.data_page_version(random.below(2) ? parquet::ParquetDataPageVersion::V1
                                            : parquet::ParquetDataPageVersion::V2);
  builder.data_pagesize(1 + static_cast<std::int64_t>(random.below(4000)));
  builder.write_batch_size(1 + static_cast<std::int64_t>(random.below(200)));
  builder.max_row_group_length(1 + static_cast<std::int64_t>(random.below(3000)));
  constexpr parquet::Compression::type codecs[] = {
      parquet::Compression::ZSTD, parquet::Compression::UNCOMPRESSED, parquet::Compression::SNAPPY};
  builder.compression(codecs[random.below(3)]);
  if (random.below(2)) builder.enable_store_decimal_as_integer();
  if (random.below(2))
    builder.dictionary_pagesize_limit(static_cast<std::int64_t>(random.below(300)));
  if (random.below(3) == 0) {
    builder.disable_dictionary();
    builder.encoding("int64", parquet::Encoding::DELTA_BINARY_PACKED);
    builder.encoding("int16", parquet::Encoding::DELTA_BINARY_PACKED);
    builder.encoding("double", parquet::Encoding::BYTE_STREAM_SPLIT);
    builder.encoding("string", random.below(2) ? parquet::Encoding::DELTA_BYTE_ARRAY
                                               : parquet::Encoding::DELTA_LENGTH_BYTE_ARRAY);
  }
  return builder.build();
}

void write(const std::string& path, const Batch& batch,
           const std::shared_ptr<parquet::WriterProperties>& properties,
           const SchemaPtr& schema = nullptr) {
  auto rows = batch.columns();
  if (schema) rows = arrow::RecordBatch::Make(schema, rows->num_rows(), rows->columns());
  const auto table = *arrow::Table::FromRecordBatches({rows});
  const auto out = *arrow::io::FileOutputStream::Open(path);
  const auto arrow_properties = parquet::ArrowWriterProperties::Builder().store_schema()->build();
  const auto status =
      parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), out,
                                 properties->max_row_group_length(), properties, arrow_properties);
  INFO(status.ToString());
  REQUIRE(status.ok());
  REQUIRE(out->Close().ok());
}

std::vector<Batch> read(const ParquetFile& file, const std::vector<std::string>& columns,
                        const ColumnTests& tests = {}) {
  std::vector<int> groups;
  for (int i = 0; i < file.row_groups(); ++i) groups.push_back(i);
  const auto reader = *file.read(groups, columns, tests);
  std::vector<Batch> batches;
  for (;;) {
    auto batch = reader->next();
    INFO((batch ? std::string() : batch.error().to_string()));
    REQUIRE(batch);
    if (!*batch) return batches;
    REQUIRE(batch->columns()->ValidateFull().ok());
    batches.push_back(*batch);
  }
}

/// Needs a value by chance, but always the same.
class SomeValues final : public ValueTest {
 public:
  SomeValues(std::uint64_t seed, std::uint64_t of_eight) : seed_(seed), of_eight_(of_eight) {}
  void narrow(std::span<const std::int64_t> values, std::uint8_t* keep) const override {
    for (std::size_t i = 0; i < values.size(); ++i) keep[i] &= needs(values[i]) ? 1 : 0;
  }
  void narrow(std::span<const std::string_view> values, std::uint8_t* keep) const override {
    for (std::size_t i = 0; i < values.size(); ++i) keep[i] &= needs(values[i]) ? 1 : 0;
  }
  template <class Value>
  bool needs(const Value& value) const {
    return (std::hash<Value>()(value) * 0x9E3779B97F4A7C15u ^ seed_) % 8 < of_eight_;
  }

 private:
  const std::uint64_t seed_;
  const std::uint64_t of_eight_;
};

/// The value at a row of a column as tests see it; none: null.
bool needed(const SomeValues& test, const arrow::Array& column, std::int64_t row) {
  if (column.IsNull(row)) return false;
  if (column.type_id() == arrow::Type::STRING) {
    return test.needs(static_cast<const arrow::StringArray&>(column).GetView(row));
  }
  if (column.type_id() == arrow::Type::INT16) {
    return test.needs(std::int64_t{static_cast<const arrow::Int16Array&>(column).Value(row)});
  }
  return test.needs(static_cast<const arrow::Int64Array&>(column).Value(row));
}

}  // namespace

TEST_CASE("rows that a test does not need are left out, and no others") {
  TempDir dir;
  const std::string path = dir.path() + "/x.parquet";
  const std::vector<std::string> testable = {"int16", "int64", "string"};
  std::size_t dropped = 0;
  for (std::uint64_t seed = 1; seed <= 120; ++seed) {
    Random random(seed);
    INFO("seed " << seed);
    const SchemaPtr schema = every_type();
    const Batch rows = random_batch(schema, static_cast<std::int64_t>(random.below(9000)), random);
    const auto properties = random_properties(random);
    write(path, rows, properties);
    std::map<std::string, std::shared_ptr<const SomeValues>> chosen;
    ColumnTests tests;
    for (const std::string& column : testable) {
      if (random.below(2)) continue;
      chosen[column] = std::make_shared<SomeValues>(random.below(1 << 20), random.below(9));
      tests.push_back({column, chosen[column]});
    }
    std::vector<std::uint32_t> expected;
    for (std::int64_t row = 0; row < rows.rows(); ++row) {
      const bool all = std::all_of(chosen.begin(), chosen.end(), [&](const auto& one) {
        return needed(*one.second, *rows.columns()->GetColumnByName(one.first), row);
      });
      if (all) expected.push_back(static_cast<std::uint32_t>(row));
    }
    std::vector<std::string> flat = schema->field_names();
    std::erase_if(flat, [&](const std::string& name) {
      const auto id = schema->GetFieldByName(name)->type()->id();
      const bool bytes = id == arrow::Type::DECIMAL128 && !properties->store_decimal_as_integer();
      return id == arrow::Type::BOOL || id == arrow::Type::BINARY || bytes;
    });
    const auto file = *ParquetFile::open(system_files(), path);
    const auto wanted = *select_columns(file->schema(), flat);
    const auto found = joined(read(*file, flat, tests), wanted);
    const Batch all_flat(*rows.columns()->SelectColumns([&] {
      std::vector<int> indices;
      for (const std::string& name : flat) indices.push_back(schema->GetFieldIndex(name));
      return indices;
    }()));
    if (found.rows() == rows.rows()) {  // no tests, or texts that might swell
      CHECK(difference(all_flat, found) == "");
      continue;
    }
    dropped += static_cast<std::size_t>(rows.rows() - found.rows());
    CHECK(difference(*take(all_flat, expected), found) == "");
  }
  CHECK(dropped > 100'000);
}

TEST_CASE("every shape of page gives the rows that were written") {
  TempDir dir;
  const std::string path = dir.path() + "/x.parquet";
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Random random(seed);
    const Batch rows = rows_with_nested(static_cast<std::int64_t>(random.below(4000)), random);
    write(path, rows, random_properties(random));
    const auto file = ParquetFile::open(system_files(), path);
    REQUIRE(file);
    const SchemaPtr schema = flat_and_nested();
    INFO("seed " << seed);
    const auto all = read(**file, schema->field_names());
    CHECK(difference(rows, joined(all, (*file)->schema())) == "");
    // Alone, a column is not cut by its neighbours.
    const auto flat = *select_columns(schema, {"string", "int16", "int64"});
    const auto some = read(**file, flat->field_names());
    const Batch expected(*rows.columns()->SelectColumns({schema->GetFieldIndex("string"),
                                                         schema->GetFieldIndex("int16"),
                                                         schema->GetFieldIndex("int64")}));
    CHECK(difference(expected, joined(some, flat)) == "");
  }
}

TEST_CASE("columns that cannot be null, and strings of other widths, are the same to a reader") {
  TempDir dir;
  const std::string path = dir.path() + "/x.parquet";
  const auto schema = arrow::schema({arrow::field("n", arrow::int32(), false),
                                     arrow::field("s", arrow::large_utf8(), false),
                                     arrow::field("v", arrow::utf8_view())});
  const auto plain =
      arrow::schema({arrow::field("n", arrow::int32()), arrow::field("s", arrow::utf8()),
                     arrow::field("v", arrow::utf8())});
  const Batch rows =
      rows_from(plain, R"([{"n": 1, "s": "a", "v": null}, {"n": 2, "s": "", "v": "x"}])");
  arrow::ArrayVector columns = {
      rows.columns()->column(0),
      *arrow::compute::Cast(*rows.columns()->column(1), arrow::large_utf8()),
      *arrow::compute::Cast(*rows.columns()->column(2), arrow::utf8_view())};
  write(path, Batch(arrow::RecordBatch::Make(schema, 2, columns)),
        parquet::WriterProperties::Builder().build());
  const auto file = *ParquetFile::open(system_files(), path);
  CHECK(file->schema()->Equals(*plain));
  CHECK(difference(rows, joined(read(*file, {"n", "s", "v"}), plain)) == "");
}

TEST_CASE("the batches of a row group share one dictionary") {
  TempDir dir;
  const std::string path = dir.path() + "/x.parquet";
  const auto schema = arrow::schema({arrow::field("s", arrow::utf8())});
  arrow::StringBuilder builder;
  for (int i = 0; i < 150'000; ++i) REQUIRE(builder.Append(i % 3 ? "a" : "b").ok());
  write(path, Batch(arrow::RecordBatch::Make(schema, 150'000, {*builder.Finish()})),
        parquet::WriterProperties::Builder().build());
  const auto batches = read(**ParquetFile::open(system_files(), path), {"s"});
  REQUIRE(batches.size() == 3);
  const auto dictionary = [&](std::size_t i) {
    return static_cast<const arrow::DictionaryArray&>(*batches[i].columns()->column(0))
        .data()
        ->dictionary.get();
  };
  CHECK(dictionary(0) == dictionary(1));
  CHECK(dictionary(1) == dictionary(2));
}
