// JSON lines: what is written comes back, types are found or declared, any cut gives each object
// once, and what does not parse is told with file and line.
#include "runtime/formats/json_file.hpp"
#include "runtime/os/random.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rows.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/typed_rows.hpp"

#include <arrow/record_batch.h>
#include <arrow/type.h>

using namespace troupe;

namespace {

using Lines = std::vector<std::string>;

SchemaPtr columns(const std::vector<std::pair<std::string, std::shared_ptr<arrow::DataType>>>& of) {
  arrow::FieldVector fields;
  for (const auto& [name, type] : of) fields.push_back(arrow::field(name, type));
  return arrow::schema(std::move(fields));
}

class JsonLines {
 public:
  explicit JsonLines(const std::string& text) : path_(dir_.path() + "/x.jsonl") {
    REQUIRE(write_atomically(system_files(), path_, text));
  }
  const std::string& path() const { return path_; }

  std::string types(const ColumnTypes& declared = {}) const {
    const auto schema = json_schema(system_files(), path_, declared);
    REQUIRE(schema);
    return columns_text(**schema);
  }
  Result<std::vector<Batch>> read(const SchemaPtr& columns, ByteRange range = {}) const {
    const auto reader = TRY(read_json(system_files(), path_, range, columns));
    return batches_of(*reader);
  }
  Lines lines(const SchemaPtr& columns) const {
    const auto rows = read(columns);
    REQUIRE(rows);
    return lines_of(*rows);
  }
  std::string error(const SchemaPtr& columns, ByteRange range = {}) const {
    const auto rows = read(columns, range);
    REQUIRE_FALSE(rows);
    CHECK(rows.error().code == ErrorCode::invalid_argument);
    CHECK(rows.error().message.find(path_) != std::string::npos);
    return rows.error().message.substr(path_.size() + 4);
  }

 private:
  TempDir dir_;
  std::string path_;
};

std::string written(const Batch& batch, const SchemaPtr& schema) {
  TempDir dir;
  const auto writer = write_json(system_files(), dir.path() + "/x", schema);
  REQUIRE(writer);
  REQUIRE((*writer)->write(batch));
  REQUIRE((*writer)->close());
  return *system_files().read(dir.path() + "/x");
}

}  // namespace

TEST_CASE("JSON: rows of every type come back as they were") {
  const SchemaPtr schema = every_type();
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    Random random(seed);
    const Batch batch = random_batch(schema, static_cast<std::int64_t>(random.below(900)), random);
    const JsonLines file(written(batch, schema));
    const auto found = file.read(schema);
    INFO("seed " << seed << (found ? "" : found.error().to_string()));
    REQUIRE(found);
    CHECK(difference(batch, joined(*found, schema)) == "");
  }
}

TEST_CASE("JSON: values are written as a reader of JSON expects them") {
  const auto schema = columns({{"d", arrow::decimal128(5, 2)},
                               {"x", arrow::float64()},
                               {"t", arrow::timestamp(arrow::TimeUnit::MICRO, "Europe/Berlin")},
                               {"s", arrow::utf8()},
                               {"l", arrow::list(arrow::int64())},
                               {"o", arrow::struct_({arrow::field("a", arrow::boolean())})}});
  const Batch batch = rows_from(schema, R"([
    {"d": "1.50", "x": 0.1, "t": "2013-01-01 05:00:00", "s": "a\"\n", 
     "l": [1, null], "o": {"a": true}},
    {"d": null, "x": NaN, "t": null, "s": null, "l": null, "o": null}])");
  CHECK(written(batch, schema) == R"({"d":1.50,"x":0.1,"t":"2013-01-01 05:00:00.000000Z",)"
                                  R"("s":"a\"\u000a","l":[1,null],"o":{"a":true}})"
                                  "\n"
                                  R"({"d":null,"x":"NaN","t":null,"s":null,"l":null,"o":null})"
                                  "\n");
}

TEST_CASE("JSON: bytes are base64, also where they are nested") {
  const auto schema = columns(
      {{"b", arrow::binary()}, {"s", arrow::struct_({arrow::field("b", arrow::binary())})}});
  const Batch batch =
      rows_from(schema, R"([{"b": "a", "s": {"b": "abcd"}}, {"b": "", "s": null}])");
  const std::string text = written(batch, schema);
  CHECK(text ==
        "{\"b\":\"YQ==\",\"s\":{\"b\":\"YWJjZA==\"}}\n"
        "{\"b\":\"\",\"s\":null}\n");
  const auto bytes = columns({{"b", arrow::binary()}});
  const auto found = JsonLines(text).read(bytes);
  REQUIRE(found);
  CHECK(difference(Batch(*batch.columns()->SelectColumns({0})), joined(*found, bytes)) == "");
  CHECK(JsonLines("{\"b\":\"YQ\"}\n").error(bytes) == "line 1: column 'b': 'YQ' is no base64");
}

TEST_CASE("JSON: what it cannot say is refused, however deep it is") {
  const auto message = [](std::shared_ptr<arrow::DataType> type) {
    const auto checked = check_json_schema(*columns({{"c", std::move(type)}}));
    return checked ? "" : checked.error().message;
  };
  CHECK(message(arrow::list(arrow::binary())) == "");
  CHECK(message(arrow::month_day_nano_interval()) ==
        "column 'c' of type month_day_nano_interval cannot be written as JSON");
  CHECK(message(arrow::list(arrow::duration(arrow::TimeUnit::MICRO))) ==
        "column 'c' of type duration[us] in list<item: duration[us]> cannot be written as JSON");
  const auto twice =
      arrow::struct_({arrow::field("a", arrow::utf8()), arrow::field("a", arrow::utf8())});
  CHECK(message(twice) ==
        "column 'c' of type struct<a: string, a: string> cannot be written as JSON");
}

TEST_CASE("JSON: types are inferred or declared, nested ones included") {
  const JsonLines file(
      R"({"i": 1, "x": 1.5, "b": true, "s": "a", "t": "2013-01-01 05:00:00", "n": null})"
      "\n"
      R"({"i": 2, "l": [1, 2], "o": {"a": "x"}})"
      "\n");
  CHECK(file.types() ==
        "i int64, x double, b bool, s string, t timestamp[us], n string, "
        "l list<item: int64>, o struct<a: string>");
  CHECK(file.types({{"t", arrow::utf8()}, {"later", arrow::int64()}}).find("later int64") !=
        std::string::npos);
  CHECK(file.lines(columns({{"s", arrow::utf8()}, {"i", arrow::float64()}})) ==
        Lines{"a|1", "null|2"});
  CHECK(file.lines(columns({{"later", arrow::int64()}})) == Lines{"null", "null"});
  CHECK(file.read(columns({}))->front().rows() == 2);
  CHECK(JsonLines("{\"d\": \"2013-05-06\"}\n").lines(columns({{"d", arrow::date32()}})) ==
        Lines{"2013-05-06"});
}

TEST_CASE("JSON: dates, fractions of seconds and zones are seen where all texts have them") {
  const JsonLines file(
      R"({"d":"2013-05-06","t":"2013-05-06 10:00:00.25","z":"2013-05-06T10:00:00+02:00",)"
      R"("s":"2013-05-06"})"
      "\n"
      R"({"d":null,"t":"2013-05-06","z":"1969-12-31T23:00:00Z","s":"2013-05-06T10:00:00Z"})"
      "\n");
  CHECK(file.types() == "d date32[day], t timestamp[us], z timestamp[us, tz=UTC], s string");
  CHECK(file.lines(*json_schema(system_files(), file.path(), {})) ==
        Lines{"2013-05-06|2013-05-06 10:00:00.250000|2013-05-06 08:00:00.000000Z|2013-05-06",
              "null|2013-05-06 00:00:00.000000|1969-12-31 23:00:00.000000Z|2013-05-06T10:00:00Z"});
}

TEST_CASE("JSON: texts in lists and structs stay as they are, whatever they look like") {
  const std::string text =
      R"({"o":{"day":"2025-06-28","at":"2025-06-28T10:00:00Z","off":"2025-06-28T10:00:00+02:00"},)"
      R"("l":["2025-06-28",null],"d":[[{"x":"2025-06-28 10:00:00"}]]})"
      "\n";
  const JsonLines file(text);
  const auto schema = json_schema(system_files(), file.path(), {});
  REQUIRE(schema);
  const auto found = file.read(*schema);
  REQUIRE(found);
  CHECK(written(joined(*found, *schema), *schema) == text);
}

TEST_CASE("JSON: declared fields stay where the file has them, those it lacks come last") {
  const JsonLines file("{\"z\": 1, \"a\": 2}\n{\"m\": 3, \"a\": 4}\n");
  CHECK(file.types({{"a", arrow::float64()}, {"b", arrow::utf8()}, {"m", arrow::float32()}}) ==
        "z int64, a double, m float, b string");
  CHECK(JsonLines("\n").types({{"a", arrow::float64()}}) == "a double");
}

TEST_CASE("JSON: whatever the cut, each object is read once and in order") {
  std::string text;
  for (int i = 0; i < 40; ++i) text += fmt::format("{{\"n\": {}}}\n", i);
  text += "\n{\"n\": 40}";
  const JsonLines file(text);
  const auto schema = columns({{"n", arrow::int64()}});
  const Lines whole = file.lines(schema);
  REQUIRE(whole.size() == 41);
  const auto size = static_cast<std::int64_t>(text.size());
  for (std::int64_t parts = 1; parts <= size; parts += 1 + parts / 4) {
    Lines found;
    for (std::int64_t i = 0; i < parts; ++i) {
      const auto rows = file.read(schema, {i * size / parts, (i + 1) * size / parts});
      REQUIRE(rows);
      for (const std::string& line : lines_of(*rows)) found.push_back(line);
    }
    INFO(parts << " ranges");
    CHECK(found == whole);
  }
}

TEST_CASE("JSON: what does not parse is told with its line") {
  const auto schema = columns({{"n", arrow::int64()}});
  CHECK(JsonLines("{\"n\": 1}\n\n{\"n\": \"x\"}\n").error(schema).starts_with("line 3: "));
  CHECK(JsonLines("{\"n\": 1}\n{\"n\": 1.5}\n").error(schema).starts_with("line 2: "));
  CHECK(JsonLines("{\"n\": 1}\n{\"n\":\n").error(schema).starts_with("line 2: "));
  std::string text;
  for (int i = 1; i < 1000; ++i) text += "{\"n\": 1}\n";
  CHECK(JsonLines(text + "[]\n").error(schema, {4000, 100'000}).starts_with("line 1000: "));
  const JsonLines mixed("{\"n\": 1}\n\n{\"n\": 2}\n{\"n\": \"x\"}\n");
  CHECK(json_schema(system_files(), mixed.path(), {}).error().message.find("x.jsonl', line 4: ") !=
        std::string::npos);
  CHECK(json_schema(system_files(), JsonLines("").path(), {}).error().message.find("is empty") !=
        std::string::npos);
}

TEST_CASE("JSON: integers that are no bigint are numerics, and none becomes a double in silence") {
  const JsonLines ids("{\"id\":18446744073709551615}\n{\"id\":9223372036854775808}\n");
  CHECK(ids.types() == "id decimal128(38, 0)");
  CHECK(ids.lines(*json_schema(system_files(), ids.path(), {})) ==
        Lines{"18446744073709551615", "9223372036854775808"});
  const JsonLines mixed("{\"x\":1.5}\n{\"x\":9007199254740993}\n");
  CHECK(mixed.types() == "x double");
  CHECK(mixed.error(*json_schema(system_files(), mixed.path(), {})) ==
        "line 2: column 'x': '9007199254740993' is no double precision without a loss of digits");
  const auto wide = mixed.read(columns({{"x", arrow::decimal128(38, 2)}}));
  REQUIRE(wide);
  CHECK(lines_of(*wide) == Lines{"1.50", "9007199254740993.00"});
  const JsonLines nested("{\"o\":{\"l\":[1.5,12345678901234567891]}}\n");
  CHECK(nested.error(*json_schema(system_files(), nested.path(), {})).find("'o.l'") !=
        std::string::npos);
  const JsonLines held("{\"x\":1.5,\"i\":9007199254740993}\n{\"x\":100000000000000000000}\n");
  CHECK(held.lines(*json_schema(system_files(), held.path(), {})) ==
        Lines{"1.5|9007199254740993", "1e+20|null"});
}

TEST_CASE("JSON: types are looked for until a field has a value, and told where it comes later") {
  std::string nulls;
  while (nulls.size() < (2 << 20)) nulls += "{\"id\":null}\n";
  CHECK(JsonLines(nulls + "{\"id\":5}\n").types() == "id int64");
  const JsonLines late("{\"id\":null}\n{\"id\":5}\n");
  const auto reader = *read_json(system_files(), late.path(), {}, columns({{"id", arrow::utf8()}}));
  const auto rows = reader->next();
  REQUIRE_FALSE(rows);
  CHECK(rows.error().message.ends_with("line 2: field 'id': 5 is a number, and the field is text"));
  CHECK(rows.error().hint.find("types: {\"id\": bigint}") != std::string::npos);
}

TEST_CASE("JSON: a field that nobody knew of is an error where it would be lost") {
  const JsonLines file("{\"x\":1,\"o\":{\"a\":1}}\n{\"x\":2,\"y\":3}\n");
  const auto known =
      columns({{"x", arrow::int64()}, {"o", arrow::struct_({arrow::field("a", arrow::int64())})}});
  const auto strict =
      (*read_json(system_files(), file.path(), {}, known, {.known = known}))->next();
  REQUIRE_FALSE(strict);
  CHECK(strict.error().message.find("line 2: the field 'y' has not been seen before") !=
        std::string::npos);
  CHECK((*read_json(system_files(), file.path(), {}, known))->next()->rows() == 2);
  const JsonLines inner("{\"x\":1,\"o\":{\"a\":1,\"b\":2}}\n");
  const auto nested =
      (*read_json(system_files(), inner.path(), {}, known, {.known = known}))->next();
  REQUIRE_FALSE(nested);
  CHECK(nested.error().message.find("'o.b'") != std::string::npos);
}
