// A filter passes on exactly the rows for which its predicate is true, whatever the batches and
// encodings; and says what it reads, so that sources may leave out the rest.
#include "runtime/base/json.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/phase_runner.hpp"
#include "tests/support/plan_op.hpp"
#include "tests/support/rows.hpp"

#include <arrow/type.h>

#include <algorithm>

using namespace troupe;

namespace {

const SchemaPtr flights =
    arrow::schema({arrow::field("origin", arrow::utf8()), arrow::field("delay", arrow::int64()),
                   arrow::field("miles", arrow::float64())});

using Lines = std::vector<std::string>;

Lines filtered(const std::string& where, const std::string& rows) {
  const auto plan = plan_op("filter", Json{{"where", where}}.dump(), {flights}).value();
  return lines_of(all_of(run_phases(plan, {{{rows_from(flights, rows)}, {}}}).value()));
}

}  // namespace

TEST_CASE("rows pass where the predicate is true, not where it is false or null") {
  const std::string rows = R"([{"origin": "JFK", "delay": 70}, {"origin": "JFK", "delay": 5},
                               {"origin": null, "delay": 90}, {"origin": "LGA", "delay": null}])";
  CHECK(filtered("delay > 60", rows) == Lines{"JFK|70|null", "null|90|null"});
  CHECK(filtered("delay > 60 AND origin = 'JFK'", rows) == Lines{"JFK|70|null"});
  CHECK(filtered("origin <> 'JFK'", rows) == Lines{"LGA|null|null"});
  CHECK(filtered("delay IS NULL", rows) == Lines{"LGA|null|null"});
  CHECK(filtered("false", rows).empty());
  CHECK(filtered("true", rows).size() == 4);
}

TEST_CASE("random rows, batches and encodings: the rows of a filter are those of a loop") {
  const std::vector<Batch> batches = random_rows(flights, {.seed = 3, .rows = 2000});
  const auto plan =
      plan_op("filter", R"~({"where": "delay > 3 AND origin < 'common prefix 3'"})~", {flights})
          .value();
  Lines expected;
  for (const std::string& line : lines_of(batches)) {
    const std::string origin = line.substr(0, line.find('|'));
    const std::string delay = line.substr(origin.size() + 1, line.rfind('|') - origin.size() - 1);
    if (origin == "null" || delay == "null") continue;
    if (std::stoi(delay) > 3 && origin < "common prefix 3") expected.push_back(line);
  }
  std::sort(expected.begin(), expected.end());
  REQUIRE(expected.size() > 100);
  for (const std::uint32_t parallelism : {1u, 3u}) {
    const auto output =
        run_phases(plan, {deal(batches, parallelism)}, {.parallelism = parallelism}).value();
    CHECK(sorted_lines_of(all_of(output)) == expected);
  }
}

TEST_CASE("a filter reads what its output needs and what its predicate reads") {
  const auto plan = plan_op("filter", R"({"where": "delay > 60"})", {flights}).value();
  CHECK(plan.needs({0}) == std::vector<std::vector<int>>{{0, 1}});
  CHECK(plan.needs({1, 2}) == std::vector<std::vector<int>>{{1, 2}});
  CHECK(plan.needs({}) == std::vector<std::vector<int>>{{1}});
  CHECK(plan.output()->Equals(*flights));
  CHECK(plan.phases.front().detail == "delay > 60");
  REQUIRE(plan.predicate);
  CHECK(plan.predicate->text() == "delay > 60");
}

TEST_CASE("a mistake is at 'where'") {
  for (const char* where : {"dealy > 60", "delay", "delay >", "delay > 'x'"}) {
    INFO(where);
    const auto plan = plan_op("filter", Json{{"where", where}}.dump(), {flights});
    REQUIRE_FALSE(plan);
    CHECK(plan.error().code == ErrorCode::invalid_argument);
    CHECK(plan.error().path == "where");
  }
}

TEST_CASE("a filter leaves out what only its predicate reads") {
  const std::string rows =
      R"([{"origin": "JFK", "delay": 70, "miles": 1}, {"origin": "LGA", "delay": 5},
                               {"origin": null, "delay": 90}, {"origin": "LGA", "delay": null}])";
  const PlanContext context{.projection = Lines{"origin", "miles"}};
  for (const std::string where : {"delay > 60", "true", "false"}) {
    INFO(where);
    const auto plan = plan_op("filter", Json{{"where", where}}.dump(), {flights}, context).value();
    CHECK(plan.output()->field_names() == Lines{"origin", "miles"});
    const auto output = lines_of(
        all_of(run_phases(plan, {{{rows_from(flights, rows)}}}, {.parallelism = 1}).value()));
    const Lines all{"JFK|1", "LGA|null", "null|null", "LGA|null"};
    CHECK(output == (where == "true"    ? all
                     : where == "false" ? Lines()
                                        : Lines{"JFK|1", "null|null"}));
  }
}
