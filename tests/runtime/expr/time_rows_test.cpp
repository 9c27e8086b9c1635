// Functions of time over many rows: what is remembered from row to row changes nothing. Each row is
// its own batch once more; days collide, go back and forth, lie before 1970, and are null.
#include "runtime/expr/expression.hpp"
#include "tests/runtime/expr/sample.hpp"
#include "tests/support/catch.hpp"

#include <arrow/array.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

namespace troupe {

namespace {

Batch moments() {
  arrow::TimestampBuilder times(arrow::timestamp(arrow::TimeUnit::MICRO),
                                arrow::default_memory_pool());
  arrow::Date32Builder days;
  for (std::int64_t i = 0; i < 600; ++i) {
    if (i % 17 == 3) {
      REQUIRE(times.AppendNull().ok());
      REQUIRE(days.AppendNull().ok());
      continue;
    }
    // Days 1024 and 512 apart, and neighbours; the last microsecond of a day too.
    const std::int64_t day = i % 5 * 1024 - i % 3 * 512 - i % 7;
    const std::int64_t of_day = i % 4 == 0 ? 86'399'999'999 : i * 86'400'000'000 / 601;
    REQUIRE(times.Append(day * 86'400'000'000 + of_day).ok());
    REQUIRE(days.Append(static_cast<std::int32_t>(day)).ok());
  }
  const auto schema = arrow::schema({arrow::field("t", arrow::timestamp(arrow::TimeUnit::MICRO)),
                                     arrow::field("d", arrow::date32())});
  return Batch(arrow::RecordBatch::Make(schema, 600, {*times.Finish(), *days.Finish()}));
}

}  // namespace

TEST_CASE("a row has the same value in a batch as alone") {
  const Batch all = moments();
  std::vector<std::string> texts;
  for (const std::string unit : {"week", "month", "quarter", "year", "decade", "day", "century"}) {
    for (const std::string column : {"t", "d"}) {
      texts.push_back("date_trunc('" + unit + "', " + column + ")");
      texts.push_back("extract(" + unit + " FROM " + column + ")");
      texts.push_back("date_part('" + unit + "', " + column + ")");
    }
  }
  for (const std::string unit : {"dow", "isodow", "doy", "isoyear", "epoch"}) {
    texts.push_back("extract(" + unit + " FROM t)");
  }
  for (const std::string unit : {"hour", "minute", "second", "milliseconds", "microseconds"}) {
    texts.push_back("date_trunc('" + unit + "', t)");
    texts.push_back("extract(" + unit + " FROM t)");
  }
  for (const std::string& text : texts) {
    INFO(text);
    const auto bound = Expression::bind(text, all.columns()->schema()).value();
    const auto values = bound.evaluate(all).value();
    REQUIRE(values->length() == all.rows());
    std::int64_t others = 0;
    for (std::int64_t row = 0; row < all.rows(); ++row) {
      const auto alone = bound.evaluate(Batch(all.columns()->Slice(row, 1))).value();
      others += shown(*values, row) == shown(*alone, 0) ? 0 : 1;
    }
    CHECK(others == 0);
  }
}

TEST_CASE("nanoseconds are rounded down to microseconds, before 1970 too") {
  arrow::TimestampBuilder times(arrow::timestamp(arrow::TimeUnit::NANO),
                                arrow::default_memory_pool());
  for (const std::int64_t nanos : {-1, -1000, -1001, 0, 999, 1001}) {
    REQUIRE(times.Append(nanos).ok());
  }
  REQUIRE(times.AppendNull().ok());
  const auto schema = arrow::schema({arrow::field("t", arrow::timestamp(arrow::TimeUnit::NANO))});
  const Batch all(arrow::RecordBatch::Make(schema, 7, {*times.Finish()}));
  const auto values = [&](const std::string& text) {
    const auto array = Expression::bind(text, schema).value().evaluate(all).value();
    std::string line;
    for (std::int64_t row = 0; row < array->length(); ++row) {
      line += (row == 0 ? "" : " ") + shown(*array, row);
    }
    return line;
  };
  CHECK(values("extract(microseconds FROM t)") == "59999999 59999999 59999998 0 0 1 NULL");
  CHECK(values("t::date") ==
        "1969-12-31 1969-12-31 1969-12-31 1970-01-01 1970-01-01 1970-01-01 NULL");
  CHECK(values("t < timestamp '1970-01-01'") == "true true true false false false NULL");
  CHECK(values("t = timestamp '1970-01-01'") == "false false false true true false NULL");
  CHECK(values("extract(epoch FROM t)") ==
        "-0.000001 -0.000001 -0.000002 0.000000 0.000000 0.000001 NULL");
}

}  // namespace troupe
