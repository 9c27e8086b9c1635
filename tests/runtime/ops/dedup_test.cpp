// One row of each key: the one that the order says. `top_test.cpp` tests what it is made of.
#include "tests/support/catch.hpp"
#include "tests/support/phase_runner.hpp"
#include "tests/support/plan_op.hpp"
#include "tests/support/rows.hpp"

#include <arrow/type.h>

using namespace troupe;

namespace {

using Lines = std::vector<std::string>;

const SchemaPtr columns =
    arrow::schema({arrow::field("k", arrow::utf8()), arrow::field("x", arrow::int64()),
                   arrow::field("s", arrow::utf8())});

Lines answer(const char* with) {
  const Batch rows = rows_from(columns, R"([{"k": "a", "x": 1, "s": "u"},
    {"k": "a", "x": 3, "s": "z"}, {"k": "a", "x": 3, "s": "y"}, {"k": "b", "x": null, "s": "q"},
    {"k": "b", "x": 7, "s": "p"}, {"k": null, "x": 5, "s": "n"}, {"k": null, "x": 4, "s": "m"}])");
  const auto plan = plan_op("dedup", with, {columns}).value();
  return sorted_lines_of(all_of(run_phases(plan, {deal({rows}, 2)}).value()));
}

}  // namespace

TEST_CASE("the first row of each key, or the last") {
  CHECK(answer(R"({"key": ["k"], "order_by": ["x"]})") == Lines{"a|1|u", "b|7|p", "null|4|m"});
  // By "x" as SQL orders it: null is the last one.
  CHECK(answer(R"({"key": ["k"], "order_by": ["x"], "keep": "last"})") ==
        Lines{"a|3|y", "b|null|q", "null|5|n"});
  CHECK(answer(R"({"key": ["k"], "order_by": ["x nulls first"], "keep": "last"})") ==
        Lines{"a|3|y", "b|7|p", "null|5|n"});
}

TEST_CASE("mistakes of dedup have their place") {
  CHECK(plan_op("dedup", R"({"key": ["k"], "order_by": ["x +"]})", {columns}).error().path ==
        "order_by.0");
  CHECK(plan_op("dedup", R"({"key": ["no"], "order_by": ["x"]})", {columns}).error().path ==
        "key.0");
}
