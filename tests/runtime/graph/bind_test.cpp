// Schemas flow along edges and every mistake is told once; sources are narrowed to what somebody
// needs, and never to what would change an answer.
#include "runtime/base/json.hpp"
#include "runtime/graph/graph_builder.hpp"
#include "runtime/graph/task_graph.hpp"
#include "runtime/ops/builtin_ops.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_operators.hpp"

#include <arrow/type.h>

using namespace troupe;

namespace {

const OperatorRegistry& registry() {
  static const OperatorRegistry all = [] {
    OperatorRegistry made(system_files());
    test_operators::register_all(made);
    register_operators(made);
    return made;
  }();
  return all;
}

JobGraph bound(const GraphBuilder& job) {
  JobGraph graph = *job.build();
  for (const Error& error : bind(graph, registry())) FAIL(error.to_string());
  return graph;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a source reads only the columns that somebody needs") {
  GraphBuilder job("job");
  const auto rows = job.add("rows", "test.read", {{"columns", {"a", "b", "c", "d"}}});
  const auto same = job.add("same", "test.pass").from(rows);
  const auto picked = job.add("picked", "test.pick", {{"columns", {"d", "b"}}}).from(same);
  job.add("out", "test.write").from(picked);

  const JobGraph graph = bound(job);
  CHECK(graph.vertices[0].projection == Names{"b", "d"});
  CHECK(graph.vertices[0].resolved->num_fields() == 4);
  CHECK((*schemas_of(graph, registry())).at("picked")->field_names() == Names{"d", "b"});
}

TEST_CASE("two readers of one source need both their columns") {
  GraphBuilder job("job");
  const auto rows = job.add("rows", "test.read", {{"columns", {"a", "b", "c", "d"}}});
  const auto one = job.add("one", "test.pick", {{"columns", {"a"}}}).from(rows);
  const auto two = job.add("two", "test.group", {{"by", "c"}}).from(rows);
  job.add("out1", "test.write").from(one);
  job.add("out2", "test.write").from(two);
  CHECK(bound(job).vertices[0].projection == Names{"a", "c"});
}

TEST_CASE("who needs all columns gets them, and rows can always be counted") {
  GraphBuilder all("job");
  const auto rows = all.add("rows", "test.read");
  all.add("out", "test.write").from(rows);
  CHECK_FALSE(bound(all).vertices[0].projection);
}

TEST_CASE("a source is not narrowed where names of the output would change") {
  // 'b_right' is only called so while the left side has a 'b' too: reading less would rename it.
  GraphBuilder job("job");
  const auto left = job.add("left", "test.read", {{"columns", {"a", "b", "x"}}});
  const auto right = job.add("right", "test.read", {{"columns", {"a", "b", "y"}}});
  const auto both = job.add("both", "test.join", {{"using", "a"}}).from({left, right});
  const auto picked = job.add("picked", "test.pick", {{"columns", {"b_right"}}}).from(both);
  job.add("out", "test.write").from(picked);
  const JobGraph graph = bound(job);
  CHECK_FALSE(graph.vertices[0].projection);
  CHECK_FALSE(graph.vertices[1].projection);

  // Where nothing clashes, both sides are narrowed.
  GraphBuilder apart("job");
  const auto l = apart.add("left", "test.read", {{"columns", {"a", "b", "x"}}});
  const auto r = apart.add("right", "test.read", {{"columns", {"a", "y", "z"}}});
  const auto joined = apart.add("both", "test.join", {{"using", "a"}}).from({l, r});
  apart.add("out", "test.write")
      .from(apart.add("picked", "test.pick", {{"columns", {"b", "z"}}}).from(joined));
  const JobGraph narrowed = bound(apart);
  CHECK(narrowed.find("left")->projection == Names{"a", "b"});
  CHECK(narrowed.find("right")->projection == Names{"a", "z"});
  CHECK_FALSE(narrowed.find("both")->projection);  // it leaves out nothing, and is not said to
}

TEST_CASE("joins and filters pass on only the columns that somebody needs") {
  GraphBuilder job("job");
  const auto left = job.add("left", "test.read", {{"columns", {"a", "b", "x"}}});
  const auto right = job.add("right", "test.read", {{"columns", {"c", "y", "z"}}});
  const auto some = job.add("some", "filter", {{"where", "y > 1"}}).from(right);
  const auto both = job.add("both", "join", {{"keys", {{"a", "c"}}}}).from({left, some});
  const auto same = job.add("same", "test.pass").from(both);
  const auto kept = job.add("kept", "filter", {{"where", "b > 1"}}).from(same);
  job.add("out", "test.write")
      .from(job.add("picked", "test.pick", {{"columns", {"x", "z"}}}).from(kept));
  const JobGraph graph = bound(job);
  CHECK(graph.find("some")->projection == Names{"c", "z"});
  CHECK(graph.find("both")->projection == Names{"b", "x", "z"});
  CHECK(graph.find("kept")->projection == Names{"x", "z"});
  CHECK(schemas_of(graph, registry())->at("both")->field_names() == Names{"b", "x", "z"});
  CHECK(schemas_of(graph, registry())->at("kept")->field_names() == Names{"x", "z"});
  // Who looks at a vertex sees all of it.
  JobGraph whole = *job.build();
  REQUIRE(bind(whole, registry(), {"kept"}).empty());
  CHECK_FALSE(whole.find("kept")->projection);
}

TEST_CASE("a join keeps the column that gives another one its name, and one column to count by") {
  GraphBuilder job("job");
  const auto left = job.add("left", "test.read", {{"columns", {"a", "b", "x"}}});
  const auto right = job.add("right", "test.read", {{"columns", {"a", "b", "y"}}});
  const auto both =
      job.add("both", "join", {{"using", {"a"}}, {"suffix", "_right"}}).from({left, right});
  const auto kept = job.add("kept", "filter", {{"where", "b_right > 1"}}).from(both);
  job.add("out", "test.write")
      .from(job.add("count", "aggregate", {{"select", {{"n", "count(*)"}}}}).from(kept));
  const JobGraph graph = bound(job);
  CHECK(graph.find("both")->projection == Names{"b_right"});
  CHECK(graph.find("left")->projection == Names{"a", "b"});
  CHECK(schemas_of(graph, registry())->at("kept")->num_fields() == 1);
}

TEST_CASE("every mistake is told once, and what follows from it is not") {
  GraphBuilder job("job");
  const auto rows = job.add("rows", "test.read");
  const auto wrong = job.add("wrong", "test.pick", {{"columns", {"a", "nope"}}}).from(rows);
  const auto after = job.add("after", "test.group", {{"by", "nope"}}).from(wrong);
  job.add("out", "test.write").from(after);
  const auto second = job.add("second", "test.group", {{"by", "q"}}).from(rows);
  job.add("out2", "test.write").from(second);

  JobGraph graph = *job.build();
  const std::vector<Error> errors = bind(graph, registry());
  REQUIRE(errors.size() == 2);
  CHECK(errors[0].path == "wrong.with.columns.1");
  CHECK(errors[0].message == "no column 'nope'");
  CHECK(errors[1].path == "second.with.by");
  CHECK_FALSE(graph.vertices[0].projection);
}

TEST_CASE("wrong options are told even below a broken vertex") {
  GraphBuilder job("job");
  const auto rows = job.add("rows", "test.read", {{"path", "missing"}});
  const auto picked = job.add("picked", "test.pick", {{"colums", {"a"}}}).from(rows);
  job.add("out", "test.write").from(picked);
  JobGraph graph = *job.build();
  const std::vector<Error> errors = bind(graph, registry());
  REQUIRE(errors.size() >= 2);
  CHECK(errors[0].path == "rows.with.path");
  for (std::size_t i = 1; i < errors.size(); ++i) {
    CHECK(errors[i].path.rfind("picked.with.", 0) == 0);
  }
}

TEST_CASE("a bound graph that travelled plans the same, without looking at its sources again") {
  GraphBuilder job("job");
  const auto rows = job.add("rows", "test.read", {{"columns", {"a", "b"}}});
  job.add("out", "test.write")
      .from(job.add("picked", "test.pick", {{"columns", {"b"}}}).from(rows));
  const JobGraph graph = bound(job);
  const JobGraph back = *decode_plan(encode_plan(graph));
  CHECK(schemas_of(back, registry())->at("rows")->field_names() == Names{"b"});
}

TEST_CASE("a source is told the filters that all its rows pass before anybody else sees them") {
  GraphBuilder job("job");
  const auto rows = job.add("rows", "test.read");
  const auto one = job.add("one", "filter", {{"where", "a > 1 -- not b"}}).from(rows);
  const auto two = job.add("two", "filter", {{"where", "b < 2 OR c = 3"}}).from(one);
  const auto sums = job.add("sums", "test.group", {{"by", "a"}}).from(two);
  const auto late = job.add("late", "filter", {{"where", "rows > 3"}}).from(sums);
  job.add("out", "test.write").from(late);
  CHECK(bound(job).vertices[0].predicate == "(a > 1 -- not b\n) AND (b < 2 OR c = 3)");
}

TEST_CASE("a filter is not handed to a source that somebody else reads too, or looks at") {
  GraphBuilder job("job");
  const auto rows = job.add("rows", "test.read");
  job.add("out", "test.write").from(job.add("some", "filter", {{"where", "a > 1"}}).from(rows));
  JobGraph shown = *job.build();
  REQUIRE(bind(shown, registry(), {"rows"}).empty());
  CHECK(shown.vertices[0].predicate == "");
  job.add("all", "test.write").from(rows);
  CHECK(bound(job).vertices[0].predicate == "");
}
