// The first rows of each key are those of a naive twin, whatever the batches, encodings, budget and
// parallelism; rows that the order cannot tell apart are always the same ones.
#include "tests/support/catch.hpp"
#include "tests/support/phase_runner.hpp"
#include "tests/support/plan_op.hpp"
#include "tests/support/rows.hpp"
#include "tests/support/temp_dir.hpp"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

using namespace troupe;

namespace {

using Lines = std::vector<std::string>;

const SchemaPtr columns =
    arrow::schema({arrow::field("k", arrow::utf8()), arrow::field("x", arrow::int64()),
                   arrow::field("s", arrow::utf8())});

Lines run(const OperatorPlan& plan, const std::vector<Batch>& batches, PhaseRun options = {}) {
  return sorted_lines_of(all_of(run_phases(plan, {deal(batches, 3)}, options).value()));
}

Lines answer(const char* op, const char* with, const char* rows) {
  return run(plan_op(op, with, {columns}).value(), {rows_from(columns, rows)});
}

constexpr const char* few = R"([{"k": "a", "x": 1, "s": "u"}, {"k": "a", "x": 2, "s": "v"},
  {"k": "a", "x": 2, "s": "w"}, {"k": "a", "x": 3, "s": "z"}, {"k": "b", "x": null, "s": "q"},
  {"k": "b", "x": 7, "s": "p"}, {"k": null, "x": 5, "s": "n"}, {"k": null, "x": 4, "s": "m"}])";

/// The first `rows` of each key by "x desc, k, x, s", as a person would find them.
Lines naive(const std::vector<Batch>& batches, std::size_t rows) {
  const auto value = [](const std::string& text) {
    return text == "null" ? std::numeric_limits<std::int64_t>::max() : std::stoll(text);
  };
  std::map<std::string, std::vector<std::pair<std::int64_t, std::string>>> by_key;
  for (const std::string& line : lines_of(batches)) {
    const auto first = line.find('|'), second = line.find('|', first + 1);
    by_key[line.substr(0, first)].emplace_back(-value(line.substr(first + 1, second - first - 1)),
                                               line);
  }
  Lines lines;
  for (auto& [key, all] : by_key) {
    // Texts are compared by their bytes, and null comes after all of them.
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
      const auto text = [](const auto& row) {
        const std::string s = row.second.substr(row.second.rfind('|') + 1);
        return std::pair(s == "null", s);
      };
      return std::pair(a.first, text(a)) < std::pair(b.first, text(b));
    });
    for (std::size_t i = 0; i < std::min(rows, all.size()); ++i) {
      lines.push_back(all[i].second + "|" + std::to_string(i + 1));
    }
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

}  // namespace

TEST_CASE("the first rows of each key, with their place") {
  CHECK(answer("top", R"({"key": ["k"], "order_by": ["x"], "rows": 2, "rank": "place"})", few) ==
        Lines{"a|1|u|1", "a|2|v|2", "b|7|p|1", "b|null|q|2", "null|4|m|1", "null|5|n|2"});
}

TEST_CASE("rows that are equal by the order have one rank, and stay together") {
  CHECK(answer("top", R"({"key": ["k"], "order_by": ["x"], "rows": 2, "ties": true, "rank": "r"})",
               few) == Lines{"a|1|u|1", "a|2|v|2", "a|2|w|2", "b|7|p|1", "b|null|q|2", "null|4|m|1",
                             "null|5|n|2"});
  CHECK(answer("top",
               R"({"key": ["k"], "order_by": ["x desc"], "rows": 3, "ties": true, "rank": "r"})",
               few) == Lines{"a|2|v|2", "a|2|w|2", "a|3|z|1", "b|7|p|2", "b|null|q|1", "null|4|m|2",
                             "null|5|n|1"});
}

TEST_CASE("any rows, batches, encodings, budgets and parallelism: the answer is the naive one") {
  const auto plan =
      plan_op("top", R"({"key": ["k"], "order_by": ["x desc"], "rows": 3, "rank": "r"})", {columns})
          .value();
  for (const std::uint32_t seed : {1u, 2u, 3u}) {
    const auto batches = random_rows(columns, {.seed = seed, .rows = 3000, .distinct = 9});
    const Lines expected = naive(batches, 3);
    for (std::uint32_t parallelism = 1; parallelism <= 4; ++parallelism) {
      CHECK(run(plan, batches, {.parallelism = parallelism, .seed = seed}) == expected);
    }
    TempDir directory;
    MemoryBudget nothing(1);
    CHECK(run(plan, batches,
              {.memory = &nothing, .scratch_directory = directory.path(), .seed = seed}) ==
          expected);
  }
}

TEST_CASE("a key that goes on in the next batch is counted on") {
  const auto schema = arrow::schema({arrow::field("k", arrow::int64())});
  arrow::Int64Builder keys;
  for (std::int64_t row = 0; row < 2 * batch_rows_max + 10; ++row) {
    REQUIRE(keys.Append(row < 10 ? 0 : 1).ok());
  }
  const auto column = keys.Finish().ValueOrDie();
  const auto all = arrow::RecordBatch::Make(schema, column->length(), {column});
  const std::string with = fmt::format(
      R"({{"key": ["k"], "order_by": ["k"], "rows": {}, "ties": false}})", batch_rows_max + 5);
  const auto plan = plan_op("top", with.c_str(), {schema}).value();
  Stream batches;
  for (std::int64_t at = 0; at < all->num_rows(); at += batch_rows_max) {
    batches.emplace_back(all->Slice(at, batch_rows_max));
  }
  CHECK(run(plan, batches).size() == 10 + batch_rows_max + 5);
}

TEST_CASE("mistakes of top have their place") {
  const auto path = [](const char* op, const char* with) {
    return plan_op(op, with, {columns}).error().path;
  };
  CHECK(path("top", R"({"key": ["kk"], "order_by": ["x"], "rows": 1})") == "key.0");
  CHECK(path("top", R"({"key": [], "order_by": ["x"], "rows": 1})") == "key");
  CHECK(path("top", R"({"key": ["k"], "order_by": ["y"], "rows": 1})") == "order_by.0");
  CHECK(path("top", R"({"key": ["k"], "order_by": ["x"], "rows": 1, "rank": "s"})") == "rank");
}
