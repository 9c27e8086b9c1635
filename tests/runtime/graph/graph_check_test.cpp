// What is wrong with a graph is told once, where it is wrong, before any data is looked at: each
// case makes one mistake in a good graph and expects exactly one message.
#include "runtime/graph/graph_check.hpp"

#include "runtime/base/json.hpp"
#include "runtime/graph/graph_builder.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_operators.hpp"

using namespace troupe;
using test_operators::registry;

namespace {

JobVertex vertex(std::string id, std::string op, std::vector<JobInput> inputs = {}) {
  return {std::move(id), std::move(op), std::make_shared<const Json>(Json::object()),
          std::move(inputs)};
}

JobGraph good() {
  JobGraph graph;
  graph.name = JobName("good");
  graph.vertices = {vertex("rows", "test.read"), vertex("same", "test.pass", {{"rows"}}),
                    vertex("out", "test.write", {{"same"}})};
  return graph;
}

/// "path: message" of the only mistake.
std::string only_mistake(const JobGraph& graph) {
  const std::vector<GraphMistake> mistakes = check(graph, registry());
  REQUIRE(mistakes.size() == 1);
  return mistakes[0].error.path + ": " + mistakes[0].error.message;
}

}  // namespace

TEST_CASE("a good graph has no mistakes") {
  CHECK(check(good(), registry()).empty());
  CHECK(well_formed(good()));
}

TEST_CASE("a misspelled producer is told with the name that was meant, and nothing else is") {
  JobGraph graph = good();
  graph.vertices[2].inputs = {{"smae"}};
  CHECK(only_mistake(graph) == "out.from.0: there is no operator 'smae'");
  CHECK(check(graph, registry())[0].error.hint == "did you mean 'same'?");
}

TEST_CASE("a cycle is told once, with the way round") {
  JobGraph graph = good();
  graph.vertices = {vertex("a", "test.pass", {{"c"}}), vertex("b", "test.pass", {{"a"}}),
                    vertex("c", "test.pass", {{"b"}}), vertex("out", "test.write", {{"c"}})};
  CHECK(only_mistake(graph) ==
        "a.from: a cycle: a reads c reads b reads a; rows may only flow forward");
}

TEST_CASE("an operator may not read itself") {
  JobGraph graph = good();
  graph.vertices[1].inputs = {{"same"}};
  const std::vector<GraphMistake> mistakes = check(graph, registry());
  REQUIRE(mistakes.size() == 2);  // and nobody reads 'rows' any more
  CHECK(mistakes[0].error.message == "'same' reads itself");
  CHECK(mistakes[1].kind == GraphMistake::Kind::unused);
}

TEST_CASE("rows that nobody reads are a mistake with a way out") {
  JobGraph graph = good();
  graph.vertices.push_back(vertex("lost", "test.pass", {{"rows"}}));
  CHECK(only_mistake(graph) == "lost: nothing reads the rows of 'lost'");
}

TEST_CASE("operators say how many inputs they want") {
  JobGraph graph = good();
  graph.vertices[1] = vertex("same", "test.join", {{"rows"}});
  CHECK(only_mistake(graph) == "same.from: 'test.join' wants 2 inputs, not 1");
  graph = good();
  graph.vertices[0].inputs = {{"same"}};
  graph.vertices[1] = vertex("same", "test.read");
  graph.vertices[2].inputs = {{"rows"}};
  CHECK(only_mistake(graph) == "rows.from: 'test.read' is a source: it reads no other operator");
}

TEST_CASE("sinks have no output and unknown operators have a nearest name") {
  JobGraph graph = good();
  graph.vertices.push_back(vertex("more", "test.write", {{"out"}}));
  CHECK(only_mistake(graph) == "more.from.0: 'out' (test.write) has no output: it is a sink");
  graph = good();
  graph.vertices[1].op = "test.psas";
  CHECK(only_mistake(graph) == "same.op: there is no operator kind 'test.psas'");
  CHECK(check(graph, registry())[0].error.hint == "did you mean 'test.pass'?");
}

TEST_CASE("ids are lower-case words, once each") {
  CHECK(valid_id("top_routes-2"));
  for (const char* bad : {"", "Top", "2nd", "a.b", "a b", "_a"}) CHECK_FALSE(valid_id(bad));
  CHECK_FALSE(valid_id(std::string(64, 'a')));
  JobGraph graph = good();
  graph.vertices.push_back(vertex("out", "test.write", {{"rows"}}));
  CHECK(only_mistake(graph) == "out: two operators are called 'out'");
}

TEST_CASE("vertices are ordered producers first, otherwise as written") {
  JobGraph graph = good();
  graph.vertices = {vertex("out", "test.write", {{"z"}}), vertex("y", "test.read"),
                    vertex("z", "test.join", {{"y"}, {"a"}}), vertex("a", "test.read")};
  order_vertices(graph);
  std::string order;
  for (const JobVertex& one : graph.vertices) order += one.id + " ";
  CHECK(order == "y a z out ");
  CHECK(well_formed(graph));
}

TEST_CASE("an order is found whatever is wrong with a graph, and however long it is") {
  JobGraph graph;
  for (int i = 20'000; i > 0; --i) {
    JobVertex vertex{.id = fmt::format("v{}", i)};
    if (i > 1) vertex.inputs.push_back({fmt::format("v{}", i - 1)});
    graph.vertices.push_back(vertex);
  }
  order_vertices(graph);
  CHECK(graph.vertices.front().id == "v1");
  CHECK(graph.vertices.back().id == "v20000");

  graph.vertices = {{.id = "late", .inputs = {{"twice"}, {"twice"}}},
                    {.id = "lost", .inputs = {{"nobody"}}},
                    {.id = "twice"},
                    {.id = "twice"}};
  order_vertices(graph);
  std::string order;
  for (const JobVertex& one : graph.vertices) order += one.id + " ";
  CHECK(order == "twice late twice lost ");
}
