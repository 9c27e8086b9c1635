// Select makes the columns it was asked for, in order, and reads no column that nobody needs.
#include "tests/support/catch.hpp"
#include "tests/support/phase_runner.hpp"
#include "tests/support/plan_op.hpp"
#include "tests/support/rows.hpp"

#include <arrow/array/array_base.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

using namespace troupe;

namespace {

const SchemaPtr flights =
    arrow::schema({arrow::field("origin", arrow::utf8()), arrow::field("delay", arrow::int64()),
                   arrow::field("miles", arrow::float64())});

using Names = std::vector<std::string>;
using Needs = std::vector<std::vector<int>>;

OperatorPlan planned(const std::string& with) { return plan_op("select", with, {flights}).value(); }

}  // namespace

TEST_CASE("columns are computed, renamed and kept in the order asked for") {
  const Batch rows = rows_from(flights, R"([{"origin": "JFK", "delay": 30, "miles": 2.5},
                                            {"origin": null, "delay": null, "miles": 1}])");
  const auto made = [&](const std::string& with) {
    const auto plan = planned(with);
    return lines_of(all_of(run_phases(plan, {{{rows}, {}}}).value()));
  };
  CHECK(made(R"~({"columns": {"hours": "delay / 60.0", "start": "origin"}})~").size() == 2);
  CHECK(made(R"({"columns": {"late": "delay > 15", "start": "origin"}})") ==
        Names{"true|JFK", "null|null"});
  CHECK(made(R"({"columns": ["miles", "origin"]})") == Names{"2.5|JFK", "1|null"});
  CHECK(made(R"({"keep": ["delay"], "columns": {"one": 1}})") == Names{"30|1", "null|1"});
  CHECK(made(R"({"drop": ["delay", "miles"]})") == Names{"JFK", "null"});
  CHECK(made(R"({"keep": ["*"], "columns": {"delay": "delay + 1", "x": "delay"}})") ==
        Names{"JFK|31|2.5|30", "null|null|1|null"});
}

TEST_CASE("the schema has the names, and the types that the expressions have") {
  const SchemaPtr output =
      planned(R"~({"keep": ["origin"], "columns": {"late": "delay > 15"}})~").output();
  CHECK(output->field_names() == Names{"origin", "late"});
  CHECK(output->field(1)->type()->Equals(arrow::boolean()));
}

TEST_CASE("a dictionary-encoded column passes through as it is") {
  const SchemaPtr schema = arrow::schema({arrow::field("s", arrow::utf8())});
  const auto batches = random_rows(schema, {.rows = 500});
  const auto plan = plan_op("select", R"({"columns": {"t": "s"}})", {schema}).value();
  const auto output = all_of(run_phases(plan, {deal(batches, 2)}).value());
  CHECK(sorted_lines_of(output) == sorted_lines_of(batches));
  CHECK(std::any_of(output.begin(), output.end(), [](const Batch& batch) {
    return batch.columns()->column(0)->type_id() == arrow::Type::DICTIONARY;
  }));
}

TEST_CASE("columns that pass through are read where they are needed, expressions always") {
  const auto all = planned(R"({"keep": ["*"], "columns": {"x": "delay + 1"}})");
  CHECK(all.needs({0}) == Needs{{0, 1}});
  CHECK(all.needs({2}) == Needs{{1, 2}});
  CHECK(all.needs({3}) == Needs{{1}});
  CHECK(planned(R"({"columns": ["miles", "origin"]})").needs({1}) == Needs{{0, 2}});
  CHECK(planned(R"({"drop": ["delay"]})").needs({1}) == Needs{{1, 2}});
}

TEST_CASE("mistakes of a selection have their place") {
  const auto mistake = [](const std::string& with) {
    return plan_error("select", with, {flights});
  };
  CHECK(mistake(R"({"keep": ["origin", "dealy"]})") == "keep.1: there is no column 'dealy'");
  CHECK(mistake(R"({"drop": ["dealy"]})") == "drop.0: there is no column 'dealy'");
  CHECK(mistake(R"({"keep": ["origin"], "drop": ["delay"]})") ==
        "drop: give 'keep' or 'drop', not both");
  CHECK(mistake(R"({"drop": ["origin", "delay", "miles"]})").starts_with(": no column is left"));
  CHECK(mistake("{}").starts_with(": no column is left"));
  CHECK(mistake(R"({"columns": {"x": "dealy + 1"}})").starts_with("columns.x: "));
}
