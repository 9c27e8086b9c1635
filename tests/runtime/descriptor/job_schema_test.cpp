// The JSON Schema that editors use is generated from the operators, and the committed copy is
// current: TROUPE_REWRITE=1 writes it anew.
#include "runtime/descriptor/job_schema.hpp"

#include "runtime/base/json.hpp"
#include "tests/support/all_operators.hpp"
#include "tests/support/catch.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>

using namespace troupe;

TEST_CASE("the committed schema is what the registry says") {
  const std::string current = job_schema(all_operators()).dump(2) + "\n";
  if (std::getenv("TROUPE_REWRITE")) std::ofstream(TROUPE_JOB_SCHEMA) << current;
  std::ifstream file(TROUPE_JOB_SCHEMA);
  const std::string committed{std::istreambuf_iterator<char>(file),
                              std::istreambuf_iterator<char>()};
  const bool same = committed == current;
  INFO("TROUPE_REWRITE=1 writes schemas/job.v1.schema.json anew");
  CHECK(same);
}

TEST_CASE("every operator has a rule of its own") {
  const Json schema = job_schema(all_operators());
  const Json& rules = schema["definitions"]["operator"]["allOf"];
  CHECK(rules.size() == all_operators().all().size());
  for (const Json& rule : rules) CHECK(rule["then"]["properties"].contains("with"));
}
