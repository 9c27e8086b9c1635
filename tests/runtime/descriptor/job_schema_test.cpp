// The JSON Schema that editors use is generated from the operators, and the committed copy is
// current: TROUPE_REWRITE=1 writes it anew.
#include "runtime/descriptor/job_schema.hpp"

#include "runtime/base/json.hpp"
#include "runtime/connectors/source.hpp"
#include "runtime/ops/operator_kind.hpp"
#include "tests/support/catch.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>

using namespace troupe;

TEST_CASE("the committed schema is what the registry says") {
  OperatorRegistry registry;
  register_operators(registry);
  register_connectors(registry);
  const std::string current = job_schema(registry).dump(2) + "\n";
  if (std::getenv("TROUPE_REWRITE")) std::ofstream(TROUPE_JOB_SCHEMA) << current;
  std::ifstream file(TROUPE_JOB_SCHEMA);
  const std::string committed{std::istreambuf_iterator<char>(file),
                              std::istreambuf_iterator<char>()};
  const bool same = committed == current;
  INFO("TROUPE_REWRITE=1 writes schemas/job.v1.schema.json anew");
  CHECK(same);
}

TEST_CASE("every operator has a rule of its own") {
  OperatorRegistry registry;
  register_operators(registry);
  register_connectors(registry);
  const Json schema = job_schema(registry);
  const Json& rules = schema["definitions"]["operator"]["allOf"];
  CHECK(rules.size() == registry.all().size());
  for (const Json& rule : rules) CHECK(rule["then"]["properties"].contains("with"));
}
