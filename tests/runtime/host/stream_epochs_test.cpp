// A stream that is torn down and goes on: epochs begin at random moments of random interleavings,
// some are given up, and now and then all tasks die and begin again where the last published epoch
// was. What is committed in the end is what an undisturbed run commits, row for row: nothing is
// lost, nothing is there twice, and late rows are late again.
#include "runtime/graph/graph_builder.hpp"
#include "runtime/graph/task_graph.hpp"
#include "runtime/ops/builtin_ops.hpp"
#include "tests/runtime/host/stepped_run.hpp"
#include "tests/runtime/host/stream_rows.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rows.hpp"
#include "tests/support/sim_disk.hpp"

#include <algorithm>

using namespace troupe;

namespace {

struct Setting {
  std::uint32_t parallelism = 1;
  std::uint64_t seed = 1;
  Duration disorder{0};
};

struct Committers {
  Committed windows;
  Committed late;
};

using Describe = std::function<void(GraphBuilder&, GraphBuilder::Vertex rows)>;

/// A planned stream of rows in splits, a few rows at a time.
TaskGraph graph_of(OperatorRegistry& registry, const std::vector<Row>& rows,
                   const Describe& describe, const Setting& setting, Committers& committers) {
  register_operators(registry);
  registry.add(given_kind("given", rows_schema(), table_of(rows, setting.seed), 6));
  registry.add(commit_kind("windows", committers.windows));
  registry.add(commit_kind("late", committers.late));
  GraphBuilder builder("job");
  builder.mode(JobMode::streaming);
  const auto source = builder.add("rows", "given");
  source.event_time({"at", setting.disorder});
  describe(builder, source);
  JobGraph job = builder.build().value();
  REQUIRE(bind(job, registry).empty());
  TaskGraph graph = plan_tasks(job, registry, {setting.parallelism, false}).value();
  REQUIRE(assign_splits(graph).ok());
  return graph;
}

struct Tally {
  int published = 0, given_up = 0, restarts = 0;
};

/// Plays a coordinator that is not always patient, and a fate that is not kind.
class Unquiet {
 public:
  Unquiet(SteppedRun& run, sim::Disk& disk, std::uint64_t seed, bool dies)
      : run_(run), disk_(disk), random_(seed), dies_(dies) {}

  Tally play() {
    while (!run_.finished()) {
      for (const Error& error : run_.errors()) INFO(error.to_string());
      REQUIRE(run_.errors().empty());
      if (run_.acknowledged() && under_way_ && random_.below(4) != 0) publish();
      if (!ending_) meddle();
      if (dies_ && random_.below(500) == 0) restart();
      if (!run_.step()) go_on();
    }
    run_.commit();
    return tally_;
  }

 private:
  void meddle() {
    if (random_.below(under_way_ ? 200 : 40) == 0) begin();
    if (under_way_ && random_.below(300) == 0) {
      under_way_ = false;
      ++tally_.given_up;
    }
    // An epoch that is under way is given up, wherever its barriers are.
    if (run_.exhausted() && random_.below(20) == 0) end();
  }

  void end() {
    under_way_ = false;
    ending_ = true;
    run_.end_sources();
  }

  void begin() {
    if (under_way_) ++tally_.given_up;
    run_.begin_epoch();
    under_way_ = true;
  }

  void publish() {
    run_.publish();
    under_way_ = false;
    ++tally_.published;
  }

  /// Often the machine loses its power, too.
  void restart() {
    if (random_.below(2) == 0) disk_.power_cut();
    run_.restart();
    under_way_ = ending_ = false;
    ++tally_.restarts;
  }

  /// Nobody has anything to do: they wait for us.
  void go_on() {
    INFO("stuck");
    REQUIRE(!ending_);
    if (run_.acknowledged() && under_way_) return publish();
    REQUIRE(!under_way_);
    if (!run_.exhausted() || random_.below(2) == 0) return begin();
    end();
  }

  SteppedRun& run_;
  sim::Disk& disk_;
  Random random_;
  const bool dies_;
  bool under_way_ = false;
  bool ending_ = false;
  Tally tally_;
};

Windows windows_of(const Committed& committed) {
  Windows windows;
  for (const Batch& batch : committed.table) {
    for (std::int64_t i = 0; i < batch.rows(); ++i) {
      const auto [place, fresh] =
          windows.insert({{number(batch, "window_end", i), number(batch, "key", i)},
                          {number(batch, "rows", i), number(batch, "total", i)}});
      INFO("window " << place->first.first << " of key " << place->first.second);
      REQUIRE(fresh);
    }
  }
  return windows;
}

std::vector<Row> sorted(std::vector<Row> rows) {
  std::sort(rows.begin(), rows.end());
  return rows;
}

struct Answer {
  Windows windows;
  std::vector<Row> late;
  Tally tally;
};

Answer run_stream(const std::vector<Row>& rows, const Describe& describe, const Setting& setting,
                  bool dies) {
  sim::Disk disk(setting.seed);
  Committers committers;
  OperatorRegistry registry(system_files());
  const TaskGraph graph = graph_of(registry, rows, describe, setting, committers);
  SteppedRun run(graph, setting.seed,
                 {.directory = "/node", .files = &disk, .channels = {2, 2000}, .epochs = true});
  const Tally tally = Unquiet(run, disk, setting.seed * 31, dies).play();
  return {windows_of(committers.windows), sorted(rows_of(committers.late.table)), tally};
}

Describe windowed(const Span& span, bool late) {
  return [=](GraphBuilder& job, const GraphBuilder::Vertex& source) {
    Json options = window_options(span);
    if (!late) options["late"] = "drop";
    const auto window = job.add("window", "window", options).from(source);
    job.add("out", "windows").from(window);
    if (late) job.add("too_late", "late").and_from(window, "late");
  };
}

}  // namespace

TEST_CASE("windows are the same however often a stream is thrown back to an epoch") {
  Tally all;
  for (const Span& span : {Span{10 * second, 10 * second}, Span{10 * second, 4 * second}}) {
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
      const std::int64_t disorder = seed % 2 == 0 ? 0 : 5 * second;
      const auto rows = random_stream(seed, disorder);
      const Setting setting{static_cast<std::uint32_t>(1 + seed % 3), seed,
                            std::chrono::microseconds(disorder)};
      INFO("size " << span.size << " slide " << span.slide << " seed " << seed);
      const Answer answer = run_stream(rows, windowed(span, false), setting, true);
      REQUIRE(answer.windows == fold(rows, span));
      all.published += answer.tally.published;
      all.given_up += answer.tally.given_up;
      all.restarts += answer.tally.restarts;
    }
  }
  CHECK(all.published > 100);
  CHECK(all.given_up > 20);
  CHECK(all.restarts > 20);
}

TEST_CASE("late rows are late again after a restore, each once") {
  const Span span{10 * second, 10 * second};
  std::size_t late_rows = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    INFO("seed " << seed);
    const auto rows = random_stream(seed, 30 * second);
    const Setting setting{static_cast<std::uint32_t>(1 + seed % 3), seed, 1s};
    const Answer quiet = run_stream(rows, windowed(span, true), setting, false);
    const Answer answer = run_stream(rows, windowed(span, true), setting, true);
    REQUIRE(answer.late == quiet.late);
    REQUIRE(answer.windows == quiet.windows);
    Windows expected = fold(rows, span);
    for (const Row& row : answer.late) count(expected, row, span, -1);
    REQUIRE(answer.windows == expected);
    late_rows += answer.late.size();
  }
  CHECK(late_rows > 100);
}

namespace {

using TwoStreams = std::function<GraphBuilder::Vertex(GraphBuilder&, GraphBuilder::Vertex a,
                                                      GraphBuilder::Vertex b)>;

/// What is committed in the end, line by line.
std::vector<std::string> lines_left(const TwoStreams& describe, const Setting& setting, bool dies,
                                    Tally& tally) {
  sim::Disk disk(setting.seed);
  Committed committed;
  OperatorRegistry registry(system_files());
  register_operators(registry);
  const std::int64_t disorder = 5 * second;
  for (const auto& [name, salt] : {std::pair{"given_a", 0u}, std::pair{"given_b", 50u}}) {
    const auto rows = random_stream(setting.seed + salt, disorder, 150);
    registry.add(given_kind(name, rows_schema(), table_of(rows, setting.seed), 6));
  }
  registry.add(commit_kind("collect", committed));
  GraphBuilder builder("job");
  builder.mode(JobMode::streaming);
  const auto a = builder.add("a", "given_a"), b = builder.add("b", "given_b");
  a.event_time({"at", 5s});
  b.event_time({"at", 5s});
  builder.add("out", "collect").from(describe(builder, a, b));
  JobGraph job = builder.build().value();
  const auto mistakes = bind(job, registry);
  INFO((mistakes.empty() ? "" : mistakes.front().to_string()));
  REQUIRE(mistakes.empty());
  TaskGraph graph = plan_tasks(job, registry, {setting.parallelism, false}).value();
  REQUIRE(assign_splits(graph).ok());
  SteppedRun run(graph, setting.seed,
                 {.directory = "/node", .files = &disk, .channels = {2, 2000}, .epochs = true});
  const Tally played = Unquiet(run, disk, setting.seed * 31, dies).play();
  tally.published += played.published;
  tally.restarts += played.restarts;
  return sorted_lines_of(committed.table);
}

void check_restored(const TwoStreams& describe) {
  Tally tally;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    INFO("seed " << seed);
    const Setting setting{static_cast<std::uint32_t>(1 + seed % 3), seed};
    const auto expected = lines_left(describe, setting, false, tally);
    REQUIRE(!expected.empty());
    REQUIRE(lines_left(describe, setting, true, tally) == expected);
  }
  CHECK(tally.restarts >= 4);
}

const Json sums = {{"group_by", {"key"}},
                   {"select",
                    {{"rows", "count(*)"},
                     {"total", "sum(value)"},
                     {"values", "count(distinct value % 10)"},
                     {"most", "max(value)"}}}};
const Json again = {{"group_by", {{"odd", "total % 2"}}},
                    {"select",
                     {{"keys", "count(*)"},
                      {"total", "sum(total)"},
                      {"least", "min(total)"},
                      {"middle", "median(most)"}}}};
const Json windows = {{"size", "10s"},
                      {"group_by", {"key"}},
                      {"select", {{"rows", "count(*)"}, {"total", "sum(value)"}}},
                      {"late", "drop"}};

}  // namespace

TEST_CASE("groups go on where they were, of appends, of changes and of windows") {
  check_restored([](GraphBuilder& job, GraphBuilder::Vertex a, GraphBuilder::Vertex b) {
    const auto both = job.add("both", "union").from({a, b});
    const auto first = job.add("sums", "aggregate", sums).from(both);
    return job.add("again", "aggregate", again).from(first);
  });
  check_restored([](GraphBuilder& job, GraphBuilder::Vertex a, GraphBuilder::Vertex b) {
    const auto both = job.add("both", "union").from({a, b});
    const auto window = job.add("window", "window", windows).from(both);
    return job
        .add("of_windows", "aggregate",
             {{"group_by", {"window_end"}}, {"select", {{"most", "max(rows)"}}}})
        .from(window);
  });
}

TEST_CASE("sessions go on where they were, also those that go on from slice to slice") {
  for (const char* gap : {"700ms", "3s", "20s"}) {
    check_restored([&](GraphBuilder& job, GraphBuilder::Vertex a, GraphBuilder::Vertex b) {
      const auto both = job.add("both", "union").from({a, b});
      return job
          .add("window", "window",
               {{"gap", gap},
                {"group_by", {"key"}},
                {"select", {{"rows", "count(*)"}, {"total", "sum(value)"}, {"most", "max(value)"}}},
                {"late", "drop"}})
          .from(both);
    });
  }
}

TEST_CASE("joins go on where they were") {
  for (const char* type : {"inner", "full"}) {
    check_restored([&](GraphBuilder& job, GraphBuilder::Vertex a, GraphBuilder::Vertex b) {
      const auto few = job.add("few", "filter", {{"where", "value % 5 = 0"}}).from(a);
      const auto some = job.add("some", "filter", {{"where", "value % 4 = 0"}}).from(b);
      return job.add("join", "join", {{"using", {"key"}}, {"type", type}, {"suffix", "_right"}})
          .from({few, some});
    });
    check_restored([&](GraphBuilder& job, GraphBuilder::Vertex a, GraphBuilder::Vertex b) {
      const auto left = job.add("left", "window", windows).from(a);
      const auto right = job.add("right", "window", windows).from(b);
      return job
          .add("join", "join",
               {{"using", {"key", "window_end"}}, {"type", type}, {"suffix", "_right"}})
          .from({left, right});
    });
  }
  check_restored([](GraphBuilder& job, GraphBuilder::Vertex a, GraphBuilder::Vertex b) {
    return job
        .add("near", "join.interval",
             {{"using", {"key"}},
              {"from", "at - INTERVAL '4 seconds'"},
              {"to", "at + INTERVAL '3 seconds'"},
              {"reach_back", "4s"},
              {"suffix", "_right"}})
        .from({a, b});
  });
}

TEST_CASE("first rows go on where they were") {
  check_restored([](GraphBuilder& job, GraphBuilder::Vertex a, GraphBuilder::Vertex b) {
    const auto both = job.add("both", "union").from({a, b});
    return job
        .add("top", "top",
             {{"key", {"key"}}, {"order_by", {"value desc"}}, {"rows", 3}, {"rank", "place"}})
        .from(both);
  });
  check_restored([](GraphBuilder& job, GraphBuilder::Vertex a, GraphBuilder::Vertex b) {
    const auto both = job.add("both", "union").from({a, b});
    const auto window = job.add("window", "window", windows).from(both);
    return job.add("top", "top", {{"key", {"window_end"}}, {"order_by", {"rows"}}, {"rows", 2}})
        .from(window);
  });
}
