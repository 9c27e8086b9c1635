// Rows that are made: the same ones however they are split, and only the columns that are wanted.
#include "runtime/base/json.hpp"
#include "runtime/operator/source.hpp"
#include "tests/runtime/connectors/connector_runner.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rows.hpp"

#include <arrow/record_batch.h>

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

TEST_CASE("a stream's subtasks make every so many-th row, for ever, and go on by arithmetic") {
  PlanContext context;
  context.stream = true;
  const auto plan = plan_connector("datagen", {{"columns", {{"a", "n * 10"}}}}, context).value();
  CHECK(plan.endless);
  CHECK_FALSE(plan.rows);
  const auto source = source_of(plan);
  const auto splits = source->sequence({1, 3}, {});
  const Split split = std::get<Split>(splits->next().value());
  CHECK(std::holds_alternative<SplitSequence::NoMore>(splits->next().value()));
  const auto first = [](BatchReader& reader) {
    return lines_of({Batch(reader.next().value().columns()->Slice(0, 2))});
  };
  const auto reader = source->open(split).value();
  CHECK(first(*reader) == std::vector<std::string>{"10", "40"});
  const auto later = source->open(split).value();
  CHECK(later->skip(1'000'000'000'000) == 1'000'000'000'000);
  CHECK(first(*later) == std::vector<std::string>{"30000000000010", "30000000000040"});
}

TEST_CASE("all lanes of a stream with an end make each of its rows once") {
  PlanContext context;
  context.stream = true;
  const auto plan = plan_connector("datagen", with(40'001, {{"a", "n"}}), context).value();
  CHECK_FALSE(plan.endless);
  const auto source = source_of(plan);
  std::vector<std::int64_t> all;
  for (std::uint32_t subtask = 0; subtask < 3; ++subtask) {
    const auto splits = source->sequence({subtask, 3}, {});
    const auto reader = source->open(std::get<Split>(splits->next().value())).value();
    while (const Batch batch = reader->next().value()) {
      for (const std::string& line : lines_of({batch})) all.push_back(std::stoll(line));
    }
    CHECK(reader->skip(5) == 0);
    // What was taken is not given again.
    CHECK(std::holds_alternative<SplitSequence::NoMore>(
        source->sequence({subtask, 3}, {1, 0})->next().value()));
  }
  std::sort(all.begin(), all.end());
  REQUIRE(all.size() == 40'001);
  for (std::size_t i = 0; i < all.size(); ++i) REQUIRE(all[i] == static_cast<std::int64_t>(i));
}

TEST_CASE("only a stream has no end, and a rate") {
  CHECK(plan_connector("datagen", {{"columns", {{"a", "n"}}}}).error().path == "rows");
  Json fast = with(3, {{"a", "n"}});
  fast["rate"] = 5;
  CHECK(plan_connector("datagen", fast).error().path == "rate");
  PlanContext context;
  context.stream = true;
  CHECK(plan_connector("datagen", fast, context)->phases.back().rate == 5);
  CHECK(plan_connector("datagen", fast, context)->phases.back().detail == "3 rows, 5 a second");
}

TEST_CASE("mistakes have their place") {
  CHECK(plan_connector("datagen", with(3, {{"a", "n +"}})).error().path == "columns.a");
  CHECK(plan_connector("datagen", with(3, {{"a", "m"}})).error().path == "columns.a");
  const auto failing = plan_connector("datagen", with(40'000, {{"a", "1 / (n - 20000)"}}));
  const Error error = rows_of(*failing).error();
  CHECK(error.message.find("rows 16384 to 32767") != std::string::npos);
}
