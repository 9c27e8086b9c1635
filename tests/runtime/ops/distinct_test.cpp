// Distinct is a set: the rows out are the different rows in, each once, whatever the parallelism.
#include "tests/support/catch.hpp"
#include "tests/support/phase_runner.hpp"
#include "tests/support/plan_op.hpp"
#include "tests/support/rows.hpp"

#include <arrow/type.h>

#include <set>

using namespace troupe;

namespace {

const SchemaPtr schema =
    arrow::schema({arrow::field("a", arrow::utf8()), arrow::field("b", arrow::int32()),
                   arrow::field("c", arrow::boolean())});

std::vector<std::string> as_set(const std::vector<std::string>& lines) {
  const std::set<std::string> different(lines.begin(), lines.end());
  return {different.begin(), different.end()};
}

}  // namespace

TEST_CASE("each different row comes once") {
  const auto batches = random_rows(schema, {.seed = 5, .rows = 3000, .distinct = 6});
  const auto plan = plan_op("distinct", "{}", {schema}).value();
  for (const std::uint32_t parallelism : {1u, 2u, 4u}) {
    const auto output =
        run_phases(plan, {deal(batches, parallelism)}, {.parallelism = parallelism}).value();
    CHECK(sorted_lines_of(all_of(output)) == as_set(lines_of(batches)));
  }
  CHECK(plan.output()->Equals(*schema));
}

TEST_CASE("with columns, only these, in their order") {
  const auto plan = plan_op("distinct", R"({"columns": ["c", "a"]})", {schema}).value();
  CHECK(plan.output()->field_names() == std::vector<std::string>{"c", "a"});
  CHECK(plan.needs({0}) == std::vector<std::vector<int>>{{0, 2}});
  const Batch rows = rows_from(schema, R"([{"a": "x", "b": 1, "c": true}, {"a": "x", "b": 2},
      {"a": "x", "b": 3, "c": true}, {"a": null, "b": 4}, {"a": null, "b": 5}])");
  CHECK(sorted_lines_of(all_of(run_phases(plan, {{{rows}, {}}}).value())) ==
        std::vector<std::string>{"null|null", "null|x", "true|x"});
}

TEST_CASE("an unknown column is told with its place") {
  CHECK(plan_error("distinct", R"({"columns": ["a", "d"]})", {schema}) ==
        "columns.1: there is no column 'd'");
}
