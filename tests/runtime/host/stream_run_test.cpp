// Streams as the task runtime runs them: planned from a job, over channels so small that everybody
// waits for everybody, in random interleavings. As long as no row comes later than it may, every
// window is what a fold over all rows says, whatever the order, the number of subtasks and the
// interleaving; of rows that come too late none is lost, and none counts twice.
#include "runtime/base/json.hpp"
#include "runtime/graph/graph_builder.hpp"
#include "runtime/graph/task_graph.hpp"
#include "runtime/ops/builtin_ops.hpp"
#include "tests/runtime/host/given_tables.hpp"
#include "tests/runtime/host/stepped_run.hpp"
#include "tests/runtime/host/stream_rows.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rows.hpp"
#include "tests/support/temp_dir.hpp"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <map>
#include <set>

using namespace troupe;

namespace {

struct Setting {
  std::uint32_t parallelism = 1;
  std::uint64_t seed = 1;
  JobMode mode = JobMode::streaming;
  std::int64_t memory = std::int64_t{1} << 30;
};

struct Answer {
  Collected windows;
  Collected late;
};

using Describe = std::function<void(GraphBuilder&, GraphBuilder::Vertex rows)>;

JobGraph job_of(const Describe& describe, Duration disorder, JobMode mode) {
  GraphBuilder builder("job");
  builder.mode(mode);
  const auto rows = builder.add("rows", "given");
  rows.event_time({"at", disorder});
  describe(builder, rows);
  return builder.build().value();
}

std::unique_ptr<Answer> run_stream(const std::vector<Row>& rows, const Describe& describe,
                                   Duration disorder, const Setting& setting) {
  TempDir directory;
  auto answer = std::make_unique<Answer>();
  OperatorRegistry registry(system_files());
  register_operators(registry);
  registry.add(given_kind("given", rows_schema(), table_of(rows, setting.seed)));
  registry.add(collect_kind("windows", answer->windows));
  registry.add(collect_kind("late", answer->late));
  JobGraph job = job_of(describe, disorder, setting.mode);
  const auto mistakes = bind(job, registry);
  INFO((mistakes.empty() ? "" : mistakes.front().to_string()));
  REQUIRE(mistakes.empty());
  // What the plan says travels as bytes.
  job = decode_plan(encode_plan(job)).value();
  TaskGraph graph = plan_tasks(job, registry, {setting.parallelism, false}).value();
  REQUIRE(assign_splits(graph).ok());
  SteppedRun run(
      graph, setting.seed,
      {.memory_bytes = setting.memory, .directory = directory.path(), .channels = {2, 2000}});
  run.run_to_end();
  return answer;
}

/// What came out. Of one subtask, windows leave in the order of their ends.
Windows windows_of(const Collected& collected, const Span& span) {
  Windows windows;
  for (const auto& [subtask, table] : collected.by_subtask) {
    std::int64_t last = 0;
    for (const Batch& batch : table) {
      CHECK(batch.columns()->schema()->field_names() ==
            std::vector<std::string>{"key", "window_start", "window_end", "rows", "total"});
      for (std::int64_t i = 0; i < batch.rows(); ++i) {
        const std::int64_t end = number(batch, "window_end", i);
        CHECK(number(batch, "window_start", i) == end - span.size);
        CHECK(end >= last);
        last = end;
        const auto [place, fresh] =
            windows.insert({{end, number(batch, "key", i)},
                            {number(batch, "rows", i), number(batch, "total", i)}});
        CHECK(fresh);
      }
    }
  }
  return windows;
}

const std::vector<Span> spans = {{10 * second, 10 * second}, {10 * second, 2 * second},
                                 {10 * second, 4 * second},  {7 * second, 3 * second},
                                 {60 * second, 60 * second}, {second, second}};

}  // namespace

TEST_CASE("windows are what a fold over all rows says, in any order that is allowed") {
  for (const Span& span : spans) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      const std::int64_t disorder = seed % 2 == 0 ? 0 : 5 * second;
      const auto rows = random_stream(seed, disorder);
      for (const std::uint32_t parallelism : {1u, 2u, 3u}) {
        for (const JobMode mode : {JobMode::streaming, JobMode::batch}) {
          INFO("size " << span.size << " slide " << span.slide << " seed " << seed
                       << " parallelism " << parallelism << " " << to_string(mode));
          Json options = window_options(span);
          options["late"] = "drop";
          const auto answer = run_stream(
              rows,
              [&](GraphBuilder& job, const GraphBuilder::Vertex& source) {
                job.add("out", "windows").from(job.add("window", "window", options).from(source));
              },
              std::chrono::microseconds(disorder), {parallelism, seed, mode});
          REQUIRE(windows_of(answer->windows, span) == fold(rows, span));
        }
      }
    }
  }
}

TEST_CASE("a late row is counted in no window and leaves as it came; none is lost") {
  std::size_t late_rows = 0;
  const Span span{10 * second, 10 * second};
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    INFO("seed " << seed);
    const auto rows = random_stream(seed, 30 * second);
    const auto answer = run_stream(
        rows,
        [&](GraphBuilder& job, const GraphBuilder::Vertex& source) {
          const auto window = job.add("window", "window", window_options(span)).from(source);
          job.add("out", "windows").from(window);
          job.add("too_late", "late").and_from(window, "late");
        },
        1s, {static_cast<std::uint32_t>(1 + seed % 3), seed});
    Windows expected = fold(rows, span);
    const auto late = rows_of(answer->late.in_order());
    for (const Row& row : late) count(expected, row, span, -1);
    late_rows += late.size();
    REQUIRE(windows_of(answer->windows, span) == expected);
  }
  CHECK(late_rows > 100);
}

TEST_CASE("sessions are what a fold over all rows says, in any order that is allowed") {
  for (const std::int64_t gap : {second / 2, 2 * second, 7 * second, 100 * second}) {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
      const std::int64_t disorder = seed % 2 == 0 ? 0 : 5 * second;
      const auto rows = random_stream(seed, disorder);
      for (const JobMode mode : {JobMode::streaming, JobMode::batch}) {
        INFO("gap " << gap << " seed " << seed << " " << to_string(mode));
        Json options = session_options(gap);
        options["late"] = "drop";
        const auto answer = run_stream(
            rows,
            [&](GraphBuilder& job, const GraphBuilder::Vertex& source) {
              job.add("out", "windows").from(job.add("window", "window", options).from(source));
            },
            std::chrono::microseconds(disorder),
            {static_cast<std::uint32_t>(1 + seed % 3), seed, mode});
        REQUIRE(sessions_of(answer->windows.in_order()) == fold_sessions(rows, gap));
      }
    }
  }
}

TEST_CASE("a row that comes after its time is in no session; what is left is theirs") {
  std::size_t late_rows = 0;
  const std::int64_t gap = 2 * second;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    INFO("seed " << seed);
    const auto rows = random_stream(seed, 30 * second);
    const auto answer = run_stream(
        rows,
        [&](GraphBuilder& job, const GraphBuilder::Vertex& source) {
          const auto window = job.add("window", "window", session_options(gap)).from(source);
          job.add("out", "windows").from(window);
          job.add("too_late", "late").and_from(window, "late");
        },
        1s, {static_cast<std::uint32_t>(1 + seed % 3), seed});
    std::multiset<Row> on_time(rows.begin(), rows.end());
    const auto late = rows_of(answer->late.in_order());
    for (const Row& row : late) on_time.erase(on_time.find(row));
    late_rows += late.size();
    REQUIRE(sessions_of(answer->windows.in_order()) ==
            fold_sessions({on_time.begin(), on_time.end()}, gap));
  }
  CHECK(late_rows > 100);
}

TEST_CASE("filters, selects and unions hand event times on") {
  const Span span{10 * second, 10 * second};
  const auto rows = random_stream(3, 2 * second);
  std::vector<Row> kept;
  for (const Row& row : rows) {
    if (row.value % 3 == 0) kept.push_back(row);
    if (row.value % 3 != 1) kept.push_back({row.time, row.key + 100, row.value});
  }
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    Json options = window_options(span);
    options["late"] = "drop";
    const auto answer = run_stream(
        rows,
        [&](GraphBuilder& job, const GraphBuilder::Vertex& source) {
          const auto some = job.add("some", "filter", {{"where", "value % 3 = 0"}}).from(source);
          const auto others =
              job.add("others", "filter", {{"where", "value % 3 <> 1"}}).from(source);
          const auto plain = job.add("plain", "select", {{"columns", {"key", "value"}}}).from(some);
          const auto moved =
              job.add("moved", "select", {{"columns", {{"value", "value"}, {"key", "key + 100"}}}})
                  .from(others);
          const auto both = job.add("both", "union").from({plain, moved});
          job.add("out", "windows").from(job.add("window", "window", options).from(both));
        },
        2s, {static_cast<std::uint32_t>(1 + seed % 3), seed});
    REQUIRE(windows_of(answer->windows, span) == fold(kept, span));
  }
}

TEST_CASE("windows that do not fit into the memory of their run fail it, and say what to do") {
  const Span span{3600 * second, 3600 * second};
  std::vector<Row> rows;
  for (std::int64_t i = 0; i < 40000; ++i) rows.push_back({i, i, i});
  Json options = window_options(span);
  options["late"] = "drop";
  TempDir directory;
  Collected collected;
  OperatorRegistry registry(system_files());
  register_operators(registry);
  registry.add(given_kind("given", rows_schema(), table_of(rows, 1)));
  registry.add(collect_kind("windows", collected));
  JobGraph job = job_of(
      [&](GraphBuilder& builder, const GraphBuilder::Vertex& source) {
        builder.add("out", "windows").from(builder.add("window", "window", options).from(source));
      },
      0s, JobMode::streaming);
  REQUIRE(bind(job, registry).empty());
  TaskGraph graph = plan_tasks(job, registry, {1, false}).value();
  REQUIRE(assign_splits(graph).ok());
  SteppedRun run(graph, 1, {.memory_bytes = 300000, .directory = directory.path()});
  run.run();
  REQUIRE(!run.errors().empty());
  CHECK(run.errors().front().message.find("open windows take") != std::string::npos);
  CHECK(run.errors().front().hint.find("more memory") != std::string::npos);
}
