// sort: std::stable_sort over the same rows is the twin. Random rows of every type that has an
// order, with nulls, NaN and long texts with one beginning; one to four subtasks; with memory and
// almost without. What the subtasks emit, read in their order, must be the twin's keys in the
// twin's order, and the rows must be the same rows.
#include "runtime/base/json.hpp"
#include "runtime/data/take.hpp"
#include "runtime/operator/operator_kind.hpp"
#include "runtime/ops/builtin_ops.hpp"
#include "runtime/ops/sort/sort_exchange.hpp"
#include "runtime/ops/sort/sort_key.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/phase_runner.hpp"
#include "tests/support/temp_dir.hpp"

#include <arrow/array/builder_primitive.h>
#include <arrow/json/from_string.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

#include <algorithm>
#include <cmath>

using namespace troupe;

namespace {

const SchemaPtr schema =
    arrow::schema({arrow::field("i", arrow::int32()), arrow::field("s", arrow::utf8()),
                   arrow::field("d", arrow::float64()), arrow::field("m", arrow::decimal128(20, 2)),
                   arrow::field("b", arrow::boolean()),
                   arrow::field("t", arrow::timestamp(arrow::TimeUnit::MICRO))});

OperatorPlan plan_sort(const std::vector<std::string>& by, std::uint32_t parallelism,
                       std::optional<std::int64_t> limit = {},
                       std::optional<std::int64_t> rows = {}) {
  OperatorRegistry registry(system_files());
  register_operators(registry);
  const OperatorKind& kind = *registry.find("sort");
  Json with{{"by", by}};
  if (limit) with["limit"] = *limit;
  const auto options = Options::make(kind.description(), with).value();
  return kind.plan(options, {{schema, rows}}, {.parallelism = parallelism}).value();
}

/// A value as the twin compares it: by its SQL meaning, from the scalar, not from any encoding.
struct Value {
  bool null = false;
  double number = 0;
  std::string text;
};

Value value_of(const arrow::Array& column, std::int64_t row) {
  if (column.IsNull(row)) return {.null = true};
  const auto scalar = column.GetScalar(row).ValueOrDie();
  if (column.type_id() == arrow::Type::STRING) return {.text = scalar->ToString()};
  if (column.type_id() == arrow::Type::BOOL) {
    return {.number = scalar->ToString() == "true" ? 1.0 : 0.0};
  }
  if (column.type_id() == arrow::Type::TIMESTAMP) {
    return {.number = double(std::static_pointer_cast<arrow::TimestampScalar>(scalar)->value)};
  }
  return {.number = std::stod(scalar->ToString())};
}

int compare(const Value& a, const Value& b, bool descending, bool nulls_first) {
  if (a.null || b.null) return a.null == b.null ? 0 : a.null == nulls_first ? -1 : 1;
  const int sign = descending ? -1 : 1;
  const bool nan = std::isnan(a.number);
  if (nan || std::isnan(b.number)) return sign * (int(nan) - int(std::isnan(b.number)));
  if (a.number != b.number) return a.number < b.number ? -sign : sign;
  const int order = a.text.compare(b.text);
  return order == 0 ? 0 : order < 0 ? -sign : sign;
}

struct Term {
  int column;
  bool descending;
  bool nulls_first;
};

/// For each row its terms, as text that compares; the rows as lines.
struct Rows {
  std::vector<std::vector<Value>> keys;
  std::vector<std::string> lines;
};

Rows rows_of(const std::vector<Batch>& batches, const std::vector<Term>& terms) {
  Rows rows{{}, lines_of(batches)};
  for (const Batch& batch : batches) {
    std::vector<std::shared_ptr<arrow::Array>> columns;
    for (const Term& term : terms) {
      columns.push_back(plain(batch.columns()->column(term.column)).value());
    }
    for (std::int64_t i = 0; i < batch.rows(); ++i) {
      rows.keys.emplace_back();
      for (const auto& column : columns) rows.keys.back().push_back(value_of(*column, i));
    }
  }
  return rows;
}

int compare(const std::vector<Value>& a, const std::vector<Value>& b,
            const std::vector<Term>& terms) {
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const int order = compare(a[i], b[i], terms[i].descending, terms[i].nulls_first);
    if (order != 0) return order;
  }
  return 0;
}

/// `output` is the first rows of `input` in order.
void check_sorted(const std::vector<Batch>& input, const std::vector<Batch>& output,
                  const std::vector<Term>& terms, std::optional<std::int64_t> limit = {}) {
  Rows twin = rows_of(input, terms);
  const Rows sorted = rows_of(output, terms);
  std::stable_sort(twin.keys.begin(), twin.keys.end(),
                   [&](const auto& a, const auto& b) { return compare(a, b, terms) < 0; });
  const auto count = std::min(twin.keys.size(), static_cast<std::size_t>(limit.value_or(1 << 30)));
  REQUIRE(sorted.keys.size() == count);
  for (std::size_t i = 0; i < count; ++i) {
    REQUIRE(compare(sorted.keys[i], twin.keys[i], terms) == 0);
  }
  auto given = twin.lines;
  auto got = sorted.lines;
  std::sort(given.begin(), given.end());
  std::sort(got.begin(), got.end());
  if (count == given.size()) {
    CHECK(got == given);
  } else {
    CHECK(std::includes(given.begin(), given.end(), got.begin(), got.end()));
  }
}

struct Case {
  std::vector<std::string> by;
  std::vector<Term> terms;
};

const std::vector<Case> cases = {
    {{"i"}, {{0, false, false}}},
    {{"i desc"}, {{0, true, true}}},
    {{"s"}, {{1, false, false}}},
    {{"s desc nulls last", "i"}, {{1, true, false}, {0, false, false}}},
    {{"d desc", "s", "m"}, {{2, true, true}, {1, false, false}, {3, false, false}}},
    {{"m nulls first", "t desc"}, {{3, false, true}, {5, true, true}}},
    {{"b", "i desc nulls last", "d"}, {{4, false, false}, {0, true, false}, {2, false, false}}},
};

}  // namespace

TEST_CASE("a sort has the rows of std::stable_sort") {
  std::uint32_t seed = 1;
  for (const Case& one : cases) {
    for (const std::uint32_t parallelism : {1u, 2u, 4u}) {
      ++seed;
      INFO(fmt::format("{}", fmt::join(one.by, ", ")) << " seed " << seed);
      const auto rows =
          random_rows(schema, {.seed = seed, .rows = 2500, .distinct = 1 + int(seed * 7 % 60)});
      const auto output = run_phases(plan_sort(one.by, parallelism), {deal(rows, parallelism)},
                                     {.parallelism = parallelism, .seed = seed})
                              .value();
      check_sorted(rows, all_of(output), one.terms);
    }
  }
}

TEST_CASE("a sort without memory merges runs from disk, and has the same rows") {
  TempDir directory;
  std::uint32_t seed = 100;
  for (const Case& one : cases) {
    for (const std::int64_t budget_bytes : {1, 30'000}) {
      ++seed;
      INFO(fmt::format("{}", fmt::join(one.by, ", ")) << " seed " << seed);
      // With one byte each batch is a run: more than can be merged at once.
      const auto rows = random_rows(schema, {.seed = seed, .rows = 2500, .batch_rows = 40});
      MemoryBudget budget(budget_bytes);
      const auto output = run_phases(plan_sort(one.by, 2), {deal(rows, 2)},
                                     {.memory = &budget, .scratch_directory = directory.path()})
                              .value();
      check_sorted(rows, all_of(output), one.terms);
      CHECK(budget.used() == 0);
    }
  }
  CHECK(std::filesystem::exists(directory.path() + "/2.0/sort.run0"));
}

TEST_CASE("a sort with a limit has the first rows only") {
  std::uint32_t seed = 200;
  for (const Case& one : cases) {
    for (const std::int64_t limit : {1, 7, 1000, 5000}) {
      ++seed;
      INFO(fmt::format("{}", fmt::join(one.by, ", ")) << " limit " << limit << " seed " << seed);
      const auto rows = random_rows(schema, {.seed = seed, .rows = 2500});
      const auto output =
          run_phases(plan_sort(one.by, 3, limit), {deal(rows, 3)}, {.parallelism = 3, .seed = seed})
              .value();
      check_sorted(rows, all_of(output), one.terms, limit);
    }
  }
}

TEST_CASE("a top of many batches drops what cannot be among the first") {
  // Enough rows for several compactions, in falling order: every batch has better rows.
  const auto numbers = arrow::schema({arrow::field("i", arrow::int64())});
  std::vector<Batch> batches;
  std::int64_t next = 400'000;
  for (int b = 0; b < 20; ++b) {
    arrow::Int64Builder builder;
    for (int i = 0; i < 20'000; ++i) REQUIRE(builder.Append(--next).ok());
    batches.emplace_back(
        arrow::RecordBatch::Make(numbers, 20'000, {builder.Finish().ValueOrDie()}));
  }
  auto plan = plan_sort({"i"}, 2, 5);
  for (Phase& phase : plan.phases) phase.outputs = {numbers};
  const auto output = run_phases(plan, {deal(batches, 2)}).value();
  CHECK(lines_of(all_of(output)) == std::vector<std::string>{"0", "1", "2", "3", "4"});
}

TEST_CASE("ranges are even, and one very frequent key is shared by all subtasks") {
  for (const int distinct : {1, 2, 1000}) {
    const auto rows = random_rows(
        schema, {.seed = 5, .rows = 8000, .batch_rows = 400, .distinct = distinct, .nulls = 0});
    const auto output =
        run_phases(plan_sort({"i"}, 4), {deal(rows, 4)}, {.parallelism = 4}).value();
    check_sorted(rows, all_of(output), {{0, false, false}});
    for (const Stream& stream : output) {
      std::int64_t count = 0;
      for (const Batch& batch : stream) count += batch.rows();
      INFO(distinct);
      CHECK(count > 1200);
      CHECK(count < 2800);
    }
  }
}

TEST_CASE("sorted batches that do not overlap are passed on, not copied") {
  std::vector<Batch> batches;
  for (const char* json : {R"([{"i": 5}, {"i": 6}])", R"([{"i": 1}, {"i": 2}])",
                           R"([{"i": 2}, {"i": 2}])", R"([{"i": null}])"}) {
    batches.push_back(rows_from(schema, json));
  }
  const auto output =
      run_phases(plan_sort({"i"}, 1), {deal(batches, 1)}, {.parallelism = 1}).value();
  REQUIRE(output[0].size() == 4);
  CHECK(output[0][0].columns() == batches[1].columns());
  CHECK(output[0][2].columns() == batches[0].columns());
  CHECK(output[0][3].columns() == batches[3].columns());
}

TEST_CASE("special values: infinities, NaN, -0, extremes") {
  const auto doubles = arrow::schema({arrow::field("d", arrow::float64())});
  const Batch rows = rows_from(doubles, R"([{"d": NaN}, {"d": Inf}, {"d": 0.0}, {"d": null},
      {"d": -Inf}, {"d": -1e-300}, {"d": 1e300}])");
  const auto column = rows.columns()->column(0);
  const auto sorted = [&](SortOrder order) {
    const auto key = make_sort_key({column}, {order}, SortColumn::Scale::within).value();
    return lines_of({take(rows, sort_rows(key)).value()});
  };
  CHECK(sorted({}) ==
        std::vector<std::string>{"-inf", "-1e-300", "0", "1e+300", "inf", "nan", "null"});
  CHECK(sorted({.descending = true, .nulls_first = true}) ==
        std::vector<std::string>{"null", "nan", "inf", "1e+300", "0", "-1e-300", "-inf"});
  const auto longs = arrow::json::ArrayFromJSONString(
                         arrow::int64(), "[9223372036854775807, null, -9223372036854775808, 0]")
                         .ValueOrDie();
  const auto key = make_sort_key({longs, longs}, {{true, false}, {}}, SortColumn::Scale::within);
  CHECK(sort_rows(*key) == std::vector<std::uint32_t>{0, 3, 2, 1});
}

TEST_CASE("many rows with wide keys take the long way, and agree") {
  std::vector<Batch> rows = random_rows(
      arrow::schema({schema->field(0), schema->field(5), schema->field(2), schema->field(1)}),
      {.seed = 9, .rows = 5000, .batch_rows = 5000, .distinct = 3000});
  const Batch all = concat(rows).value();
  // Two doubles and a timestamp are more than 64 bits.
  const auto& columns = all.columns()->columns();
  const auto key = make_sort_key({columns[2], columns[1], columns[3]}, {{}, {true, true}, {}},
                                 SortColumn::Scale::across)
                       .value();
  const auto order = sort_rows(key);
  std::vector<std::uint32_t> twin(order.size());
  for (std::uint32_t i = 0; i < twin.size(); ++i) twin[i] = i;
  std::stable_sort(twin.begin(), twin.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return key.compare(a, key, b) < 0; });
  for (std::size_t i = 0; i < order.size(); ++i) REQUIRE(key.compare(order[i], key, twin[i]) == 0);
}

TEST_CASE("how many subtasks sort depends on what is known") {
  CHECK(plan_sort({"i"}, 4).phases.size() == 3);
  CHECK(plan_sort({"i"}, 1).phases.size() == 1);
  CHECK(plan_sort({"i"}, 4, {}, 1000).phases.size() == 1);
  CHECK(plan_sort({"i"}, 4, 10).phases.size() == 2);
  CHECK(plan_sort({"i"}, 4, 1'000'000).phases.size() == 4);
  CHECK(plan_sort({"i", "d desc"}, 4).phases.back().detail == "i, d desc");
  CHECK(plan_sort({"d", "i"}, 4).needs({1, 2}) == std::vector<std::vector<int>>{{0, 1, 2}});
}
