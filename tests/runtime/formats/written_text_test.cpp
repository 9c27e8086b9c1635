// A value has one text in CSV and JSON, and it says that value: the years that the library cannot
// say among them.
#include "runtime/formats/written_text.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/rows.hpp"

#include <arrow/array.h>
#include <arrow/array/builder_time.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <limits>

using namespace troupe;

namespace {

using Lines = std::vector<std::string>;

/// The texts of these numbers as a column of the type; null where the number is `none`.
constexpr std::int64_t none = 42;
template <class Builder>
Result<Lines> texts(const std::shared_ptr<arrow::DataType>& type,
                    const std::vector<std::int64_t>& numbers) {
  Builder builder(type, arrow::default_memory_pool());
  for (const std::int64_t number : numbers) {
    const auto status = number == none
                            ? builder.AppendNull()
                            : builder.Append(static_cast<typename Builder::value_type>(number));
    REQUIRE(status.ok());
  }
  const auto written = TRY(written_texts(builder.Finish().ValueOrDie()));
  const auto& array = static_cast<const arrow::StringArray&>(*written);
  Lines lines;
  for (std::int64_t i = 0; i < array.length(); ++i) {
    lines.push_back(array.IsNull(i) ? "null" : array.GetString(i));
  }
  return lines;
}

constexpr std::int64_t low = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t high = std::numeric_limits<std::int64_t>::max();

}  // namespace

TEST_CASE("dates of every year there is have their text") {
  const auto found = texts<arrow::Date32Builder>(
      arrow::date32(), {0, none, -719'528, -719'529, -719'528 - 146'097, 2'932'896, 2'932'897,
                        11'248'738, 18'620'100, INT32_MIN, INT32_MAX});
  CHECK(*found == Lines{"1970-01-01", "null", "0000-01-01", "-0001-12-31", "-0400-01-01",
                        "9999-12-31", "10000-01-01", "32768-01-01", "52950-02-07", "-5877641-06-23",
                        "5881580-07-11"});
}

TEST_CASE("moments of every unit have the text of their year, also where it is far") {
  const auto moments = [](arrow::TimeUnit::type unit, const std::vector<std::int64_t>& numbers,
                          const std::string& zone = "") {
    return *texts<arrow::TimestampBuilder>(arrow::timestamp(unit, zone), numbers);
  };
  CHECK(moments(arrow::TimeUnit::MICRO, {none, -1, 1'611'306'000'000'000'000, high, low}) ==
        Lines{"null", "1969-12-31 23:59:59.999999", "53030-04-04 00:00:00.000000",
              "294247-01-10 04:00:54.775807", "-290308-12-21 19:59:05.224192"});
  CHECK(moments(arrow::TimeUnit::SECOND, {253'402'300'799, 253'402'300'800, high}) ==
        Lines{"9999-12-31 23:59:59", "10000-01-01 00:00:00", "292277026596-12-04 15:30:07"});
  CHECK(moments(arrow::TimeUnit::MILLI, {-62'167'219'200'001, low}, "Europe/Berlin") ==
        Lines{"-0001-12-31 23:59:59.999Z", "-292275055-05-16 16:47:04.192Z"});
  CHECK(moments(arrow::TimeUnit::NANO, {low, high}) ==
        Lines{"1677-09-21 00:12:43.145224192", "2262-04-11 23:47:16.854775807"});
}

TEST_CASE("a time outside of the day has no text") {
  const auto type = arrow::time32(arrow::TimeUnit::SECOND);
  CHECK(*texts<arrow::Time32Builder>(type, {0, 86'399, none}) ==
        Lines{"00:00:00", "23:59:59", "null"});
  for (const std::int64_t beyond : {86'400, -1}) {
    const auto wrong = texts<arrow::Time32Builder>(type, {0, beyond});
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().message == fmt::format("{} in time32[s] is no time of day", beyond));
  }
}

TEST_CASE("a zero keeps its sign") {
  const auto schema = arrow::schema({arrow::field("x", arrow::float64())});
  const Batch rows = rows_from(schema, R"([{"x": -0.0}, {"x": 0.0}, {"x": 1.5}, {"x": null}])");
  const auto written = written_texts(rows.columns()->column(0));
  REQUIRE(written);
  const auto& array = static_cast<const arrow::StringArray&>(**written);
  CHECK(array.GetString(0) == "-0.0");
  CHECK(array.GetString(1) == "0");
  CHECK(array.GetString(2) == "1.5");
  CHECK(array.IsNull(3));
}
