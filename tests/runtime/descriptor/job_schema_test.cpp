// The JSON Schema that editors use is generated from the operators.
#include "runtime/descriptor/job_schema.hpp"

#include "runtime/base/json.hpp"
#include "runtime/connectors/source.hpp"
#include "runtime/ops/operator_kind.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;

TEST_CASE("every operator has a rule of its own") {
  OperatorRegistry registry;
  register_operators(registry);
  register_connectors(registry);
  const Json schema = job_schema(registry);
  const Json& rules = schema["definitions"]["operator"]["allOf"];
  CHECK(rules.size() == registry.all().size());
  for (const Json& rule : rules) CHECK(rule["then"]["properties"].contains("with"));
}
