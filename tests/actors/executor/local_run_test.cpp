#include "actors/executor/local_run.hpp"

#include "runtime/os/own_files.hpp"
#include "tests/runtime/exec/random_graph.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;

namespace {

LocalRunResult run(ActorSystem& system, TaskGraph graph, LocalRunOptions options = {}) {
  options.files = &own_files();
  return run_local(system, std::make_shared<TaskGraph>(std::move(graph)), options);
}

/// numbers -> chain -> sink, on two subtasks each
TaskGraph line(std::vector<Phase> chain, const std::shared_ptr<FakeSink>& sink) {
  TaskGraph graph;
  auto from = add_stage(graph, 2, {source_phase(50, 1000)});
  auto middle = add_stage(graph, 2, std::move(chain));
  auto to = add_stage(graph, 2, {sink_phase(sink)});
  add_edge(graph, from, middle, ExchangeKind::hash);
  add_edge(graph, middle, to, ExchangeKind::forward);
  return graph;
}

}  // namespace

TEST_CASE("a graph on the actors of a process gives exactly the rows a naive evaluation expects") {
  // The random graphs of the exec tests, on two workers and an I/O pool instead of one thread.
  ActorSystem system({.workers = 2});
  for (std::uint64_t seed = 1000; seed < 1040; ++seed) {
    INFO("seed " << seed);
    RandomGraph random(seed);
    auto result = run(system, random.graph, {.run = RunId(seed)});
    REQUIRE_FALSE(result.error);
    REQUIRE(random.sink->rows() == random.expected);
    REQUIRE(random.sink->commits == 1);
  }
  CHECK(system.unexpected_messages() == 0);
}

TEST_CASE("a failure in the middle of a chain stops the run with that one cause") {
  // The sink must have committed nothing, and must have been told to clean up.
  ActorSystem system({.workers = 2});
  auto sink = std::make_shared<FakeSink>();
  auto result = run(system, line({failing_phase(1'000'777)}, sink));
  REQUIRE(result.error);
  CHECK(result.error->code == ErrorCode::invalid_argument);
  CHECK(result.error->message == "'1.0': 1000777 is not a number we like");
  CHECK(sink->commits == 0);
  CHECK(sink->clean_ups == 1);
}

TEST_CASE("a sink that fails ends the run with its reason") {
  ActorSystem system({.workers = 2});
  auto sink = std::make_shared<FakeSink>();
  sink->fail_after = 5000;
  auto result = run(system, line({filter_phase(1)}, sink));
  REQUIRE(result.error);
  CHECK(result.error->message == "'2.0': the disk is full");
  CHECK(sink->commits == 0);
}

TEST_CASE("rows of chosen vertices are collected, and vertices are counted") {
  // 100,000 rows in, every third one kept: 33,334 of them are seen at the tap, counted and
  // committed.
  ActorSystem system({.workers = 2});
  auto sink = std::make_shared<FakeSink>();
  auto result = run(system, line({filter_phase(3)}, sink), {.collect = {"1.0"}});
  REQUIRE_FALSE(result.error);
  std::int64_t rows = 0;
  for (const auto& batch : result.collected["1.0"]) rows += batch.rows();
  CHECK(rows == static_cast<std::int64_t>(sink->rows().size()));
  CHECK(result.vertices["0.0"].rows_out == 100'000);
  CHECK(result.vertices["1.0"].rows_in == 100'000);
  CHECK(result.vertices["1.0"].rows_out == sink->rows().size());
  CHECK(result.vertices["2.0"].rows_in == sink->rows().size());
}

TEST_CASE("a run that is told to stop ends as cancelled and leaves nothing behind") {
  // The source would go on for minutes; no actor of the run may be left.
  ActorSystem system({.workers = 2});
  auto sink = std::make_shared<FakeSink>();
  TaskGraph graph;
  auto from = add_stage(graph, 2, {source_phase(1'000'000, 1000)});
  auto to = add_stage(graph, 1, {filter_phase(1'000'003), sink_phase(sink)});
  add_edge(graph, from, to, ExchangeKind::gather);
  std::atomic<bool> stop{true};
  auto result =
      run_local(system, std::make_shared<TaskGraph>(graph), {.files = &own_files()}, &stop);
  REQUIRE(result.error);
  CHECK(result.error->code == ErrorCode::cancelled);
  CHECK(sink->commits == 0);
  CHECK(system.shutdown(2s).ok());
}
