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
#include "tests/support/catch.hpp"
#include "tests/support/rows.hpp"
#include "tests/support/temp_dir.hpp"

#include <arrow/array/builder_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <map>

using namespace troupe;

namespace {

constexpr std::int64_t second = 1'000'000;

struct Row {
  std::int64_t time = 0;  ///< microseconds
  std::int64_t key = 0;
  std::int64_t value = 0;
};

const SchemaPtr rows_schema =
    arrow::schema({arrow::field("key", arrow::int64()), arrow::field("value", arrow::int64()),
                   arrow::field("at", arrow::timestamp(arrow::TimeUnit::MICRO))});

/// Rows of a minute or so, each up to `disorder` behind the latest one before it.
std::vector<Row> random_stream(std::uint64_t seed, std::int64_t disorder) {
  Random random(seed);
  std::vector<Row> rows;
  std::int64_t now = 100 * second;
  for (std::int64_t i = 0; i < 600; ++i) {
    now +=
        static_cast<std::int64_t>(random.below(random.below(50) == 0 ? 20 * second : second / 5));
    const auto behind =
        disorder == 0
            ? 0
            : static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(disorder)));
    rows.push_back({now - behind, static_cast<std::int64_t>(random.below(7)), i});
  }
  return rows;
}

Batch batch_of(const std::vector<Row>& rows, std::size_t from, std::size_t to) {
  arrow::Int64Builder keys, values;
  arrow::TimestampBuilder times(rows_schema->field(2)->type(), arrow::default_memory_pool());
  for (std::size_t i = from; i < to; ++i) {
    REQUIRE(keys.Append(rows[i].key).ok());
    REQUIRE(values.Append(rows[i].value).ok());
    REQUIRE(times.Append(rows[i].time).ok());
  }
  return Batch(arrow::RecordBatch::Make(rows_schema, static_cast<std::int64_t>(to - from),
                                        {*keys.Finish(), *values.Finish(), *times.Finish()}));
}

/// Batches of up to 40 rows: a split each.
Table table_of(const std::vector<Row>& rows, std::uint64_t seed) {
  Random random(seed);
  Table table;
  for (std::size_t at = 0; at < rows.size();) {
    const std::size_t end = std::min(rows.size(), at + 1 + random.below(40));
    table.push_back(batch_of(rows, at, end));
    at = end;
  }
  return table;
}

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
  registry.add(given_kind("given", rows_schema, table_of(rows, setting.seed)));
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

struct Span {
  std::int64_t size, slide;
};

Json window_options(const Span& span) {
  return {{"size", fmt::format("{}s", span.size / second)},
          {"slide", fmt::format("{}s", span.slide / second)},
          {"group_by", {"key"}},
          {"select", {{"rows", "count(*)"}, {"total", "sum(value)"}}}};
}

/// Number and sum of the values by window's end and key.
struct Counted {
  std::int64_t rows = 0, total = 0;

  friend bool operator==(const Counted&, const Counted&) = default;
};
using Windows = std::map<std::pair<std::int64_t, std::int64_t>, Counted>;

void count(Windows& windows, const Row& row, const Span& span, std::int64_t sign = 1) {
  for (std::int64_t end = row.time / span.slide * span.slide + span.size; end > row.time;
       end -= span.slide) {
    Counted& counted = windows[{end, row.key}];
    counted.rows += sign;
    counted.total += sign * row.value;
    if (counted.rows == 0) windows.erase({end, row.key});
  }
}

Windows fold(const std::vector<Row>& rows, const Span& span) {
  Windows windows;
  for (const Row& row : rows) count(windows, row, span);
  return windows;
}

std::int64_t number(const Batch& batch, const std::string& column, std::int64_t row) {
  return batch.columns()->GetColumnByName(column)->data()->GetValues<std::int64_t>(1)[row];
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

std::vector<Row> rows_of(const Collected& collected) {
  std::vector<Row> rows;
  for (const Batch& batch : collected.in_order()) {
    CHECK(batch.columns()->num_columns() == 3);
    for (std::int64_t i = 0; i < batch.rows(); ++i) {
      rows.push_back({number(batch, "at", i), number(batch, "key", i), number(batch, "value", i)});
    }
  }
  return rows;
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
    const auto late = rows_of(answer->late);
    for (const Row& row : late) count(expected, row, span, -1);
    late_rows += late.size();
    REQUIRE(windows_of(answer->windows, span) == expected);
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
  registry.add(given_kind("given", rows_schema, table_of(rows, 1)));
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
