// Regions are the tasks that pipelined edges connect, no more and no fewer: found here beside a
// naive search over random graphs, with the few that matter spelled out.
#include "runtime/graph/task_topology.hpp"

#include "runtime/os/random.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <set>

using namespace troupe;

namespace {

struct GraphOf {
  TaskGraph graph;

  GraphOf& stage(std::uint32_t parallelism) {
    Stage stage;
    stage.id = StageId(static_cast<std::uint32_t>(graph.stages.size()));
    stage.parallelism = parallelism;
    graph.stages.push_back(stage);
    return *this;
  }
  GraphOf& edge(std::uint32_t from, std::uint32_t to, ExchangeKind exchange, bool blocking) {
    TaskEdge edge;
    edge.from = StageId(from);
    edge.to = StageId(to);
    edge.exchange = exchange;
    edge.blocking = blocking;
    graph.edges.push_back(edge);
    return *this;
  }
};

/// "0.0 0.1 | 1.0 x2": tasks of each region, and its width where it is not 1.
std::string told(const TaskTopology& topology) {
  std::string text;
  for (const Region& region : topology.regions()) {
    if (!text.empty()) text += " | ";
    text += fmt::format("{}", fmt::join(region.tasks, " "));
    if (region.width > 1) text += fmt::format(" x{}", region.width);
  }
  return text;
}

std::string regions_of(const GraphOf& graph) {
  return told(TaskTopology::make(graph.graph).value());
}

constexpr bool blocking = true;
constexpr bool pipelined = false;

GraphOf random_graph(Random& random) {
  GraphOf made;
  const auto stages = static_cast<std::uint32_t>(2 + random.below(5));
  for (std::uint32_t i = 0; i < stages; ++i) {
    made.stage(static_cast<std::uint32_t>(1 + random.below(4)));
    if (i == 0) continue;
    const auto from = static_cast<std::uint32_t>(random.below(i));
    const bool same = made.graph.stages[from].parallelism == made.graph.stages[i].parallelism;
    made.edge(from, i, same && random.chance(1, 2) ? ExchangeKind::forward : ExchangeKind::hash,
              random.chance(1, 2));
  }
  return made;
}

/// Everything that can be reached over pipelined edges, either way.
std::set<TaskId> reached(const TaskTopology& topology, TaskId start) {
  std::set<TaskId> seen{start};
  std::vector<TaskId> open{start};
  while (!open.empty()) {
    const TaskId task = open.back();
    open.pop_back();
    for (const auto* neighbours : {&topology.producers(task), &topology.consumers(task)}) {
      for (const Neighbour& neighbour : *neighbours) {
        if (topology.blocking(neighbour)) continue;
        if (seen.insert(neighbour.task).second) open.push_back(neighbour.task);
      }
    }
  }
  return seen;
}

}  // namespace

TEST_CASE("tasks that exchange nothing while they run are regions of their own") {
  CHECK(regions_of(GraphOf().stage(2)) == "0.0 | 0.1");
  CHECK(regions_of(GraphOf().stage(2).stage(2).edge(0, 1, ExchangeKind::hash, blocking)) ==
        "0.0 | 0.1 | 1.0 | 1.1");
  CHECK(regions_of(GraphOf().stage(2).stage(2).edge(0, 1, ExchangeKind::forward, pipelined)) ==
        "0.0 1.0 | 0.1 1.1");
}

TEST_CASE("an exchange joins all its tasks; a region is as wide as its widest stage") {
  CHECK(regions_of(GraphOf().stage(2).stage(3).edge(0, 1, ExchangeKind::hash, pipelined)) ==
        "0.0 0.1 1.0 1.1 1.2 x3");
  CHECK(regions_of(GraphOf().stage(2).stage(1).edge(0, 1, ExchangeKind::gather, pipelined)) ==
        "0.0 0.1 1.0 x2");
}

TEST_CASE("a region comes after all that it reads, whatever the stages are called") {
  // Stage 0 reads what stage 1 kept.
  CHECK(regions_of(GraphOf().stage(1).stage(1).edge(1, 0, ExchangeKind::hash, blocking)) ==
        "1.0 | 0.0");
}

TEST_CASE("two stages that would have to run together and one after the other are refused") {
  const GraphOf graph = GraphOf()
                            .stage(1)
                            .stage(1)
                            .edge(0, 1, ExchangeKind::hash, pipelined)
                            .edge(0, 1, ExchangeKind::hash, blocking);
  const auto made = TaskTopology::make(graph.graph);
  REQUIRE_FALSE(made);
  CHECK(made.error().code == ErrorCode::internal);
}

TEST_CASE("regions of random graphs are what a naive search finds, producers first") {
  Random random(11);
  std::size_t tried = 0;
  for (int round = 0; round < 400; ++round) {
    const auto made = TaskTopology::make(random_graph(random).graph);
    if (!made) continue;
    ++tried;
    for (const auto& [task, region] : made->tasks()) {
      const std::vector<TaskId>& tasks = made->regions()[region].tasks;
      REQUIRE(std::set<TaskId>(tasks.begin(), tasks.end()) == reached(*made, task));
      for (const Neighbour& neighbour : made->producers(task)) {
        if (made->blocking(neighbour)) REQUIRE(made->region_of(neighbour.task) < region);
      }
    }
  }
  CHECK(tried > 100);
}
