// The physical plan: what is fused, what is shuffled, what is kept, what restarts together. Each
// graph's whole plan is compared as text.
#include "runtime/base/json.hpp"
#include "runtime/graph/explain.hpp"
#include "runtime/graph/graph_builder.hpp"
#include "runtime/graph/task_topology.hpp"
#include "runtime/operator/source.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_operators.hpp"

using namespace troupe;
using test_operators::registry;

namespace {

/// "0 x2 r0-1: rows same | 1 x2 r2: out <- 0 hash kept": stage, subtasks, regions, chain, inputs.
std::string plan_of(const GraphBuilder& job, PlanTarget target) {
  JobGraph graph = *job.build();
  REQUIRE(bind(graph, registry()).empty());
  const TaskTopology topology = *TaskTopology::make(*plan_tasks(graph, registry(), target));
  const TaskGraph& tasks = topology.graph();
  std::string text;
  for (const Stage& stage : tasks.stages) {
    const std::set<std::size_t> regions = topology.regions_of(stage.id);
    text += fmt::format("{}{} x{} r{}:", text.empty() ? "" : " | ", stage.id, stage.parallelism,
                        regions.size() == 1
                            ? fmt::format("{}", *regions.begin())
                            : fmt::format("{}-{}", *regions.begin(), *regions.rbegin()));
    for (const ChainLink& link : stage.chain) {
      const std::size_t dot = link.phase.name.find('.', 5);
      text += " " + link.vertex + (dot == std::string::npos ? "" : link.phase.name.substr(dot));
    }
    for (const TaskEdge& edge : tasks.edges) {
      if (edge.to != stage.id) continue;
      text += fmt::format(" <- {} {}{}", edge.from, to_string(edge.exchange),
                          edge.blocking ? " kept"
                          : edge.early  ? " held"
                                        : "");
    }
  }
  return text;
}

constexpr PlanTarget alone{2, false};
constexpr PlanTarget cluster{2, true};

}  // namespace

TEST_CASE("forward operators of equal parallelism are one chain") {
  GraphBuilder job("job");
  const auto rows = job.add("rows", "test.read");
  job.add("out", "test.write").from(job.add("same", "test.pass").from(rows));
  CHECK(plan_of(job, alone) == "0 x2 r0-1: rows same out");
  CHECK(plan_of(job, cluster) == "0 x2 r0-1: rows same out");
}

TEST_CASE("an output with two readers is not fused with either") {
  GraphBuilder job("job");
  const auto rows = job.add("rows", "test.read");
  job.add("out1", "test.write").from(rows);
  job.add("out2", "test.write").from(rows);
  CHECK(plan_of(job, alone) ==
        "0 x2 r0-1: rows | 1 x2 r0-1: out1 <- 0 forward | 2 x2 r0-1: out2 <- 0 forward");
}

TEST_CASE("an aggregation is shuffled between its phases; a cluster keeps that edge") {
  GraphBuilder job("job");
  const auto rows = job.add("rows", "test.read");
  job.add("out", "test.write").from(job.add("sums", "test.group", {{"by", "a"}}).from(rows));
  CHECK(plan_of(job, alone) == "0 x2 r0: rows sums.partial | 1 x2 r0: sums.final out <- 0 hash");
  CHECK(plan_of(job, cluster) ==
        "0 x2 r0-1: rows sums.partial | 1 x2 r2-3: sums.final out <- 0 hash kept");
}

TEST_CASE("with one subtask nothing is shuffled at all") {
  GraphBuilder job("job");
  job.parallelism(1);
  const auto rows = job.add("rows", "test.read");
  const auto sums = job.add("sums", "test.group", {{"by", "a"}}).from(rows);
  job.add("out", "test.write").from(job.add("sorted", "test.sort").from(sums));
  CHECK(plan_of(job, alone) == "0 x1 r0: rows sums.partial sums.final sorted out");
}

TEST_CASE("what follows a gather stays with its only subtask, unless it asks for more") {
  GraphBuilder job("job");
  const auto sorted = job.add("sorted", "test.sort").from(job.add("rows", "test.read"));
  const auto same = job.add("same", "test.pass").from(sorted);
  job.add("out", "test.write").from(same);
  CHECK(plan_of(job, alone) == "0 x2 r0: rows | 1 x1 r0: sorted same out <- 0 gather");
  same.parallelism(3);
  CHECK(plan_of(job, alone) ==
        "0 x2 r0: rows | 1 x1 r0: sorted <- 0 gather | 2 x3 r0: same out <- 1 rebalance");
}

TEST_CASE("unequal parallelism is joined by a rebalance, or a gather into one") {
  GraphBuilder job("job");
  const auto rows = job.add("rows", "test.read").parallelism(4);
  const auto same = job.add("same", "test.pass").from(rows);
  job.add("out", "test.write").from(same).parallelism(1);
  CHECK(plan_of(job, alone) == "0 x4 r0: rows same | 1 x1 r0: out <- 0 gather");
}

TEST_CASE("more than 64 subtasks are only made for rows that keep them busy") {
  GraphBuilder job("job");  // of 1000 rows
  const auto rows = job.add("rows", "test.read").parallelism(1024);
  const auto sums = job.add("sums", "test.group", {{"by", "a"}}).from(rows);
  job.add("out", "test.write").from(sums);
  CHECK(plan_of(job, PlanTarget{1024, false}) ==
        "0 x64 r0: rows sums.partial | 1 x64 r0: sums.final out <- 0 hash");
}

TEST_CASE("a join waits for its build side; both ends of a pipelined edge restart together") {
  GraphBuilder job("job");
  const auto left = job.add("left", "test.read");
  const auto right = job.add("right", "test.read", {{"columns", {"a", "z"}}});
  job.add("out", "test.write")
      .from(job.add("both", "test.join", {{"using", "a"}}).from({left, right}));
  CHECK(plan_of(job, alone) ==
        "0 x2 r0: left | 1 x2 r0: right | 2 x2 r0: both out <- 0 hash <- 1 hash");
  CHECK(plan_of(job, cluster) ==
        "0 x2 r2: left | 1 x2 r0-1: right | 2 x2 r2: both out <- 0 hash <- 1 hash kept");
}

TEST_CASE("a stage joined with what was made of it keeps its probe side, or it would jam") {
  // And a kept edge needs two regions, also where one process would need none.
  GraphBuilder job("job");
  const auto rows = job.add("rows", "test.read");
  const auto sums = job.add("sums", "test.group", {{"by", "a"}}).from(rows);
  job.add("out", "test.write")
      .from(job.add("both", "test.join", {{"using", "a"}}).from({rows, sums}));
  CHECK(plan_of(job, alone) ==
        "0 x2 r0-1: rows | 1 x2 r0-1: sums.partial <- 0 forward | "
        "2 x2 r2-3: sums.final <- 1 hash kept | 3 x2 r4-5: both out <- 0 hash kept <- 2 hash kept");
}

TEST_CASE("what a streaming job reads first is kept in one process, too: tables end, it goes on") {
  GraphBuilder job("job");
  job.mode(JobMode::streaming);
  const auto left = job.add("left", "test.read");
  const auto right = job.add("right", "test.read", {{"columns", {"a", "z"}}});
  job.add("out", "test.write")
      .from(job.add("both", "test.join", {{"using", "a"}}).from({left, right}));
  CHECK(plan_of(job, alone) == plan_of(job, cluster));
  CHECK(plan_of(job, alone).find("hash kept") != std::string::npos);
}

TEST_CASE("a probe side that its join can hold is not kept, except in a cluster") {
  GraphBuilder job("job");
  const auto rows = job.add("rows", "test.read");
  const auto sums = job.add("sums", "test.group", {{"by", "a"}}).from(rows);
  job.add("out", "test.write")
      .from(job.add("both", "test.early_join", {{"using", "a"}}).from({rows, sums}));
  CHECK(plan_of(job, alone) ==
        "0 x2 r0: rows | 1 x2 r0: sums.partial <- 0 forward | 2 x2 r0: sums.final <- 1 hash | "
        "3 x2 r0: both out <- 0 hash held <- 2 hash");
  CHECK(plan_of(job, cluster) ==
        "0 x2 r0-1: rows | 1 x2 r0-1: sums.partial <- 0 forward | "
        "2 x2 r2-3: sums.final <- 1 hash kept | 3 x2 r4-5: both out <- 0 hash kept <- 2 hash kept");
}

TEST_CASE("who has fed a build side to its end is not stalled by what the join gives") {
  // 'few' is built from in 'found', and behind the build side of 'both': when 'found' has rows for
  // 'both', 'few' has ended, whether 'both' takes them or not.
  GraphBuilder job("job");
  const auto many = job.add("many", "test.read");
  const auto few = job.add("few", "test.read", {{"columns", {"a", "z"}}});
  const auto found = job.add("found", "test.join", {{"using", "a"}}).from({many, few});
  const auto sums = job.add("sums", "test.group", {{"by", "a"}}).from(few);
  job.add("out", "test.write")
      .from(job.add("both", "test.join", {{"using", "a"}}).from({found, sums}));
  CHECK(plan_of(job, alone) ==
        "0 x2 r0: many | 1 x2 r0: few | 2 x2 r0: found <- 0 hash <- 1 hash | "
        "3 x2 r0: sums.partial <- 1 forward | 4 x2 r0: sums.final <- 3 hash | "
        "5 x2 r0: both out <- 2 hash <- 4 hash");
}

TEST_CASE(
    "of a chain of joins only the last is kept, where it is joined with what was made of it") {
  GraphBuilder job("job");
  const auto many = job.add("many", "test.read");
  const auto few = job.add("few", "test.read", {{"columns", {"a", "z"}}});
  const auto found = job.add("found", "test.join", {{"using", "a"}}).from({many, few});
  const auto sums = job.add("sums", "test.group", {{"by", "a"}}).from(found);
  job.add("out", "test.write")
      .from(job.add("both", "test.join", {{"using", "a"}}).from({found, sums}));
  CHECK(plan_of(job, alone) ==
        "0 x2 r2: many | 1 x2 r0-1: few | 2 x2 r2: found <- 0 hash <- 1 hash kept | "
        "3 x2 r2: sums.partial <- 2 forward | 4 x2 r3-4: sums.final <- 3 hash kept | "
        "5 x2 r5-6: both out <- 2 hash kept <- 4 hash kept");
}

TEST_CASE("two joins that wait for each other's input keep one of them") {
  // 'a' is built from in j1 and probed in j2, 'b' the other way round: neither source could go on.
  GraphBuilder job("job");
  const auto a = job.add("a", "test.read");
  const auto b = job.add("b", "test.read", {{"columns", {"a", "z"}}});
  job.add("out1", "test.write").from(job.add("j1", "test.join", {{"using", "a"}}).from({b, a}));
  job.add("out2", "test.write").from(job.add("j2", "test.join", {{"using", "a"}}).from({a, b}));
  CHECK(plan_of(job, alone) ==
        "0 x2 r2: a | 1 x2 r0-1: b | 2 x2 r3-4: j1 out1 <- 1 hash kept <- 0 hash kept | "
        "3 x2 r2: j2 out2 <- 0 hash <- 1 hash kept");
}

TEST_CASE("rows that meet what was made of them are kept, too, where that is kept") {
  // Else all would run together, and the sums' last phase would wait for what it runs with.
  GraphBuilder job("job");
  const auto rows = job.add("rows", "test.read");
  const auto sums = job.add("sums", "test.group", {{"by", "a"}}).from(rows);
  SECTION("at once") {
    job.add("out", "test.write").from(job.add("both", "test.unite").from({rows, sums}));
    CHECK(plan_of(job, alone) ==
          "0 x2 r0: rows | 1 x2 r0: sums.partial <- 0 forward | 2 x2 r0: sums.final <- 1 hash | "
          "3 x2 r0: both out <- 0 forward <- 2 forward");
    CHECK(plan_of(job, cluster) ==
          "0 x2 r0-1: rows | 1 x2 r0-1: sums.partial <- 0 forward | "
          "2 x2 r2-3: sums.final <- 1 hash kept | "
          "3 x2 r2-3: both out <- 0 forward kept <- 2 forward");
  }
  SECTION("or after more: only where the rounds meet") {
    const auto same = job.add("same", "test.pass").from(rows);
    job.add("out1", "test.write").from(same);
    job.add("out", "test.write").from(job.add("both", "test.unite").from({same, sums}));
    CHECK(plan_of(job, cluster) ==
          "0 x2 r0-1: rows | 1 x2 r0-1: sums.partial <- 0 forward | "
          "2 x2 r2-3: sums.final <- 1 hash kept | 3 x2 r0-1: same <- 0 forward | "
          "4 x2 r0-1: out1 <- 3 forward | 5 x2 r2-3: both out <- 3 forward kept <- 2 forward");
  }
}

TEST_CASE("splits are dealt largest first, always the same, and read in their order") {
  GraphBuilder job("job");
  job.add("out", "test.write").from(job.add("rows", "test.read"));
  JobGraph graph = *job.build();
  REQUIRE(bind(graph, registry()).empty());
  TaskGraph tasks = *plan_tasks(graph, registry(), alone);
  REQUIRE(assign_splits(tasks));
  // 100 90 80 70 60 50 40 30 over two: 100 70 60 30 = 260 and 90 80 50 40 = 260.
  std::string dealt;
  for (const auto& hand : tasks.stages[0].splits) {
    for (const Split& split : hand) dealt += fmt::format("{} ", split.bytes);
    dealt += "| ";
  }
  CHECK(dealt == "100 70 60 30 | 90 80 50 40 | ");
}

TEST_CASE("explain tells what is read, fused, shuffled and kept") {
  GraphBuilder job("demo");
  const auto rows = job.add("rows", "test.read");
  job.add("out", "test.write").from(job.add("sums", "test.group", {{"by", "b"}}).from(rows));
  JobGraph graph = *job.build();
  REQUIRE(bind(graph, registry()).empty());
  const auto told = [&](ExplainLevel level) { return *explain(graph, registry(), cluster, level); };
  const std::string hash = plan_hash(graph).substr(0, 12);
  CHECK(explain_text(told(ExplainLevel::tasks)) == "job demo  plan " + hash + R"(  4 tasks

stage 0  2 subtasks  regions 0-1
  rows  test.read           reads 1 of 3 columns: b
  sums  test.group.partial
stage 1  2 subtasks  regions 2-3
  <- stage 0  hash(b)  kept on disk
  sums  test.group.final  (stateful)
  out   test.write
)");
  CHECK(explain_text(told(ExplainLevel::plan)) == "job demo  plan " + hash + R"(

rows  test.read  about 1000 rows
    reads 1 of 3 columns: b
    test.read
    gives b int64
sums  test.group  from rows
    by: b
    test.group.partial
      <- input 0  forward
    test.group.final
      <- phase 0  hash(b)  waits for all of it
    gives b int64, rows int64
out  test.write  from sums
    test.write
      <- input 0  forward
)");
  CHECK(told(ExplainLevel::descriptor)["operators"][1].dump() ==
        R"({"id":"sums","op":"test.group","from":["rows"],"with":{"by":"b"}})");
  CHECK(explain_dot(told(ExplainLevel::tasks)).find("s0 -> s1 [label=\"hash(b)\"") !=
        std::string::npos);
}

TEST_CASE("explain says of a number of rows whether it is an estimate or a bound") {
  GraphBuilder job("demo");
  for (const std::string path : {"known", "text"}) {
    const auto rows = job.add(path, "test.read", {{"path", path}});
    job.add(path + "_out", "test.write").from(job.add(path + "_kept", "test.pass").from(rows));
  }
  JobGraph graph = *job.build();
  REQUIRE(bind(graph, registry()).empty());
  const std::string told = explain_text(*explain(graph, registry(), cluster, ExplainLevel::plan));
  CHECK(told.find("known  test.read  about 1000 rows") != std::string::npos);
  CHECK(told.find("known_kept  test.pass  from known  about 1000 rows") != std::string::npos);
  CHECK(told.find("text  test.read  at most 1000 rows") != std::string::npos);
  CHECK(told.find("text_kept  test.pass  from text  at most 1000 rows") != std::string::npos);
}
