// union: every row of every input, columns matched by name; inputs that do not fit are refused with
// the column that is wrong.
#include "runtime/base/json.hpp"
#include "runtime/operator/operator_kind.hpp"
#include "runtime/ops/builtin_ops.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/phase_runner.hpp"

#include <arrow/type.h>

using namespace troupe;

namespace {

const SchemaPtr ab =
    arrow::schema({arrow::field("a", arrow::int64()), arrow::field("b", arrow::utf8())});
const SchemaPtr ba =
    arrow::schema({arrow::field("b", arrow::utf8()), arrow::field("a", arrow::int64())});

Result<OperatorPlan> plan_union(const std::vector<SchemaPtr>& schemas) {
  OperatorRegistry registry(system_files());
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

TEST_CASE("numbers of a union become the wider type, each value unchanged") {
  const auto of = [](const std::shared_ptr<arrow::DataType>& a) {
    return arrow::schema({arrow::field("a", a)});
  };
  const auto type = [&](const std::vector<std::shared_ptr<arrow::DataType>>& types) {
    std::vector<SchemaPtr> schemas;
    for (const auto& one : types) schemas.push_back(of(one));
    const auto plan = plan_union(schemas);
    return plan ? plan->output()->field(0)->type()->ToString() : plan.error().message;
  };
  CHECK(type({arrow::int32(), arrow::int64()}) == "int64");
  CHECK(type({arrow::uint32(), arrow::int16()}) == "int64");
  CHECK(type({arrow::uint64(), arrow::int8()}) == "decimal128(20, 0)");
  CHECK(type({arrow::int32(), arrow::decimal128(9, 2), arrow::int64()}) == "decimal128(21, 2)");
  CHECK(type({arrow::decimal128(9, 2), arrow::decimal128(9, 4)}) == "decimal128(11, 4)");
  CHECK(type({arrow::float32(), arrow::int32()}) == "double");
  // A double does not hold every bigint.
  CHECK(type({arrow::float64(), arrow::int64()}) ==
        "column 'a' is double in input 1 and int64 in input 2 of the union");
  const auto narrow = of(arrow::int32()), broad = of(arrow::decimal128(9, 2));
  const auto plan = plan_union({narrow, broad}).value();
  const Batch first = rows_from(narrow, R"([{"a": -7}, {"a": null}])");
  const Batch second = rows_from(broad, R"([{"a": "1.25"}])");
  const auto output = run_phases(plan, {{{first}, {}}, {{}, {second}}}, {.parallelism = 2}).value();
  CHECK(sorted_lines_of(all_of(output)) == std::vector<std::string>{"-7.00", "1.25", "null"});
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
