// What COPY reads is what the rows are, whatever bytes they hold: shown by PostgreSQL itself.
#include "runtime/connectors/copy_text.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/postgres.hpp"
#include "tests/support/rows.hpp"

#include <arrow/type.h>

using namespace troupe;

namespace {

std::string text_of(const SchemaPtr& schema, const std::string& json) {
  std::string text;
  REQUIRE(append_copy_text(rows_from(schema, json), nullptr, text));
  return text;
}

}  // namespace

TEST_CASE("values come through COPY as they are") {
  test_postgres::run(
      {"CREATE TABLE kinds (i int, b bigint, d double precision, f real, t text, ok "
       "boolean, day date, at timestamp, zoned timestamptz, n numeric(10,2))"});
  const auto schema =
      arrow::schema({arrow::field("i", arrow::int32()), arrow::field("b", arrow::int64()),
                     arrow::field("d", arrow::float64()), arrow::field("f", arrow::float32()),
                     arrow::field("t", arrow::utf8()), arrow::field("ok", arrow::boolean()),
                     arrow::field("day", arrow::date32()),
                     arrow::field("at", arrow::timestamp(arrow::TimeUnit::MICRO)),
                     arrow::field("zoned", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")),
                     arrow::field("n", arrow::decimal128(10, 2))});
  const std::string lines = text_of(schema, R"([
    {"i": -7, "b": 9007199254740993, "d": 0.1, "f": 0.25, "t": "a\tb\\n\n\r\"'\\N é", "ok": true,
     "day": 1, "at": "2026-03-01 12:00:00.25", "zoned": "2026-03-01 12:00:00", "n": "12.50"},
    {"t": "\\N"}, {"t": ""}, {"t": "\\."}, {}])");
  auto connection = PostgresConnection::open(test_postgres::target());
  REQUIRE(connection);
  REQUIRE(connection->copy_in("COPY kinds FROM STDIN", without_last_value(lines)));
  CHECK(test_postgres::rows("SELECT i, b, d, f, ok, day, at, zoned, n FROM kinds LIMIT 1") ==
        std::vector<std::string>{"-7|9007199254740993|0.1|0.25|t|1970-01-02|2026-03-01 "
                                 "12:00:00.25|2026-03-01 12:00:00+00|12.50"});
  CHECK(test_postgres::rows("SELECT t FROM kinds LIMIT 1") ==
        std::vector<std::string>{"a\tb\\n\n\r\"'\\N é"});
  CHECK(test_postgres::rows("SELECT coalesce(t, 'null') FROM kinds OFFSET 1") ==
        std::vector<std::string>{"\\N", "", "\\.", "null"});
}

TEST_CASE("bytes are a bytea") {
  const auto schema = arrow::schema({arrow::field("b", arrow::binary())});
  CHECK(text_of(schema, R"([{"b": "a\\b"}, {"b": ""}, {"b": null}])") ==
        "\\\\x615c62\t1\n\\\\x\t1\n\\N\t1\n");
}

TEST_CASE("the last value can be taken off, and one put behind it") {
  CHECK(without_last_value("1\ta\t1\n2\tb\t-1\n") == "1\ta\n2\tb\n");
  CHECK(with_last_value("1\ta\n2\tb\n", "7") == "1\ta\t7\n2\tb\t7\n");
  CHECK(shown_line("1\ta\n2\tb\n", 2) == "2, b");
  CHECK(shown_line("1\ta\n2\tb\n", 3) == "");
}

TEST_CASE("a nested column is refused when the job is checked") {
  const auto schema = arrow::schema({arrow::field("l", arrow::list(arrow::int32()))});
  CHECK_FALSE(check_copy_columns(*schema).ok());
}
