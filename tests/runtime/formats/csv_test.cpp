// CSV: what is written comes back; types are found or declared; any cut of a file gives each row
// once; and a value or row that is wrong is told with file and line.
#include "runtime/formats/csv_file.hpp"
#include "runtime/os/random.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rows.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/typed_rows.hpp"

#include <arrow/io/compressed.h>
#include <arrow/io/file.h>
#include <arrow/type.h>
#include <arrow/util/compression.h>

using namespace troupe;

namespace {

using Lines = std::vector<std::string>;

class Csv {
 public:
  explicit Csv(const std::string& text) : path_(dir_.path() + "/x.csv") {
    REQUIRE(write_atomically(system_files(), path_, text));
  }
  const std::string& path() const { return path_; }

  std::string types(const CsvDialect& dialect = {}, const ColumnTypes& declared = {}) const {
    const auto schema = csv_schema(system_files(), path_, dialect, declared);
    REQUIRE(schema);
    return columns_text(**schema);
  }

  Result<std::vector<Batch>> read(ByteRange range = {}, const CsvDialect& dialect = {},
                                  SchemaPtr columns = nullptr) const {
    if (columns == nullptr) columns = TRY(csv_schema(system_files(), path_, dialect, {}));
    auto reader = TRY(read_csv(system_files(), path_, range, dialect, columns));
    return batches_of(*reader);
  }
  Lines lines(const CsvDialect& dialect = {}) const {
    const auto rows = read({}, dialect);
    REQUIRE(rows);
    return lines_of(*rows);
  }
  std::string error(SchemaPtr columns = nullptr, ByteRange range = {}) const {
    const auto rows = read(range, {.quoted_line_breaks = range.end == INT64_MAX}, columns);
    REQUIRE_FALSE(rows);
    const std::string& message = rows.error().message;
    CHECK(message.starts_with("'" + path_ + "'"));
    return message.substr(path_.size() + 4);
  }

 private:
  TempDir dir_;
  std::string path_;
};

SchemaPtr columns(const std::vector<std::pair<std::string, std::shared_ptr<arrow::DataType>>>& of) {
  arrow::FieldVector fields;
  for (const auto& [name, type] : of) fields.push_back(arrow::field(name, type));
  return arrow::schema(std::move(fields));
}

/// The types that have a text.
SchemaPtr every_csv_type() {
  arrow::FieldVector fields;
  const SchemaPtr all = every_type();
  for (const auto& field : all->fields()) {
    if (field->type()->id() != arrow::Type::BINARY) fields.push_back(field);
  }
  return arrow::schema(std::move(fields));
}

}  // namespace

TEST_CASE("rows of every type with a text come back as they were") {
  TempDir dir;
  const std::string path = dir.path() + "/rows.csv";
  const SchemaPtr schema = every_csv_type();
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    Random random(seed);
    std::vector<Batch> batches;
    for (std::uint64_t i = 0; i < random.below(4); ++i) {
      batches.push_back(random_batch(schema, static_cast<std::int64_t>(random.below(900)), random));
    }
    const char delimiter = seed % 2 ? ',' : '\t';
    const auto writer = *write_csv(system_files(), path, schema, {.delimiter = delimiter});
    for (const Batch& batch : batches) REQUIRE(writer->write(batch));
    REQUIRE(writer->close());
    const auto reader = *read_csv(system_files(), path, {}, {.delimiter = delimiter}, schema);
    std::vector<Batch> found;
    for (auto batch = reader->next();; batch = reader->next()) {
      INFO((batch.ok() ? std::string() : batch.error().to_string()));
      REQUIRE(batch);
      if (!*batch) break;
      found.push_back(*batch);
    }
    INFO("seed " << seed);
    CHECK(difference(joined(batches, schema), joined(found, schema)) == "");
  }
}

TEST_CASE("a single column keeps its nulls, which are empty lines") {
  TempDir dir;
  const std::string path = dir.path() + "/one.csv";
  const auto schema = columns({{"n", arrow::int64()}});
  const auto writer = *write_csv(system_files(), path, schema, {});
  REQUIRE(writer->write(rows_from(schema, R"([{"n": 1}, {"n": null}, {"n": 3}, {"n": null}])")));
  REQUIRE(writer->close());
  const auto reader = *read_csv(system_files(), path, {}, {}, schema);
  CHECK(lines_of({*reader->next()}) == Lines{"1", "null", "3", "null"});
}

TEST_CASE("types are inferred as a database would name them") {
  CHECK(Csv("i,d,t,b,x,s,n\n1,2013-01-01,2013-01-01 05:00:00,true,1.5,UA,\n2,,,,,,\n").types() ==
        "i int64, d date32[day], t timestamp[us], b bool, x double, s string, n string");
  CHECK(Csv("a,b\n2013-01-01T05:00:00Z,05:00:00\n").types() ==
        "a timestamp[us, tz=UTC], b time64[us]");
  CHECK(Csv("a,b\n1,2\n").types({}, {{"b", arrow::utf8()}}) == "a int64, b string");
  CHECK(Csv("a,b\n").types() == "a string, b string");
  CHECK(Csv("a,b\n1,NA\n").types({.null_values = {"", "NA"}}) == "a int64, b string");
  CHECK(Csv("1,x\n2,y\n").types({.header = false}) == "column0 int64, column1 string");
}

TEST_CASE("quotes, empty values, line ends and byte order marks mean what they usually do") {
  CHECK(Csv("a,b\n\"x,y\",\"say \"\"hi\"\"\"\n\"two\nlines\",\n\"\",z").lines() ==
        Lines{"x,y|say \"hi\"", "two\nlines|null", "|z"});
  CHECK(Csv("\xEF\xBB\xBF"
            "a,b\r\n1,x\r\n2,y\r\n")
            .lines() == Lines{"1|x", "2|y"});
  CHECK(Csv("a|b\n'1'|2\n").lines({.delimiter = '|', .quote = '\''}) == Lines{"1|2"});
  CHECK(Csv("a,b\n5\" pipe,1\n").lines({.quote = 0}) == Lines{"5\" pipe|1"});
  CHECK(Csv("a,b\n\n1,2\n\n").lines() == Lines{"1|2"});
}

TEST_CASE("only the columns asked for are parsed into values, in the order asked for") {
  const Csv csv("a,b,c\n1,x,2.5\n2,not looked at,3.5\n");
  CHECK(lines_of(*csv.read({}, {}, columns({{"c", arrow::float64()}, {"a", arrow::int64()}}))) ==
        Lines{"2.5|1", "3.5|2"});
  const auto counted = csv.read({}, {}, columns({}));
  CHECK(counted->front().rows() == 2);
}

TEST_CASE("whatever the cut, each row is read once and in order") {
  // Claim: the ranges of any cut together give the rows of the whole file. Shown for random files,
  // with "\n" and "\r\n", over every number of ranges up to one a byte.
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    Random random(seed);
    const std::string end = random.below(2) ? "\n" : "\r\n";
    std::string text = "a,b" + end;
    for (std::uint64_t i = 0; i < random.below(25); ++i) {
      text += fmt::format("{},{}{}", i, std::string(random.below(9), 'x'), end);
    }
    if (random.below(2) && text.size() > 10) text.resize(text.size() - end.size());
    const Csv csv(text);
    const auto schema = columns({{"a", arrow::int64()}, {"b", arrow::utf8()}});
    const Lines whole = lines_of(*csv.read({}, {}, schema));
    const auto size = static_cast<std::int64_t>(text.size());
    for (std::int64_t parts = 1; parts <= size; parts += 1 + parts / 4) {
      Lines found;
      for (std::int64_t i = 0; i < parts; ++i) {
        const auto rows = csv.read({i * size / parts, (i + 1) * size / parts},
                                   {.quoted_line_breaks = false}, schema);
        REQUIRE(rows);
        for (const std::string& line : lines_of(*rows)) found.push_back(line);
      }
      INFO("seed " << seed << ", " << parts << " ranges");
      CHECK(found == whole);
    }
  }
}

TEST_CASE("a file of many blocks is read whole, quoted line breaks over their edges included") {
  std::string text = "n,s\n";
  const int rows = 200'000;
  for (int i = 0; i < rows; ++i) text += fmt::format("{},\"{}\n{}\"\n", i, i % 10, i % 7);
  const Csv csv(text);
  const Lines found = csv.lines();
  REQUIRE(found.size() == static_cast<std::size_t>(rows));
  for (int i = 0; i < rows; i += 997) {
    CHECK(found[static_cast<std::size_t>(i)] == fmt::format("{}|{}\n{}", i, i % 10, i % 7));
  }
}

TEST_CASE("a value of another type is told with line, column and value") {
  const auto schema = columns({{"a", arrow::int64()}, {"b", arrow::utf8()}});
  CHECK(Csv("a,b\n1,x\n2,y\nfour,z\n").error(schema) == "line 4: column 'a': 'four' is no bigint");
  CHECK(Csv("a,b\n1,\"x\ny\"\n\n2.5,z\n").error(schema) ==
        "line 5: column 'a': '2.5' is no bigint");
  CHECK(Csv("a,b\n1,\xFF\n").error(schema) == "line 2: column 'b' is not in UTF-8");
  std::string text = "a,b\n";
  for (int i = 2; i < 300'000; ++i) text += "1,x\n";
  CHECK(Csv(text + "oops,x\n").error(schema) == "line 300000: column 'a': 'oops' is no bigint");
}

TEST_CASE("lines are counted from the begin of the file in ranges too") {
  std::string text = "a\n";
  for (int i = 2; i < 1000; ++i) text += "1\n";
  const Csv csv(text + "oops\n");
  CHECK(csv.error(columns({{"a", arrow::int64()}}), {501, 100'000}) ==
        "line 1000: column 'a': 'oops' is no bigint");
}

TEST_CASE("a row with too few or too many values is told with its line") {
  CHECK(Csv("a,b\n1,x\n2\n").error(columns({{"a", arrow::int64()}})) ==
        "line 3: 1 values for 2 columns: 2");
  CHECK(Csv("a,b\n1,x\n2,y,z\n").error(columns({{"a", arrow::int64()}})) ==
        "line 3: 3 values for 2 columns: 2,y,z");
}

TEST_CASE("what is wrong in the rows that types are inferred from is told with its line, too") {
  const auto error = [](const std::string& text, const ColumnTypes& declared = {}) {
    const Csv csv(text);
    const auto schema = csv_schema(system_files(), csv.path(), {}, declared);
    REQUIRE_FALSE(schema);
    return schema.error().message.substr(csv.path().size() + 4);
  };
  CHECK(error("a,b\n1,x\n2\n") == "line 3: 1 values for 2 columns: 2");
  CHECK(error("a,b\n1,\"x\ny\"\noops,y\n", {{"a", arrow::int64()}}) ==
        "line 4: column 'a': 'oops' is no bigint");
  CHECK(Csv("a,b\n1,gr\xFC\xDF\n").types() == "a int64, b string");
}

TEST_CASE("a head that cannot be one is refused") {
  const auto error = [](const std::string& text, const ColumnTypes& declared = {}) {
    const Csv csv(text);
    return csv_schema(system_files(), csv.path(), {}, declared).error();
  };
  CHECK(error("").message.find("is empty") != std::string::npos);
  CHECK(error("a,a\n1,2\n").message.find("two columns are named 'a'") != std::string::npos);
  CHECK(error("a,\n1,2\n").message.find("column 2 has no name") != std::string::npos);
  CHECK(error("delay\n1\n", {{"dely", arrow::int64()}}).path == "types.dely");
}

TEST_CASE("compressed files are read by their names, and damage in them is told") {
  TempDir dir;
  const std::string path = dir.path() + "/x.csv.gz";
  std::string text = "n\n";
  for (int i = 0; i < 300'000; ++i) text += fmt::format("{}\n", i);
  {
    auto codec = *arrow::util::Codec::Create(arrow::Compression::GZIP);
    auto raw = *arrow::io::FileOutputStream::Open(path);
    auto out = *arrow::io::CompressedOutputStream::Make(codec.get(), raw);
    REQUIRE(out->Write(text).ok());
    REQUIRE(out->Close().ok());
  }
  const auto schema = *csv_schema(system_files(), path, {}, {});
  const auto count = [&]() -> Result<std::int64_t> {
    const auto reader = TRY(read_csv(system_files(), path, {}, {}, schema));
    std::int64_t rows = 0;
    for (Batch batch = TRY(reader->next()); batch; batch = TRY(reader->next())) {
      rows += batch.rows();
    }
    return rows;
  };
  CHECK(*count() == 300'000);
  std::string bytes = *system_files().read(path);
  bytes[bytes.size() / 2] ^= 0x55;
  REQUIRE(write_atomically(system_files(), path, bytes));
  const auto damaged = count();
  REQUIRE_FALSE(damaged);
  CHECK(damaged.error().message.find(path) != std::string::npos);
}

TEST_CASE("nested columns cannot be written") {
  const auto schema = columns({{"l", arrow::list(arrow::int64())}});
  CHECK(check_csv_schema(*schema).error().code == ErrorCode::unsupported);
}
