// Rows that are made: the same ones however they are split, and only the columns that are wanted.
#include "runtime/base/json.hpp"
#include "runtime/operator/source.hpp"
#include "tests/runtime/connectors/connector_runner.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rows.hpp"

#include <algorithm>

using namespace troupe;

namespace {

Json with(std::int64_t rows, Json columns) {
  return {{"rows", rows}, {"columns", std::move(columns)}};
}

}  // namespace

TEST_CASE("columns are computed of the number of the row, with the types of SQL") {
  const auto plan = plan_connector("datagen", with(4, {{"a", "n"},
                                                       {"b", "CASE n % 2 WHEN 0 THEN 'even' END"},
                                                       {"c", "(n * 0.5)::numeric(5,1)"}}))
                        .value();
  CHECK(plan.rows == 4);
  CHECK(columns_text(*plan.output()) == "a int64, b string, c decimal128(5, 1)");
  CHECK(lines_of(rows_of(plan).value()) ==
        std::vector<std::string>{"0|even|0.0", "1|null|0.5", "2|even|1.0", "3|null|1.5"});
}

TEST_CASE("the rows are the same in whatever parts they are made") {
  const auto plan = plan_connector("datagen", with(200'001, {{"a", "n"}, {"b", "hash64(n, 3)"}}));
  const auto at_once = lines_of(rows_of(*plan, 1).value());
  REQUIRE(at_once.size() == 200'001);
  CHECK(at_once.back().substr(0, 7) == "200000|");
  for (const std::uint32_t wanted : {2u, 3u, 64u}) {
    CHECK(source_of(*plan)->splits(wanted)->size() >= std::min(wanted, 13u));
    CHECK(lines_of(rows_of(*plan, wanted).value()) == at_once);
  }
}

TEST_CASE("no rows are no splits, and columns that nobody needs are not computed") {
  const auto none = plan_connector("datagen", with(0, {{"a", "n"}}));
  CHECK(source_of(*none)->splits(8)->empty());
  // `b` could not be computed.
  PlanContext context;
  context.projection = std::vector<std::string>{"a"};
  const auto plan = plan_connector("datagen", with(3, {{"b", "1 / (n - 1)"}, {"a", "n"}}), context);
  CHECK(lines_of(rows_of(*plan).value()) == std::vector<std::string>{"0", "1", "2"});
  context.projection = std::vector<std::string>{};
  const auto count = plan_connector("datagen", with(3, {{"a", "n"}}), context);
  CHECK(rows_of(*count).value().front().rows() == 3);
}

TEST_CASE("mistakes have their place") {
  CHECK(plan_connector("datagen", with(3, {{"a", "n +"}})).error().path == "columns.a");
  CHECK(plan_connector("datagen", with(3, {{"a", "m"}})).error().path == "columns.a");
  const auto failing = plan_connector("datagen", with(40'000, {{"a", "1 / (n - 20000)"}}));
  const Error error = rows_of(*failing).error();
  CHECK(error.message.find("rows 16384 to 32767") != std::string::npos);
}
