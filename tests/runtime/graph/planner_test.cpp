#include "runtime/graph/planner.hpp"

#include "runtime/graph/graph_builder.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_operators.hpp"

using namespace troupe;
using test_operators::registry;

namespace {

std::string plan_of(const std::string& job) {
  GraphBuilder builder(job);
  auto rows = builder.add("rows", "test.read");
  builder.add("out", "test.write").from(rows);
  JobGraph graph = builder.build().value();
  for (const Error& mistake : bind(graph, registry())) FAIL(mistake.to_string());
  return encode_plan(graph);
}

}  // namespace

TEST_CASE("a plan is derived once for a target") {
  Planner planner(registry());
  const std::string plan = plan_of("job");
  const auto two = planner.derive(plan, {2, false}).value();
  CHECK(two->tasks.stages.front().parallelism == 2);
  CHECK(planner.derive(std::string(plan), {2, false}).value() == two);

  const auto three = planner.derive(plan, {3, false}).value();
  CHECK(three->tasks.stages.front().parallelism == 3);
  CHECK(planner.derive(plan, {2, true}).value() != two);
  CHECK(planner.derive(plan, {2, false}).value() == two);
}

TEST_CASE("for any target the graph is taken that is there") {
  Planner planner(registry());
  const std::string plan = plan_of("job");
  const auto alone = planner.derive(plan).value();
  CHECK(alone->tasks.stages.front().parallelism == 1);
  const auto three = planner.derive(plan_of("other"), {3, true}).value();
  CHECK(planner.derive(plan_of("other")).value() == three);
}

TEST_CASE("the plans that were used last are remembered") {
  Planner planner(registry());
  const std::string plan = plan_of("kept"), other = plan_of("let go");
  const auto kept = planner.derive(plan).value(), let_go = planner.derive(other).value();
  for (std::size_t i = 2; i < remembered_plans_max + 1; ++i) {
    REQUIRE(planner.derive(plan_of("job " + std::to_string(i))));
    CHECK(planner.derive(plan).value() == kept);
  }
  CHECK(planner.derive(other).value() != let_go);
}

TEST_CASE("plans that are too large together are not remembered") {
  Planner planner(registry());
  const std::string small = plan_of("small");
  const auto first = planner.derive(small).value();
  const auto large = planner.derive(plan_of(std::string(remembered_plan_bytes_max, 'x')));
  REQUIRE(large);
  CHECK(planner.derive(small).value() != first);
}

TEST_CASE("bytes that are no plan are refused each time, and count no tasks") {
  Planner planner(registry());
  CHECK_FALSE(planner.derive("no plan"));
  CHECK_FALSE(planner.derive("no plan"));
  CHECK(planner.count_tasks("no plan", {2, false}) == 0);
  CHECK(planner.count_tasks(plan_of("job"), {2, false}) == 2);
}
