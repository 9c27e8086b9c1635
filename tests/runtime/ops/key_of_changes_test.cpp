// A stream of changes says which columns tell its rows apart, as long as an operator can know that:
// whoever puts rows in place of others by a key relies on it.
#include "tests/support/catch.hpp"
#include "tests/support/plan_op.hpp"

#include <arrow/type.h>

using namespace troupe;

namespace {

const SchemaPtr rows =
    arrow::schema({arrow::field("account", arrow::utf8()), arrow::field("amount", arrow::int64()),
                   arrow::field("at", arrow::int64())});

PlanInput appends() { return {.schema = rows, .flow = {.stream = true}}; }
PlanInput changes(std::optional<std::vector<std::string>> key) {
  return {.schema = rows, .flow = {.stream = true, .changes = true, .key = std::move(key)}};
}

std::string flow_of(const std::string& op, const std::string& with,
                    const std::vector<PlanInput>& inputs) {
  const auto plan = plan_op(op, with, inputs);
  REQUIRE(plan);
  return to_string(plan->phases.back().flow(0));
}

}  // namespace

TEST_CASE("groups and first rows have their key") {
  CHECK(flow_of("aggregate", R"~({"group_by": ["account"], "select": {"n": "count(*)"}})~",
                {appends()}) == "stream of changes by account");
  CHECK(flow_of("aggregate", R"~({"select": {"n": "count(*)"}})~", {appends()}) ==
        "stream of changes of one row");
  CHECK(flow_of("distinct", R"({"columns": ["account"]})", {changes(std::nullopt)}) ==
        "stream of changes by account");
  CHECK(flow_of("dedup", R"({"key": ["account"], "order_by": ["at"]})", {appends()}) ==
        "stream of changes by account");
  const std::string top = R"({"key": ["account"], "order_by": ["at"], "rows": )";
  CHECK(flow_of("top", top + "1}", {appends()}) == "stream of changes by account");
  CHECK(flow_of("top", top + "2}", {appends()}) == "stream of changes");
  CHECK(flow_of("top", top + R"(1, "ties": true})", {appends()}) == "stream of changes");
  CHECK(flow_of("top", top + R"(2, "rank": "place"})", {appends()}) ==
        "stream of changes by account, place");
}

TEST_CASE("a key goes along under the names of its columns, and is lost with one of them") {
  const PlanInput input = changes({{"account", "at"}});
  CHECK(flow_of("filter", R"({"where": "amount > 3"})", {input}) ==
        "stream of changes by account, at");
  CHECK(flow_of("select", R"({"columns": {"id": "account", "n": "amount", "at": "at"}})",
                {input}) == "stream of changes by id, at");
  CHECK(flow_of("select", R"({"keep": ["account", "amount"]})", {input}) == "stream of changes");
  CHECK(flow_of("select", R"({"columns": {"account": "account", "at": "at + 1"}})", {input}) ==
        "stream of changes");
}

TEST_CASE(
    "what comes from two may have two rows of a key; weights that are a column are appended") {
  const PlanInput input = changes({{"account"}});
  CHECK(flow_of("union", "{}", {input, input}) == "stream of changes");
  CHECK(flow_of("union", "{}", {input}) == "stream of changes by account");
  CHECK(flow_of("changes", "{}", {input}) == "stream of appends");
}
