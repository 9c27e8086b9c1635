// Joins, sorts, limits and unions as the task runtime runs them: planned from a job, over channels
// so small that everybody waits for everybody, in random interleavings, with and without edges on
// disk, with and without memory. No run may get stuck, and the result is always that of one subtask
// with plenty of everything; rows of a sort come in its order.
#include "runtime/base/json.hpp"
#include "runtime/graph/graph_builder.hpp"
#include "runtime/graph/task_graph.hpp"
#include "runtime/ops/builtin_ops.hpp"
#include "tests/runtime/host/given_tables.hpp"
#include "tests/runtime/host/stepped_run.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rows.hpp"
#include "tests/support/temp_dir.hpp"

#include <arrow/type.h>

using namespace troupe;

namespace {

const SchemaPtr left_schema =
    arrow::schema({arrow::field("k", arrow::int64()), arrow::field("s", arrow::utf8())});
const SchemaPtr right_schema =
    arrow::schema({arrow::field("k", arrow::int64()), arrow::field("v", arrow::float64())});

struct Setting {
  std::uint32_t parallelism = 1;
  bool keep_edges = false;
  std::int64_t memory = std::int64_t{1} << 30;
  std::uint64_t seed = 1;
};

using Describe = std::function<void(GraphBuilder&)>;

Table run_job(const Describe& describe, const Setting& setting) {
  TempDir directory;
  Collected collected;
  OperatorRegistry registry(system_files());
  register_operators(registry);
  registry.add(given_kind(
      "left", left_schema,
      random_rows(left_schema, {.seed = 1, .rows = 400, .batch_rows = 60, .distinct = 40})));
  registry.add(given_kind(
      "right", right_schema,
      random_rows(right_schema, {.seed = 2, .rows = 300, .batch_rows = 60, .distinct = 60})));
  registry.add(collect_kind("collect", collected));
  GraphBuilder builder("job");
  describe(builder);
  JobGraph job = builder.build().value();
  const auto mistakes = bind(job, registry);
  INFO((mistakes.empty() ? "" : mistakes.front().to_string()));
  REQUIRE(mistakes.empty());
  TaskGraph graph = plan_tasks(job, registry, {setting.parallelism, setting.keep_edges}).value();
  REQUIRE(assign_splits(graph).ok());
  SteppedRun run(
      graph, setting.seed,
      {.memory_bytes = setting.memory, .directory = directory.path(), .channels = {2, 2000}});
  run.run_to_end();
  return collected.in_order();
}

/// The same rows whatever the setting; in the same order where `ordered`.
void check_everywhere(const Describe& describe, bool ordered = false) {
  const auto expected = run_job(describe, {});
  CHECK(lines_of(expected).size() > 3);
  for (const std::uint32_t parallelism : {1u, 2u, 3u}) {
    for (const bool keep : {false, true}) {
      for (const std::int64_t memory : {std::int64_t{1} << 30, std::int64_t{3000}}) {
        for (std::uint64_t seed = 1; seed <= 3; ++seed) {
          INFO("parallelism " << parallelism << " keep " << keep << " memory " << memory << " seed "
                              << seed);
          const auto rows = run_job(describe, {parallelism, keep, memory, seed});
          if (ordered) {
            REQUIRE(lines_of(rows) == lines_of(expected));
          } else {
            REQUIRE(sorted_lines_of(rows) == sorted_lines_of(expected));
          }
        }
      }
    }
  }
}

}  // namespace

TEST_CASE("joins of every type run to their end") {
  for (const std::string type : {"inner", "left", "right", "full", "semi", "anti"}) {
    for (const std::string strategy : {"hash", "broadcast"}) {
      if (strategy == "broadcast" && (type == "right" || type == "full")) continue;
      INFO(type << " " << strategy);
      check_everywhere([&](GraphBuilder& job) {
        const auto joined =
            job.add("joined", "join", {{"using", {"k"}}, {"type", type}, {"strategy", strategy}})
                .from({job.add("left", "left"), job.add("right", "right")});
        job.add("out", "collect").from(joined);
      });
    }
  }
}

TEST_CASE("a join on an expression of the right input") {
  check_everywhere([](GraphBuilder& job) {
    const auto joined =
        job.add("joined", "join", {{"keys", {{"k", "(v * 2)::bigint"}}}, {"suffix", "_right"}})
            .from({job.add("left", "left"), job.add("right", "right")});
    job.add("out", "collect").from(joined);
  });
}

TEST_CASE("a sort runs to its end, and its rows come in order") {
  // All columns are sorted by, so that equal rows are equal lines.
  check_everywhere(
      [](GraphBuilder& job) {
        const auto sorted =
            job.add("sorted", "sort", {{"by", {"k desc", "s"}}}).from(job.add("left", "left"));
        job.add("out", "collect").from(sorted);
      },
      true);
}

TEST_CASE("two sorts after each other share nothing on disk") {
  check_everywhere(
      [](GraphBuilder& job) {
        const auto once = job.add("once", "sort", {{"by", {"s"}}}).from(job.add("left", "left"));
        const auto twice = job.add("twice", "sort", {{"by", {"k", "s desc"}}}).from(once);
        job.add("out", "collect").from(twice);
      },
      true);
}

TEST_CASE("a sort, then a limit, gives the first rows; so does a sort with a limit") {
  for (const bool apart : {false, true}) {
    check_everywhere(
        [&](GraphBuilder& job) {
          Json with{{"by", {"k nulls first", "s desc"}}};
          if (!apart) with["limit"] = 17;
          auto last = job.add("sorted", "sort", with).from(job.add("left", "left"));
          if (apart) last = job.add("first", "limit", {{"rows", 17}}).from(last);
          job.add("out", "collect").from(last);
        },
        true);
  }
}

TEST_CASE("a graph with circles of waits: rows joined with themselves, sorted") {
  check_everywhere(
      [](GraphBuilder& job) {
        const auto left = job.add("left", "left");
        const auto sorted = job.add("sorted", "sort", {{"by", {"s", "k"}}}).from(left);
        const auto joined = job.add("joined", "join", {{"using", {"k"}}, {"suffix", "_again"}})
                                .from({left, sorted});
        const auto both = job.add("both", "union").from({joined, joined});
        job.add("out", "collect")
            .from(job.add("last", "sort", {{"by", {"k", "s", "s_again"}}}).from(both));
      },
      true);
}
