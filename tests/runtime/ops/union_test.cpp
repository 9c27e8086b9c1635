// union: every row of every input, columns matched by name; inputs that do not fit are refused with
// the column that is wrong.
#include "runtime/base/json.hpp"
#include "runtime/ops/operator_kind.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/phase_runner.hpp"

using namespace troupe;

namespace {

const SchemaPtr ab =
    arrow::schema({arrow::field("a", arrow::int64()), arrow::field("b", arrow::utf8())});
const SchemaPtr ba =
    arrow::schema({arrow::field("b", arrow::utf8()), arrow::field("a", arrow::int64())});

Result<OperatorPlan> plan_union(const std::vector<SchemaPtr>& schemas) {
  OperatorRegistry registry;
  register_operators(registry);
  const OperatorKind& kind = *registry.find("union");
  std::vector<PlanInput> inputs;
  for (const auto& schema : schemas) inputs.push_back({schema, 10});
  return kind.plan(Options::make(kind.description(), Json::object()).value(), inputs, {});
}

}  // namespace

TEST_CASE("a union has the rows of all inputs, columns matched by name") {
  const Batch first = rows_from(ab, R"([{"a": 1, "b": "x"}, {"a": null, "b": "y"}])");
  const Batch second = rows_from(ba, R"([{"b": "z", "a": 3}, {"b": "x", "a": 1}])");
  const auto plan = plan_union({ab, ba}).value();
  CHECK(plan.rows == 20);
  const auto output = run_phases(plan, {{{first}, {}}, {{}, {second}}}, {.parallelism = 2}).value();
  CHECK(sorted_lines_of(all_of(output)) == std::vector<std::string>{"1|x", "1|x", "3|z", "null|y"});
  CHECK(plan.needs({1}) == std::vector<std::vector<int>>{{1}, {0}});
}

TEST_CASE("a union refuses inputs that differ, and says where") {
  const auto fewer = arrow::schema({arrow::field("a", arrow::int64())});
  CHECK(plan_union({ab, fewer}).error().message ==
        "the inputs of a union need the same columns: input 1 has 2, input 2 has 1");
  const auto renamed =
      arrow::schema({arrow::field("a", arrow::int64()), arrow::field("c", arrow::utf8())});
  CHECK(plan_union({ab, renamed}).error().message ==
        "the inputs of a union need the same columns: input 2 has no column 'b'");
  const auto retyped =
      arrow::schema({arrow::field("a", arrow::utf8()), arrow::field("b", arrow::utf8())});
  CHECK(plan_union({ab, ab, retyped}).error().message ==
        "column 'a' is int64 in input 1 and string in input 3 of the union");
}
