// Operators over streams, as the task runtime runs them, beside the batch plan of the same job:
// random rows whose order is as mixed as the watermark allows, one to four subtasks, channels of
// two batches, random interleavings. The rows that a stream of changes leaves are the rows of the
// batch answer; a log of them with their weights comes to the same.
#include "runtime/base/json.hpp"
#include "runtime/graph/graph_builder.hpp"
#include "runtime/graph/task_graph.hpp"
#include "runtime/ops/builtin_ops.hpp"
#include "tests/runtime/host/given_tables.hpp"
#include "tests/runtime/host/stepped_run.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rows.hpp"
#include "tests/support/temp_dir.hpp"

#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <map>

using namespace troupe;

namespace {

constexpr std::int64_t second = 1'000'000;
constexpr Duration disorder = 5s;

const SchemaPtr rows_schema =
    arrow::schema({arrow::field("key", arrow::int64()), arrow::field("name", arrow::utf8()),
                   arrow::field("amount", arrow::int64()), arrow::field("price", arrow::float64()),
                   arrow::field("at", arrow::timestamp(arrow::TimeUnit::MICRO))});

double random_price(Random& random) {
  switch (random.below(40)) {
    case 0:
      return std::numeric_limits<double>::infinity();
    case 1:
      return std::numeric_limits<double>::quiet_NaN();
    case 2:
      return 1e300;
    case 3:
      return -0.0;
    default:
      return static_cast<double>(random.below(1000)) / 7;
  }
}

/// Rows of a few minutes, each up to `disorder` behind the latest one before it; some twice.
Table random_stream(std::uint64_t seed, std::int64_t count) {
  Random random(seed);
  arrow::Int64Builder keys, amounts;
  arrow::StringBuilder names;
  arrow::DoubleBuilder prices;
  arrow::TimestampBuilder times(rows_schema->field(4)->type(), arrow::default_memory_pool());
  Table table;
  std::int64_t now = 100 * second;
  std::int64_t left_in_batch = 1 + static_cast<std::int64_t>(random.below(40));
  const auto flush = [&] {
    const std::int64_t rows = keys.length();
    table.push_back(Batch(arrow::RecordBatch::Make(
        rows_schema, rows,
        {*keys.Finish(), *names.Finish(), *amounts.Finish(), *prices.Finish(), *times.Finish()})));
    left_in_batch = 1 + static_cast<std::int64_t>(random.below(40));
  };
  for (std::int64_t i = 0; i < count; ++i) {
    now += static_cast<std::int64_t>(random.below(2 * second));
    const auto behind = static_cast<std::int64_t>(random.below(5 * second));
    REQUIRE((random.below(12) == 0 ? keys.AppendNull()
                                   : keys.Append(static_cast<std::int64_t>(random.below(9))))
                .ok());
    REQUIRE(names.Append(std::string(1, static_cast<char>('a' + random.below(4)))).ok());
    REQUIRE((random.below(15) == 0 ? amounts.AppendNull()
                                   : amounts.Append(static_cast<std::int64_t>(random.below(30))))
                .ok());
    REQUIRE(prices.Append(random_price(random)).ok());
    // Whole seconds: rows with equal times, and equal rows.
    REQUIRE(times.Append((now - behind) / second * second).ok());
    if (--left_in_batch == 0) flush();
  }
  if (keys.length() > 0) flush();
  return table;
}

using Vertex = GraphBuilder::Vertex;
/// The operators between the sources `a` and `b` and the sink.
using Describe = std::function<Vertex(GraphBuilder&, Vertex a, Vertex b)>;

struct Setting {
  std::uint32_t parallelism = 1;
  std::uint64_t seed = 1;
  JobMode mode = JobMode::streaming;
  bool log = false;  ///< of the changes, with their weights
};

std::vector<std::string> run_job(const Describe& describe, const Setting& setting,
                                 std::int64_t rows = 250) {
  TempDir directory;
  Collected collected;
  OperatorRegistry registry(system_files());
  register_operators(registry);
  const std::uint64_t data = setting.seed * 1000;
  registry.add(given_kind("given_a", rows_schema, random_stream(data, rows)));
  registry.add(given_kind("given_b", rows_schema, random_stream(data + 1, rows)));
  registry.add(given_kind("given_table", rows_schema, random_stream(data + 2, 60)));
  registry.add(collect_kind("collect", collected));
  GraphBuilder builder("job");
  builder.mode(setting.mode);
  const auto a = builder.add("a", "given_a");
  const auto b = builder.add("b", "given_b");
  a.event_time({"at", disorder});
  b.event_time({"at", disorder});
  auto last = describe(builder, a, b);
  if (setting.log) last = builder.add("log", "changes").from(last);
  builder.add("out", "collect").from(last);
  // Both are read, whatever the case is about.
  builder.add("none_a", "filter", {{"where", "false"}}).from(a);
  builder.add("none_b", "filter", {{"where", "false"}}).from(b);
  Collected nothing;
  registry.add(collect_kind("nothing", nothing));
  builder.add("sink_a", "nothing")
      .from(builder.add("none_a2", "filter", {{"where", "true"}}).from(a));
  builder.add("sink_b", "nothing")
      .from(builder.add("none_b2", "filter", {{"where", "true"}}).from(b));
  JobGraph job = builder.build().value();
  const auto mistakes = bind(job, registry);
  INFO((mistakes.empty() ? "" : mistakes.front().to_string()));
  REQUIRE(mistakes.empty());
  job = decode_plan(encode_plan(job)).value();
  TaskGraph graph = plan_tasks(job, registry, {setting.parallelism, false}).value();
  REQUIRE(assign_splits(graph).ok());
  SteppedRun run(graph, setting.seed, {.directory = directory.path(), .channels = {2, 4000}});
  run.run_to_end();
  return sorted_lines_of(collected.in_order());
}

/// What lines that end in a weight come to.
std::vector<std::string> come_to(const std::vector<std::string>& log) {
  std::map<std::string, std::int64_t> sums;
  for (const std::string& line : log) {
    const auto bar = line.rfind('|');
    sums[line.substr(0, bar)] += std::stoll(line.substr(bar + 1));
  }
  std::vector<std::string> rows;
  for (const auto& [line, weight] : sums) {
    REQUIRE(weight >= 0);
    rows.insert(rows.end(), static_cast<std::size_t>(weight), line);
  }
  return rows;
}

/// `batch`: another way to the same rows.
void check_as(const Describe& batch, const Describe& describe, std::uint64_t seeds,
              std::int64_t rows = 250) {
  std::size_t answers = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    auto expected = run_job(batch, {1, seed, JobMode::batch}, rows);
    answers += expected.size();
    for (const std::uint32_t parallelism : {1u, 2u, 4u}) {
      INFO("seed " << seed << ", " << parallelism << " subtasks");
      REQUIRE(run_job(describe, {parallelism, seed}, rows) == expected);
      auto log = come_to(run_job(describe, {parallelism, seed, JobMode::streaming, true}, rows));
      std::sort(log.begin(), log.end());
      REQUIRE(log == expected);
    }
  }
  CHECK(answers >= seeds);
}

void check_as_batch(const Describe& describe, std::uint64_t seeds = 6, std::int64_t rows = 250) {
  check_as(describe, describe, seeds, rows);
}

const Json windows_of_rows = {{"size", "20s"},
                              {"slide", "10s"},
                              {"group_by", {"key"}},
                              {"select", {{"rows", "count(*)"}, {"most", "max(amount)"}}},
                              {"late", "drop"}};

const Json totals = {{"group_by", {"key"}},
                     {"select",
                      {{"rows", "count(*)"},
                       {"amounts", "count(amount)"},
                       {"total", "sum(amount)"},
                       {"prices", "sum(price)"},
                       {"mean", "avg(price)"},
                       {"spread", "stddev(amount)"},
                       {"least", "min(name)"},
                       {"most", "max(price)"}}}};

}  // namespace

TEST_CASE("groups of a stream come to those of a table") {
  check_as_batch([](GraphBuilder& job, const Vertex& a, const Vertex&) {
    return job.add("totals", "aggregate", totals).from(a);
  });
}

TEST_CASE("groups by the columns of a window end with it") {
  check_as_batch([](GraphBuilder& job, const Vertex& a, const Vertex&) {
    const auto windows = job.add("windows", "window", windows_of_rows).from(a);
    const auto renamed =
        job.add("renamed", "select",
                {{"columns", {{"until", "window_end"}, {"most", "most"}, {"rows", "rows"}}}})
            .from(windows);
    return job
        .add("by_window", "aggregate",
             {{"group_by", {"until"}},
              {"select", {{"most", "max(rows)"}, {"groups", "count(*)"}, {"sum", "sum(most)"}}}})
        .from(renamed);
  });
}

TEST_CASE("groups of changes take rows back, whatever is computed of them") {
  check_as_batch([](GraphBuilder& job, const Vertex& a, const Vertex&) {
    const auto first =
        job.add("totals", "aggregate",
                {{"group_by", {"key", "name"}},
                 {"select",
                  {{"total", "sum(amount)"}, {"prices", "sum(price)"}, {"most", "max(amount)"}}}})
            .from(a);
    return job
        .add("again", "aggregate",
             {{"group_by", {"most"}},
              {"select",
               {{"rows", "count(*)"},
                {"total", "sum(total)"},
                {"sum_prices", "sum(prices)"},
                {"mean", "avg(prices)"},
                {"dev", "stddev(prices)"},
                {"least", "min(total)"},
                {"most_price", "max(prices)"},
                {"keys", "count(distinct key)"},
                {"middle", "median(total)"},
                {"names", "string_agg(name, ',' order by name)"}}}})
        .from(first);
  });
}

TEST_CASE("totals of everything have one row, with rows and without any") {
  const auto all = [](const std::string& where) {
    return [where](GraphBuilder& job, const Vertex& a, const Vertex&) {
      const auto some = job.add("some", "filter", {{"where", where}}).from(a);
      return job
          .add("all", "aggregate",
               {{"select", {{"rows", "count(*)"}, {"total", "sum(price)"}, {"n", "max(name)"}}}})
          .from(some);
    };
  };
  check_as_batch(all("true"), 2);
  CHECK(run_job(all("false"), {2, 1}) == run_job(all("false"), {2, 1, JobMode::batch}));
}

TEST_CASE("distinct rows of a stream, of changes and of windows") {
  check_as_batch([](GraphBuilder& job, const Vertex& a, const Vertex&) {
    return job.add("distinct", "distinct", {{"columns", {"key", "amount"}}}).from(a);
  });
  check_as_batch(
      [](GraphBuilder& job, const Vertex& a, const Vertex&) {
        const auto first =
            job.add("totals", "aggregate",
                    {{"group_by", {"key", "name"}}, {"select", {{"most", "max(amount)"}}}})
                .from(a);
        return job.add("distinct", "distinct", {{"columns", {"most"}}}).from(first);
      },
      3);
  check_as_batch(
      [](GraphBuilder& job, const Vertex& a, const Vertex&) {
        const auto windows = job.add("windows", "window", windows_of_rows).from(a);
        return job.add("distinct", "distinct", {{"columns", {"rows", "window_start"}}})
            .from(windows);
      },
      3);
}

TEST_CASE("filters, selects and unions hand weights on") {
  check_as_batch([](GraphBuilder& job, const Vertex& a, const Vertex& b) {
    const auto first = job.add("totals", "aggregate", totals).from(a);
    const auto kept = job.add("kept", "filter", {{"where", "rows > 3"}}).from(first);
    const auto some =
        job.add("some", "select", {{"columns", {{"key", "key"}, {"n", "rows + 1"}}}}).from(kept);
    const auto plain =
        job.add("plain", "select", {{"columns", {{"n", "amount"}, {"key", "key"}}}}).from(b);
    return job.add("both", "union").from({some, plain});
  });
}

TEST_CASE("the first rows of each key, of appends, of changes and of windows") {
  const auto first = [](Json options, bool changes) {
    return [options, changes](GraphBuilder& job, const Vertex& a, const Vertex&) {
      if (!changes) return job.add("top", "top", options).from(a);
      const auto groups = job.add("groups", "aggregate",
                                  {{"group_by", {"key", "name"}},
                                   {"select", {{"amount", "sum(amount)"}, {"n", "count(*)"}}}})
                              .from(a);
      return job.add("top", "top", options).from(groups);
    };
  };
  const Json three = {
      {"key", {"key"}}, {"order_by", {"amount desc"}}, {"rows", 3}, {"rank", "place"}};
  const Json tied = {{"key", {"name"}}, {"order_by", {"amount"}}, {"rows", 2}, {"ties", true}};
  for (const bool changes : {false, true}) {
    check_as_batch(first(three, changes), 3);
    check_as_batch(first(tied, changes), 3);
  }
  check_as_batch(
      [](GraphBuilder& job, const Vertex& a, const Vertex&) {
        const auto windows = job.add("windows", "window", windows_of_rows).from(a);
        return job
            .add(
                "top", "top",
                {{"key", {"window_end"}}, {"order_by", {"rows desc"}}, {"rows", 1}, {"ties", true}})
            .from(windows);
      },
      3);
}

TEST_CASE("one row of each key: the first or the last in an order") {
  for (const char* keep : {"first", "last"}) {
    check_as_batch(
        [&](GraphBuilder& job, const Vertex& a, const Vertex&) {
          return job
              .add("one", "dedup", {{"key", {"key", "name"}}, {"order_by", {"at"}}, {"keep", keep}})
              .from(a);
        },
        3);
  }
}

TEST_CASE("joins of streams, of appends and of changes, of every type") {
  const auto joined = [](const char* type, bool changes) {
    return [type, changes](GraphBuilder& job, const Vertex& a, const Vertex& b) {
      const auto some = job.add("some", "filter", {{"where", "amount < 9"}}).from(a);
      const auto others = job.add("others", "filter", {{"where", "amount > 24"}}).from(b);
      const Json options = {{"using", {"key"}}, {"type", type}, {"suffix", "_right"}};
      if (!changes) return job.add("join", "join", options).from({some, others});
      const Json sums = {{"group_by", {"key", "name"}}, {"select", {{"n", "sum(amount)"}}}};
      const auto left = job.add("left", "aggregate", sums).from(some);
      // Groups of few rows, which come and go.
      const auto right = job.add("right", "filter", {{"where", "n % 3 > 0"}})
                             .from(job.add("sums", "aggregate", sums).from(others));
      return job.add("join", "join", options).from({left, right});
    };
  };
  for (const char* type : {"inner", "left", "right", "full", "semi", "anti"}) {
    for (const bool changes : {false, true}) {
      INFO(type << (changes ? " of changes" : " of appends"));
      check_as_batch(joined(type, changes), 2, 80);
    }
  }
}

TEST_CASE("joins by windows, of every type") {
  for (const char* type : {"inner", "left", "right", "full", "semi", "anti"}) {
    INFO(type);
    check_as_batch(
        [&](GraphBuilder& job, const Vertex& a, const Vertex& b) {
          const auto left = job.add("left", "window", windows_of_rows).from(a);
          Json of_right = windows_of_rows;
          of_right["select"] = {{"prices", "sum(price)"}};
          const auto right =
              job.add("right", "window", of_right)
                  .from(job.add("few", "filter", {{"where", "amount > 15"}}).from(b));
          return job
              .add("join", "join",
                   {{"using", {"key", "window_start"}}, {"type", type}, {"suffix", "_right"}})
              .from({left, right});
        },
        2);
  }
}

TEST_CASE("rows that are near in time") {
  const Describe near = [](GraphBuilder& job, const Vertex& a, const Vertex& b) {
    return job
        .add("near", "join.interval",
             {{"using", {"key"}},
              {"from", "at - INTERVAL '4 seconds'"},
              {"to", "at + amount * INTERVAL '1 second'"},
              {"reach_back", "4s"},
              {"suffix", "_right"}})
        .from({a, b});
  };
  const Describe filtered = [](GraphBuilder& job, const Vertex& a, const Vertex& b) {
    const auto all =
        job.add("all", "join", {{"using", {"key"}}, {"suffix", "_right"}}).from({a, b});
    return job
        .add("near", "filter",
             {{"where",
               "at_right >= at - INTERVAL '4 seconds' AND "
               "at_right <= at + amount * INTERVAL '1 second'"}})
        .from(all);
  };
  check_as(filtered, near, 6);
  CHECK(run_job(near, {2, 1, JobMode::batch}) == run_job(filtered, {2, 1, JobMode::batch}));
}

TEST_CASE("a stream with a table that is read first") {
  for (const char* type : {"inner", "left", "semi", "anti"}) {
    INFO(type);
    check_as_batch(
        [&](GraphBuilder& job, const Vertex& a, const Vertex&) {
          const auto table = job.add("table", "given_table");
          const auto names =
              job.add("names", "distinct", {{"columns", {"key", "amount"}}})
                  .from(job.add("few", "filter", {{"where", "amount < 4"}}).from(table));
          return job
              .add("join", "join",
                   {{"keys", {{"key", "key"}, {"amount", "amount + 0"}}},
                    {"type", type},
                    {"suffix", "_right"}})
              .from({a, names});
        },
        2);
  }
}
