// Parquet: what is written comes back, only the bytes that are asked for are read, statistics skip
// what cannot match and never what can, and damage is told with the file's name.
#include "runtime/formats/parquet_file.hpp"

#include "runtime/formats/parquet_writer.hpp"
#include "runtime/os/file_system.hpp"
#include "runtime/os/random.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rows.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/typed_rows.hpp"

#include <arrow/api.h>

#include <fstream>

using namespace troupe;

namespace {

void write(const std::string& path, const std::vector<Batch>& batches, const SchemaPtr& schema,
           const ParquetWriteOptions& options = {}) {
  auto writer = write_parquet(system_files(), path, schema, options);
  REQUIRE(writer);
  for (const Batch& batch : batches) REQUIRE((*writer)->write(batch));
  REQUIRE((*writer)->close());
}

std::vector<Batch> read(const ParquetFile& file, const std::vector<int>& groups,
                        const std::vector<std::string>& columns) {
  auto reader = file.read(groups, columns);
  REQUIRE(reader);
  std::vector<Batch> batches;
  for (;;) {
    auto batch = (*reader)->next();
    REQUIRE(batch);
    if (!*batch) return batches;
    CHECK(batch->rows() <= batch_rows_max);
    batches.push_back(*batch);
  }
}

std::vector<int> all_groups(const ParquetFile& file) {
  std::vector<int> groups;
  for (int i = 0; i < file.row_groups(); ++i) groups.push_back(i);
  return groups;
}

ColumnBound bound(int column, Comparison comparison, std::shared_ptr<arrow::Scalar> literal) {
  return {column, comparison, std::move(literal)};
}

}  // namespace

TEST_CASE("rows of every type come back as they were, for any row group size and compression") {
  TempDir dir;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    Random random(seed);
    const SchemaPtr schema = every_type();
    std::vector<Batch> batches;
    for (std::uint64_t i = 0; i < 1 + random.below(4); ++i) {
      batches.push_back(random_batch(schema, static_cast<std::int64_t>(random.below(700)), random));
    }
    const std::vector<std::string> codecs = {"zstd", "snappy", "none", "gzip", "lz4"};
    const std::string path = dir.path() + "/rows.parquet";
    write(path, batches, schema,
          {.compression = codecs[seed % codecs.size()],
           .row_group_rows = 1 + static_cast<std::int64_t>(random.below(500))});
    const auto file = ParquetFile::open(system_files(), path);
    REQUIRE(file);
    INFO("seed " << seed);
    CHECK((*file)->schema()->Equals(*schema));
    const auto found = read(**file, all_groups(**file), schema->field_names());
    CHECK(difference(joined(batches, schema), joined(found, schema)) == "");
  }
}

TEST_CASE("a file without rows keeps its schema") {
  TempDir dir;
  const SchemaPtr schema = every_type();
  write(dir.path() + "/empty.parquet", {}, schema);
  const auto file = ParquetFile::open(system_files(), dir.path() + "/empty.parquet");
  REQUIRE(file);
  CHECK((*file)->schema()->Equals(*schema));
  CHECK(read(**file, all_groups(**file), schema->field_names()).empty());
}

TEST_CASE("columns come in the order asked for, and no columns are still rows") {
  TempDir dir;
  const auto schema =
      arrow::schema({arrow::field("a", arrow::int64()), arrow::field("b", arrow::utf8()),
                     arrow::field("c", arrow::float64())});
  const std::string path = dir.path() + "/rows.parquet";
  write(path, {rows_from(schema, R"([{"a": 1, "b": "x", "c": 0.5}, {"a": 2, "b": null}])")},
        schema);
  const auto file = *ParquetFile::open(system_files(), path);
  CHECK(lines_of(read(*file, {0}, {"c", "a"})) == std::vector<std::string>{"0.5|1", "null|2"});
  const auto counted = read(*file, {0}, {});
  REQUIRE(counted.size() == 1);
  CHECK(counted[0].rows() == 2);
  CHECK(counted[0].columns()->num_columns() == 0);
}

TEST_CASE("strings stay dictionaries, and the schema says utf8") {
  TempDir dir;
  const auto schema = arrow::schema({arrow::field("carrier", arrow::utf8())});
  const std::string path = dir.path() + "/rows.parquet";
  write(path, {rows_from(schema, R"([{"carrier": "UA"}, {"carrier": null}, {"carrier": "UA"}])")},
        schema);
  const auto file = *ParquetFile::open(system_files(), path);
  CHECK(file->schema()->field(0)->type()->Equals(*arrow::utf8()));
  const auto found = read(*file, {0}, {"carrier"});
  REQUIRE(found.size() == 1);
  CHECK(found[0].columns()->column(0)->type()->Equals(
      *arrow::dictionary(arrow::int32(), arrow::utf8())));
  CHECK(lines_of(found) == std::vector<std::string>{"UA", "null", "UA"});
}

TEST_CASE("statistics skip row groups exactly where no row can match") {
  // Claim: a skipped group has no matching row; shown against a scan of random groups. And groups
  // are skipped at all: of ten sorted groups a narrow range leaves one.
  TempDir dir;
  const auto schema = arrow::schema({arrow::field("n", arrow::int64())});
  std::vector<Batch> batches;
  for (int group = 0; group < 10; ++group) {
    std::string json = "[";
    for (int i = 0; i < 10; ++i)
      json += fmt::format("{}{{\"n\": {}}}", i ? "," : "", group * 10 + i);
    batches.push_back(rows_from(schema, json + "]"));
  }
  const std::string path = dir.path() + "/rows.parquet";
  write(path, batches, schema, {.row_group_rows = 10});
  const auto file = *ParquetFile::open(system_files(), path);
  REQUIRE(file->row_groups() == 10);
  const auto groups_left = [&](const std::vector<ColumnBound>& bounds) {
    std::vector<int> left;
    for (int i = 0; i < 10; ++i) {
      if (file->may_match(i, schema, bounds)) left.push_back(i);
    }
    return left;
  };
  using Groups = std::vector<int>;
  const auto of = [](std::int32_t value) { return arrow::MakeScalar(value); };
  CHECK(groups_left({bound(0, Comparison::equal, of(35))}) == Groups{3});
  CHECK(groups_left({bound(0, Comparison::less, of(10))}) == Groups{0});
  CHECK(groups_left({bound(0, Comparison::less_equal, of(10))}) == Groups{0, 1});
  CHECK(groups_left({bound(0, Comparison::greater, of(89))}) == Groups{9});
  CHECK(groups_left({bound(0, Comparison::greater_equal, of(89))}) == Groups{8, 9});
  CHECK(groups_left({bound(0, Comparison::greater, of(24)), bound(0, Comparison::less, of(36))}) ==
        Groups{2, 3});
  CHECK(groups_left({bound(0, Comparison::equal, arrow::MakeScalar("x"))}).size() == 10);
  CHECK(groups_left({bound(0, Comparison::not_equal, of(5))}).size() == 10);
}

TEST_CASE("NaN is larger than every number, so an upper statistic does not skip it") {
  TempDir dir;
  const auto schema = arrow::schema({arrow::field("x", arrow::float64())});
  arrow::DoubleBuilder builder;
  REQUIRE(builder.AppendValues({1.0, std::nan(""), 2.0}).ok());
  const std::string path = dir.path() + "/rows.parquet";
  write(path, {Batch(arrow::RecordBatch::Make(schema, 3, {*builder.Finish()}))}, schema);
  const auto file = *ParquetFile::open(system_files(), path);
  CHECK(file->may_match(0, schema, {bound(0, Comparison::greater, arrow::MakeScalar(5.0))}));
  CHECK_FALSE(file->may_match(0, schema, {bound(0, Comparison::less, arrow::MakeScalar(0.5))}));
}

TEST_CASE("a group of nulls matches no comparison") {
  TempDir dir;
  const auto schema = arrow::schema({arrow::field("n", arrow::int64())});
  const std::string path = dir.path() + "/rows.parquet";
  write(path, {rows_from(schema, R"([{"n": null}, {"n": null}])")}, schema);
  const auto file = *ParquetFile::open(system_files(), path);
  CHECK_FALSE(file->may_match(0, schema, {bound(0, Comparison::not_equal, arrow::MakeScalar(1))}));
}

TEST_CASE("a damaged file is told as such, by name, wherever it was cut") {
  TempDir dir;
  const SchemaPtr schema = every_type();
  Random random(7);
  const std::string path = dir.path() + "/rows.parquet";
  write(path, {random_batch(schema, 500, random)}, schema);
  const std::string whole = *system_files().read(path);
  for (const std::size_t length :
       {std::size_t{0}, std::size_t{3}, whole.size() / 2, whole.size() - 1}) {
    REQUIRE(write_atomically(system_files(), path, whole.substr(0, length)));
    const auto file = ParquetFile::open(system_files(), path);
    REQUIRE_FALSE(file);
    CHECK(file.error().code == ErrorCode::invalid_argument);
    CHECK(file.error().message.find(path) != std::string::npos);
    CHECK_FALSE(file.error().hint.empty());
  }
  CHECK(ParquetFile::open(system_files(), dir.path() + "/none.parquet").error().code ==
        ErrorCode::not_found);
}

TEST_CASE("flipped bytes never crash: the file is refused, or reads as something") {
  TempDir dir;
  const SchemaPtr schema = every_type();
  Random random(11);
  const std::string path = dir.path() + "/rows.parquet";
  write(path, {random_batch(schema, 200, random)}, schema, {.compression = "snappy"});
  const std::string whole = *system_files().read(path);
  for (int round = 0; round < 150; ++round) {
    std::string bytes = whole;
    for (int i = 0; i < 3; ++i) bytes[random.below(bytes.size())] ^= char(1 + random.below(255));
    std::ofstream(path, std::ios::binary) << bytes;
    const auto file = ParquetFile::open(system_files(), path);
    if (!file) continue;
    auto reader = (*file)->read(all_groups(**file), (*file)->schema()->field_names());
    if (!reader) continue;
    for (auto batch = (*reader)->next(); batch && *batch; batch = (*reader)->next()) {
    }
  }
}

TEST_CASE("wide rows fill a row group before it has its number of rows") {
  TempDir dir;
  const SchemaPtr schema = arrow::schema({arrow::field("text", arrow::utf8())});
  arrow::StringBuilder texts;
  for (int i = 0; i < 2000; ++i) REQUIRE(texts.Append(std::string(10'000, 'x')).ok());
  const Batch batch(arrow::RecordBatch::Make(schema, 2000, {*texts.Finish()}));
  const std::string path = dir.path() + "/wide.parquet";
  write(path, std::vector<Batch>(8, batch), schema);  // 160 MB
  const auto file = *ParquetFile::open(system_files(), path);
  REQUIRE(file->row_groups() == 2);
  CHECK(file->rows(0) == 8000);
  CHECK(file->rows(1) == 8000);
}

TEST_CASE("a writer holds about what it may, however many columns have values of their own") {
  TempDir dir;
  const std::string path = dir.path() + "/wide.parquet";
  constexpr int columns = 8;
  constexpr std::int64_t rows = 8192;
  constexpr std::int64_t bytes_max = 8 << 20;
  arrow::FieldVector fields;
  for (int i = 0; i < columns; ++i)
    fields.push_back(arrow::field(std::to_string(i), arrow::int64()));
  const SchemaPtr schema = arrow::schema(fields);
  const auto writer = *write_parquet(system_files(), path, schema, {.bytes_max = bytes_max});
  std::int64_t next = 0;
  for (int batch = 0; batch < 40; ++batch) {
    arrow::Int64Builder values;
    for (std::int64_t i = 0; i < rows; ++i) REQUIRE(values.Append(next++ * 7919).ok());
    const arrow::ArrayVector same(columns, *values.Finish());
    REQUIRE(writer->write(Batch(arrow::RecordBatch::Make(schema, rows, same))));
    // What is to be let go is let go before the next rows, which add at most what they are, twice.
    CHECK(writer->held_bytes() <= bytes_max + 2 * columns * rows * 8);
  }
  REQUIRE(writer->close());
  const auto file = *ParquetFile::open(system_files(), path);
  CHECK(file->row_groups() > 1);
  std::int64_t found = 0;
  for (int group = 0; group < file->row_groups(); ++group) found += file->rows(group);
  CHECK(found == next);
}
