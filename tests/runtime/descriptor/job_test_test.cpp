// Tests in the file: what is cut out of the job for them, and how rows are compared. Nothing runs:
// the rows that "came out" are written here.
#include "runtime/descriptor/job_test.hpp"

#include "runtime/base/json.hpp"
#include "runtime/connectors/row_values.hpp"
#include "runtime/descriptor/check_job.hpp"
#include "tests/support/all_operators.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;

namespace {

const std::string file = R"(apiVersion: troupe/v1
kind: Job
metadata: {name: first}
params:
  top: {type: int, default: 5}
dataflow:
  prices: {op: read.parquet, with: {path: not/there.parquet}}
  shops: {op: values, with: {rows: [{shop: a, size: 3}]}}
  few: {op: limit, from: prices, with: {rows: "${{ params.top }}"}}
  out: {op: print, from: few}
  out2: {op: print, from: shops}
tests:
  - name: takes the first
    params: {top: 2}
    given:
      prices: [{item: tea, price: 3}, {item: milk}]
    expect:
      few: {count: 2}
  - name: knows the types
    given:
      shops: [{shop: b}]
    expect:
      shops: {count: 1}
)";

JobFile job() {
  CheckOptions options;
  options.last = CheckStage::graph;
  const CheckedJob checked = check_job("first.yaml", file, all_operators(), options);
  REQUIRE(checked.job);
  return *checked.job;
}

std::vector<Batch> batches(const char* rows, const std::vector<NamedText>& types = {}) {
  return {*batch_of_rows(Json::parse(rows), types)};
}

/// What a comparison of `rows` with the expectation says of operator "x".
std::string compared(Expectation::Kind kind, const char* expected, const std::vector<Batch>& rows,
                     std::int64_t count = 0) {
  JobTest test;
  test.expect["x"] = {kind, std::make_shared<const Json>(Json::parse(expected)), count};
  const std::vector<std::string> failures = compare_test(test, {{"x", rows}});
  return failures.empty() ? "" : failures[0];
}

using Kind = Expectation::Kind;

}  // namespace

TEST_CASE("a test gets the part of the job between given and expected rows") {
  const JobFile whole = job();
  REQUIRE(whole.tests.size() == 2);
  const Result<TestRun> run = plan_test("first.yaml", file, whole.tests[0], all_operators());
  REQUIRE(run);
  REQUIRE(run->graph.vertices.size() == 2);
  CHECK(run->graph.vertices[0].op == "values");
  CHECK(run->graph.vertices[0].with->at("rows").size() == 2);
  CHECK(run->graph.vertices[1].with->at("rows") == 2);  // the test's own parameter
  CHECK(run->collect == std::set<std::string>{"few"});
}

TEST_CASE("given rows have the columns and types of what they stand for") {
  const JobFile whole = job();
  const Result<TestRun> run = plan_test("first.yaml", file, whole.tests[1], all_operators());
  REQUIRE(run);
  CHECK(run->graph.vertices[0].with->at("types").dump() == R"({"shop":"text","size":"bigint"})");

  JobTest misspelled = whole.tests[1];
  misspelled.given["shops"].rows = std::make_shared<const Json>(Json::parse(R"([{"shp": "b"}])"));
  const Result<TestRun> refused = plan_test("first.yaml", file, misspelled, all_operators());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().hint == "did you mean 'shop'?");
}

TEST_CASE("all tests run, or those whose name contains a word; a failed run fails its test") {
  int runs = 0;
  const RunGraph run = [&](const JobGraph&, const std::set<std::string>& collect)
      -> Result<std::map<std::string, std::vector<Batch>>> {
    ++runs;
    if (collect.count("few")) return make_error(ErrorCode::unavailable, "no room");
    return std::map<std::string, std::vector<Batch>>{{"shops", batches(R"([{"shop": "b"}])")}};
  };
  const auto reports = run_tests("first.yaml", file, all_operators(), run);
  REQUIRE(reports);
  REQUIRE(reports->size() == 2);
  CHECK((*reports)[0].failures == std::vector<std::string>{"unavailable: no room"});
  CHECK((*reports)[1].passed());
  const auto about_types = [](const std::string& name) {
    return name.find("types") != std::string::npos;
  };
  CHECK(run_tests("first.yaml", file, all_operators(), run, about_types)->size() == 1);
  CHECK(runs == 3);
}

TEST_CASE("rows are compared in any order, in order, or as a part") {
  const auto out = batches(R"([{"w": "a", "n": 1}, {"w": "b", "n": 2}, {"w": "a", "n": 1}])");
  CHECK(compared(Kind::in_any_order, R"([{"n": 2, "w": "b"}, {"w": "a", "n": 1},
                                         {"w": "a", "n": 1}])",
                 out) == "");
  CHECK(compared(Kind::in_any_order, R"([{"w": "a", "n": 1}, {"w": "b", "n": 3}])", out) ==
        "x: 1 row missing, 2 rows too much\n  - {w: b, n: 3}\n  + {w: b, n: 2}\n  + {w: a, n: 1}");
  CHECK(compared(Kind::in_order, R"([{"w": "a"}, {"w": "b"}, {"w": "a"}])", out) == "");
  CHECK(compared(Kind::in_order, R"([{"w": "a"}, {"w": "a"}])", out) ==
        "x: row 2 differs\n  - {w: a}\n  + {w: b}");
  CHECK(compared(Kind::contains, R"([{"w": "b"}])", out) == "");
  CHECK(compared(Kind::contains, R"([{"w": "c"}])", out) == "x: 1 row missing\n  - {w: c}");
  CHECK(compared(Kind::count, "[]", out, 3) == "");
  CHECK(compared(Kind::count, "[]", out, 1) == "x: 1 row expected, 3 rows came out");
}

TEST_CASE("a value is compared as what it is") {
  const auto out = batches(R"([{"x": 0.30000000000000004, "d": "1.50", "t": "2026-01-01 05:00"}])",
                           {{"d", "numeric(10,2)"}, {"t", "timestamp"}});
  CHECK(compared(Kind::in_any_order, R"([{"x": 0.3, "d": 1.5, "t": "2026-01-01T05:00:00"}])",
                 out) == "");
  CHECK(compared(Kind::in_any_order, R"([{"x": 0.30001}])", out) != "");
  CHECK(compared(Kind::in_any_order, R"([{"x": null}])", out) != "");
  CHECK(compared(Kind::in_any_order, R"([{"y": 1}])", out).find("no column 'y'") !=
        std::string::npos);
}

TEST_CASE("nothing expected and nothing came out is a match; anything else is not") {
  CHECK(compared(Kind::in_any_order, "[]", {}) == "");
  CHECK(compared(Kind::in_any_order, R"([{"a": 1}])", {}) == "x: 1 row missing\n  - {a: 1}");
  CHECK(compared(Kind::in_any_order, "[]", batches(R"([{"a": 1}])")) ==
        "x: 1 row too much\n  + {a: 1}");
}

TEST_CASE("a test asks for a parameter only where an operator that it runs uses it") {
  const std::string open = R"(apiVersion: troupe/v1
kind: Job
metadata: {name: open}
params:
  data: {type: path}
  data2: {type: path, default: elsewhere}
  least: {type: int}
dataflow:
  read: {op: read.csv, with: {path: "${{ params.data }}/a.csv"}}
  other: {op: values, with: {rows: [{a: "${{ params.data2 }}"}]}}
  big: {op: filter, from: read, with: {where: "a >= ${{ params.least }}"}}
  few: {op: limit, from: read, with: {rows: 2}}
  show: {op: print, from: big}
  show2: {op: print, from: few}
  show3: {op: print, from: other}
tests:
  - {name: needs none, given: {read: [{a: 1}]}, expect: {few: {count: 1}}}
  - {name: needs one, given: {read: [{a: 1}]}, expect: {big: {count: 1}}}
  - {name: has it, params: {least: 1}, given: {read: [{a: 1}]}, expect: {big: {count: 1}}}
  - {name: reads a file, expect: {few: {count: 1}}}
  - {name: a longer name, expect: {other: {count: 1}}}
)";
  CheckOptions options{.last = CheckStage::graph, .open_parameters = true};
  const CheckedJob checked = check_job("open.yaml", open, all_operators(), options);
  REQUIRE(checked.job);
  CHECK(checked.job->open ==
        std::map<std::string, std::set<std::string>>{{"read", {"data"}}, {"big", {"least"}}});
  std::vector<std::string> said;
  for (const JobTest& test : checked.job->tests) {
    const auto run = plan_test("open.yaml", open, test, all_operators());
    said.push_back(run ? "" : run.error().message);
  }
  CHECK(said == std::vector<std::string>{"", "'big' needs a value of the parameter 'least'", "",
                                         "'read' needs a value of the parameter 'data'", ""});
  // Whoever runs the job needs them all.
  options.open_parameters = false;
  CHECK(check_job("open.yaml", open, all_operators(), options).mistakes.size() == 2);
}
