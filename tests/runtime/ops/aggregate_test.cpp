// An aggregation equals a naive twin that walks the rows one by one with a map, for random rows,
// nulls, encodings and batches, and for any number of subtasks; errors are found, never wrapped.
#include "runtime/data/take.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/phase_runner.hpp"
#include "tests/support/plan_op.hpp"
#include "tests/support/rows.hpp"
#include "tests/support/temp_dir.hpp"

#include <arrow/array.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

using namespace troupe;

namespace {

using Lines = std::vector<std::string>;

const SchemaPtr columns =
    arrow::schema({arrow::field("k", arrow::utf8()), arrow::field("h", arrow::int32()),
                   arrow::field("i", arrow::int64()), arrow::field("d", arrow::float64()),
                   arrow::field("m", arrow::decimal128(12, 2)), arrow::field("s", arrow::utf8())});

std::string text(double value) { return arrow::DoubleScalar(value).ToString(); }
std::string text(__int128 value, int scale) {
  return arrow::Decimal128(static_cast<std::int64_t>(value >> 64),
                           static_cast<std::uint64_t>(value))
      .ToString(scale);
}

/// The rows of one group, as a person would keep them.
struct Group {
  std::int64_t rows = 0, late = 0;
  std::vector<std::int64_t> i;
  std::vector<double> d;
  std::vector<__int128> m;
  std::multiset<std::string> s;
};

template <class Array>
const Array& column(const Batch& batch, int index) {
  return static_cast<const Array&>(*batch.columns()->column(index));
}

std::map<std::string, Group> groups_of(const std::vector<Batch>& batches) {
  std::map<std::string, Group> groups;
  for (const Batch& batch : batches) {
    const auto k = plain(batch.columns()->column(0)).value();
    const auto s =
        std::static_pointer_cast<arrow::StringArray>(plain(batch.columns()->column(5)).value());
    const auto& h = column<arrow::Int32Array>(batch, 1);
    const auto& i = column<arrow::Int64Array>(batch, 2);
    const auto& d = column<arrow::DoubleArray>(batch, 3);
    const auto& m = column<arrow::Decimal128Array>(batch, 4);
    for (std::int64_t row = 0; row < batch.rows(); ++row) {
      const std::string key =
          (k->IsNull(row) ? "null" : k->GetScalar(row).ValueOrDie()->ToString()) + "|" +
          (h.IsNull(row) ? "null" : std::to_string(h.Value(row)));
      Group& group = groups[key];
      ++group.rows;
      if (i.IsValid(row)) group.i.push_back(i.Value(row));
      if (i.IsValid(row) && i.Value(row) > 5) ++group.late;
      if (d.IsValid(row)) group.d.push_back(d.Value(row));
      if (m.IsValid(row)) {
        group.m.push_back(static_cast<std::int64_t>(arrow::Decimal128(m.GetValue(row)).low_bits()));
      }
      if (s->IsValid(row)) group.s.insert(s->GetString(row));
    }
  }
  return groups;
}

template <class Value>
Value sum_of(const std::vector<Value>& values) {
  Value sum = 0;
  for (const Value& value : values) sum += value;
  return sum;
}

/// Rounded half away from zero, as PostgreSQL rounds.
__int128 average(const std::vector<__int128>& values) {
  const __int128 scaled = sum_of(values) * 1'000'000, count = values.size();
  const __int128 magnitude = ((scaled < 0 ? -scaled : scaled) * 2 + count) / (2 * count);
  return scaled < 0 ? -magnitude : magnitude;
}

/// Each value once; of texts, the largest first.
template <class Value>
std::vector<Value> different(const std::vector<Value>& values) {
  const std::set<Value> set(values.begin(), values.end());
  return {set.begin(), set.end()};
}
Lines different(const std::multiset<std::string>& values) {
  const std::set<std::string> set(values.begin(), values.end());
  return {set.rbegin(), set.rend()};
}

double percentile(const std::vector<std::int64_t>& values, double fraction) {
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const double place = fraction * static_cast<double>(sorted.size() - 1);
  const double low = sorted[static_cast<std::size_t>(std::floor(place))];
  return low +
         (place - std::floor(place)) * (sorted[static_cast<std::size_t>(std::ceil(place))] - low);
}

std::string line_of(const std::string& key, const Group& group) {
  const auto or_null = [](bool some, const auto& value) { return some ? value() : "null"; };
  const bool i = !group.i.empty(), d = !group.d.empty(), m = !group.m.empty(), s = !group.s.empty();
  const auto count = [](const auto& values) { return static_cast<double>(values.size()); };
  Lines parts = {
      key,
      std::to_string(group.rows),
      std::to_string(group.i.size()),
      std::to_string(group.late),
      or_null(i, [&] { return std::to_string(sum_of(group.i)); }),
      or_null(i, [&] { return text(static_cast<double>(sum_of(group.i)) / count(group.i)); }),
      or_null(d, [&] { return text(sum_of(group.d)); }),
      or_null(d, [&] { return text(sum_of(group.d) / count(group.d)); }),
      or_null(m, [&] { return text(sum_of(group.m), 2); }),
      or_null(m, [&] { return text(average(group.m), 8); }),
      or_null(i, [&] { return std::to_string(*std::min_element(group.i.begin(), group.i.end())); }),
      or_null(d, [&] { return text(*std::max_element(group.d.begin(), group.d.end())); }),
      or_null(s, [&] { return *group.s.begin(); }),
      or_null(s, [&] { return *group.s.rbegin(); }),
      std::to_string(std::set<std::string>(group.s.begin(), group.s.end()).size()),
      std::to_string(std::set<std::int64_t>(group.i.begin(), group.i.end()).size()),
      or_null(i, [&] { return text(percentile(group.i, 0.5)); }),
      or_null(i, [&] { return text(percentile(group.i, 0.9)); }),
      or_null(i, [&] { return std::to_string(sum_of(different(group.i))); }),
      or_null(m, [&] { return text(average(different(group.m)), 8); }),
      or_null(s, [&] { return fmt::format("{}", fmt::join(group.s, ";")); }),
      or_null(s, [&] { return fmt::format("{}", fmt::join(different(group.s), "+")); }),
      or_null(s, [&] { return *group.s.begin(); }),
  };
  return fmt::format("{}", fmt::join(parts, "|"));
}

const char* const everything = R"~({"group_by": ["k", "h"], "select": {
    "rows": "count(*)", "i_count": "count(i)", "late": "count(*) FILTER (WHERE i > 5)",
    "i_sum": "sum(i)", "i_avg": "avg(i)", "d_sum": "sum(d)", "d_avg": "avg(d)",
    "m_sum": "sum(m)", "m_avg": "avg(m)", "i_min": "min(i)", "d_max": "max(d)",
    "s_min": "min(s)", "s_max": "max(s)", "s_distinct": "count(distinct s)",
    "i_distinct": "count(distinct i)", "i_median": "median(i)",
    "i_ninth": "percentile_cont(0.9) WITHIN GROUP (ORDER BY i)",
    "i_once": "sum(DISTINCT i)", "m_once": "avg(DISTINCT m)", "s_all": "string_agg(s, ';')",
    "s_once": "string_agg(DISTINCT s, '+' ORDER BY s DESC)", "s_any": "any_value(s)"}})~";

Lines naive(const std::vector<Batch>& batches) {
  Lines lines;
  for (const auto& [key, group] : groups_of(batches)) lines.push_back(line_of(key, group));
  std::sort(lines.begin(), lines.end());
  return lines;
}

Lines run(const OperatorPlan& plan, const std::vector<Batch>& batches, PhaseRun how) {
  return sorted_lines_of(all_of(run_phases(plan, {deal(batches, how.parallelism)}, how).value()));
}

Lines answer(const std::string& with, const SchemaPtr& schema, const std::string& json) {
  const auto plan = plan_op("aggregate", with, {schema}).value();
  return run(plan, {rows_from(schema, json)}, {.parallelism = 2});
}

Error failure(const std::string& with, const SchemaPtr& schema, const std::string& json) {
  const auto plan = plan_op("aggregate", with, {schema}).value();
  const auto result = run_phases(plan, {{{rows_from(schema, json)}, {}}});
  REQUIRE_FALSE(result);
  return result.error();
}

SchemaPtr one(const std::shared_ptr<arrow::DataType>& type) {
  return arrow::schema({arrow::field("x", type)});
}

/// `count` rows with keys of their own but for every tenth, which repeats an earlier one.
std::vector<Batch> rows_with_many_keys(std::int64_t count) {
  std::vector<Batch> batches;
  const auto schema =
      arrow::schema({arrow::field("k", arrow::int64()), arrow::field("x", arrow::int64())});
  for (std::int64_t begin = 0; begin < count; begin += 50'000) {
    arrow::Int64Builder keys, values;
    for (std::int64_t row = begin; row < begin + 50'000; ++row) {
      REQUIRE(keys.Append(row % 10 == 0 ? row / 7 : row).ok());
      REQUIRE(values.Append(row % 1000).ok());
    }
    batches.emplace_back(arrow::RecordBatch::Make(
        schema, 50'000, {keys.Finish().ValueOrDie(), values.Finish().ValueOrDie()}));
  }
  return batches;
}

}  // namespace

TEST_CASE("any rows, batches, encodings and parallelism: the answer is the naive one") {
  const auto plan = plan_op("aggregate", everything, {columns}).value();
  for (const std::uint32_t seed : {1u, 2u, 3u}) {
    for (const RandomRows& shape :
         {RandomRows{.seed = seed, .rows = 1500, .distinct = 5},
          RandomRows{.seed = seed, .rows = 2500, .batch_rows = 600, .distinct = 25},
          RandomRows{.seed = seed, .rows = 700, .distinct = 4, .nulls = 0.6},
          RandomRows{.seed = seed, .rows = 300, .distinct = 3, .nulls = 0}}) {
      const auto batches = random_rows(columns, shape);
      const Lines expected = naive(batches);
      for (std::uint32_t parallelism = 1; parallelism <= 4; ++parallelism) {
        CHECK(run(plan, batches, {.parallelism = parallelism, .seed = seed}) == expected);
      }
    }
  }
}

TEST_CASE("a first phase that may hold next to nothing passes its groups on sooner") {
  const auto batches = random_rows(columns, {.seed = 8, .rows = 2000, .distinct = 12});
  const auto plan = plan_op("aggregate", everything, {columns}).value();
  OperatorPlan first = plan;
  first.phases.pop_back();
  MemoryBudget nothing(1), plenty(std::int64_t{1} << 30);
  const auto rows_of = [&](MemoryBudget& budget) {
    const auto states =
        run_phases(first, {deal(batches, 1)}, {.parallelism = 1, .memory = &budget});
    CHECK(budget.used() == 0);
    return lines_of(all_of(states.value())).size();
  };
  CHECK(rows_of(nothing) > rows_of(plenty));
  OperatorPlan second = plan;
  second.phases.erase(second.phases.begin());
  second.phases.front().inputs.front().origin = PhaseInput::Origin::input;
  const auto states = run_phases(first, {deal(batches, 1)}, {.parallelism = 1, .memory = &nothing});
  CHECK(run(second, all_of(states.value()), {.parallelism = 3}) == naive(batches));
}

TEST_CASE("a first phase keeps to the cache where a larger table finds no more repeats") {
  const auto states_of = [](const std::function<std::int64_t(std::int64_t)>& key) {
    arrow::Int64Builder keys;
    for (std::int64_t row = 0; row < 6 * batch_rows_max; ++row) REQUIRE(keys.Append(key(row)).ok());
    const auto schema = arrow::schema({arrow::field("k", arrow::int64())});
    const auto column = keys.Finish().ValueOrDie();
    const auto all = arrow::RecordBatch::Make(schema, column->length(), {column});
    Stream batches;
    for (std::int64_t from = 0; from < all->num_rows(); from += batch_rows_max) {
      batches.emplace_back(all->Slice(from, batch_rows_max));
    }
    OperatorPlan first =
        plan_op("aggregate", R"~({"group_by": ["k"], "select": {"n": "count(*)"}})~", {schema})
            .value();
    first.phases.pop_back();
    std::int64_t states = 0;
    const auto output = all_of(run_phases(first, {deal(batches, 1)}, {.parallelism = 1}).value());
    for (const Batch& batch : output) states += batch.rows();
    return states;
  };
  // Four rows a key, one behind the other, and all of it again: found again only by a table of all.
  const std::int64_t half = 3 * batch_rows_max;
  CHECK(states_of([=](std::int64_t row) { return row % half / 4; }) > 3 * half / 8);
  // Keys at random: the table grows until it has seen them all, and goes on with it.
  CHECK(states_of([](std::int64_t row) { return row * 7919 % 40'009; }) == 40'009);
}

TEST_CASE("many keys: grouping that does not pay is left out, and the answer is the same") {
  const auto batches = rows_with_many_keys(600'000);
  const auto plan = plan_op("aggregate",
                            R"~({"group_by": ["k"],
               "select": {"n": "count(*)", "x": "sum(x)", "d": "count(distinct x)"}})~",
                            {batches.front().columns()->schema()})
                        .value();
  std::map<std::int64_t, std::pair<std::int64_t, std::multiset<std::int64_t>>> expected;
  for (const Batch& batch : batches) {
    for (std::int64_t row = 0; row < batch.rows(); ++row) {
      auto& [sum, values] = expected[column<arrow::Int64Array>(batch, 0).Value(row)];
      sum += column<arrow::Int64Array>(batch, 1).Value(row);
      values.insert(column<arrow::Int64Array>(batch, 1).Value(row));
    }
  }
  const auto output = all_of(run_phases(plan, {deal(batches, 2)}).value());
  std::int64_t groups = 0;
  for (const Batch& batch : output) {
    groups += batch.rows();
    for (std::int64_t row = 0; row < batch.rows(); ++row) {
      const auto& [sum, values] = expected.at(column<arrow::Int64Array>(batch, 0).Value(row));
      const std::set<std::int64_t> different(values.begin(), values.end());
      REQUIRE(column<arrow::Int64Array>(batch, 1).Value(row) == std::int64_t(values.size()));
      REQUIRE(column<arrow::Int64Array>(batch, 2).Value(row) == sum);
      REQUIRE(column<arrow::Int64Array>(batch, 3).Value(row) == std::int64_t(different.size()));
    }
  }
  CHECK(groups == std::int64_t(expected.size()));
}

TEST_CASE("a first phase lets rows through where the values that it counts are all different") {
  const auto schema = arrow::schema({arrow::field("x", arrow::int64())});
  Stream batches;
  for (const bool different : {true, true, false, false}) {
    arrow::Int64Builder values;
    for (std::int64_t row = 0; row < batch_rows_max; ++row) {
      const auto before = static_cast<std::int64_t>(batches.size()) * batch_rows_max;
      REQUIRE(values.Append(different ? before + row : 0).ok());
    }
    batches.emplace_back(
        arrow::RecordBatch::Make(schema, batch_rows_max, {values.Finish().ValueOrDie()}));
  }
  OperatorPlan first =
      plan_op("aggregate",
              R"~({"group_by": {"g": "x % 3"}, "select": {"d": "count(distinct x)"}})~", {schema})
          .value();
  first.phases.pop_back();
  std::int64_t states = 0;
  const auto output = all_of(run_phases(first, {deal(batches, 1)}, {.parallelism = 1}).value());
  for (const Batch& batch : output) states += batch.rows();
  CHECK(states > 4 * batch_rows_max);  // all rows, and the groups; those of the end join nothing
}

TEST_CASE("without group_by there is one row, even of no rows") {
  const std::string with =
      R"~({"select": {"n": "count(*)", "c": "count(x)", "s": "sum(x)", "a": "avg(x)", "m": "max(x)",
                      "v": "stddev(x)", "d": "count(distinct x)"}})~";
  CHECK(answer(with, one(arrow::int64()), "[]") == Lines{"0|0|null|null|null|null|0"});
  CHECK(answer(with, one(arrow::int64()), R"([{"x": null}, {"x": 4}])") ==
        Lines{"2|1|4|4|4|null|1"});
  CHECK(answer(with, one(arrow::float64()), R"([{"x": 1}, {"x": 3}, {"x": null}, {"x": 3}])") ==
        Lines{fmt::format("4|3|7|{}|3|{}|2", text(7.0 / 3), text(std::sqrt(4.0 / 3)))});
}

TEST_CASE("with group_by and no rows there is no row") {
  CHECK(answer(R"~({"group_by": ["x"], "select": {"n": "count(*)"}})~", one(arrow::int64()), "[]")
            .empty());
}

TEST_CASE("keys and values may be expressions, and calls may be parts of expressions") {
  const auto schema =
      arrow::schema({arrow::field("x", arrow::int64()), arrow::field("y", arrow::int64())});
  CHECK(answer(R"~({"group_by": {"even": "x % 2 = 0"},
                    "select": {"ratio": "sum(y) / count(*)", "twice": "sum(y) * 2 + max(x)"}})~",
               schema, R"([{"x": 1, "y": 10}, {"x": 2, "y": 20}, {"x": 4, "y": 41}])") ==
        Lines{"false|10|21", "true|30|126"});
}

TEST_CASE("a deviation keeps its digits where a naive one loses all") {
  CHECK(answer(R"~({"select": {"s": "stddev(x)"}})~", one(arrow::float64()),
               R"([{"x": 1000000000.25}, {"x": 1000000000.75}])") == Lines{text(std::sqrt(0.125))});
  CHECK(answer(R"~({"select": {"s": "stddev(x)"}})~", one(arrow::int64()),
               R"([{"x": 9223372036854775806}, {"x": 9223372036854775807}])") ==
        Lines{text(std::sqrt(0.5))});
  CHECK(answer(R"~({"select": {"s": "stddev(x)"}})~", one(arrow::float64()),
               R"([{"x": 1e-170}, {"x": 3e-170}])") == Lines{text(std::sqrt(2.0) * 1e-170)});
}

TEST_CASE("variances and deviations of samples and of all there is") {
  const std::string with =
      R"~({"select": {"a": "var_samp(x)", "b": "variance(x)", "c": "var_pop(x)",
                                           "d": "stddev_pop(x)"}})~";
  const std::string all = fmt::format("13|13|{}|{}", text(26.0 / 3), text(std::sqrt(26.0 / 3)));
  CHECK(answer(with, one(arrow::decimal128(5, 1)),
               R"([{"x": "2.0"}, {"x": "4.0"}, {"x": "9.0"}])") == Lines{all});
  for (const auto& type : {arrow::int64(), arrow::float64()}) {
    INFO(type->ToString());
    CHECK(answer(with, one(type), R"([{"x": 2}, {"x": 4}, {"x": null}, {"x": 9}])") == Lines{all});
    CHECK(answer(with, one(type), R"([{"x": 7}])") == Lines{"null|null|0|0"});
    CHECK(answer(with, one(type), "[]") == Lines{"null|null|null|null"});
  }
}

TEST_CASE("booleans: all and any, of those that are not null") {
  const std::string with =
      R"~({"select": {"a": "bool_and(x)", "b": "every(NOT x)", "c": "bool_or(x)",
                                           "d": "bool_or(x) FILTER (WHERE NOT x)"}})~";
  CHECK(answer(with, one(arrow::boolean()), R"([{"x": true}, {"x": false}, {"x": null}])") ==
        Lines{"false|false|true|false"});
  CHECK(answer(with, one(arrow::boolean()), R"([{"x": true}, {"x": null}])") ==
        Lines{"true|false|true|null"});
  CHECK(answer(with, one(arrow::boolean()), R"([{"x": null}])") == Lines{"null|null|null|null"});
}

TEST_CASE("an argument is computed for the rows that its filter keeps, and for no others") {
  const std::string with = R"~({"select": {"s": "sum(100 / x) FILTER (WHERE x <> 0)",
      "n": "count(100 / x) FILTER (WHERE x <> 0)", "m": "median(10 / x) FILTER (WHERE x > 0)",
      "d": "sum(DISTINCT 100 / x) FILTER (WHERE x <> 0)"}})~";
  CHECK(answer(with, one(arrow::int64()),
               R"([{"x": 0}, {"x": 2}, {"x": 2}, {"x": -1}, {"x": null}])") == Lines{"0|3|5|-50"});
}

TEST_CASE("percentiles lie between values, NaN above all; deviations of different values") {
  const std::string with = R"~({"select": {"a": "percentile_cont(0) WITHIN GROUP (ORDER BY x)",
      "b": "percentile_cont(1) WITHIN GROUP (ORDER BY x)", "c": "median(x)",
      "d": "percentile_cont(0.25) WITHIN GROUP (ORDER BY x DESC)",
      "e": "var_pop(DISTINCT x) FILTER (WHERE x < 9)"}})~";
  CHECK(answer(with, one(arrow::float64()),
               R"([{"x": 4}, {"x": 1}, {"x": NaN}, {"x": 1}, {"x": null}, {"x": 3}])") ==
        Lines{"1|nan|3|4|1.5555555555555556"});
  CHECK(answer(with, one(arrow::float64()), R"([{"x": null}])") ==
        Lines{"null|null|null|null|null"});
}

TEST_CASE("what the type of a sum cannot hold is an error, not a wrong number") {
  const std::string sum = R"~({"select": {"s": "sum(x)"}})~";
  const std::string large = R"([{"x": 9223372036854775807}, {"x": 1}])";
  CHECK(failure(sum, one(arrow::int64()), large).code == ErrorCode::invalid_argument);
  CHECK(failure(sum, one(arrow::int64()), large).message.starts_with("sum(x) does not fit"));
  CHECK(answer(sum, one(arrow::int64()), R"([{"x": 9223372036854775807}, {"x": 1}, {"x": -2}])") ==
        Lines{"9223372036854775806"});
  CHECK(failure(sum, one(arrow::float64()), R"([{"x": 1e308}, {"x": 1e308}])").code ==
        ErrorCode::invalid_argument);
  const std::string nines(36, '9');
  std::string rows = "[";
  for (int i = 0; i < 101; ++i) rows += (i ? ",{\"x\": \"" : "{\"x\": \"") + nines + ".00\"}";
  CHECK(failure(sum, one(arrow::decimal128(38, 2)), rows + "]").code ==
        ErrorCode::invalid_argument);
}

TEST_CASE("a last phase that does not fit goes to disk, and again where a piece does not fit") {
  const TempDir scratch;
  const auto batches = rows_with_many_keys(400'000);
  const std::string with = R"~({"group_by": ["k"], "select":
      {"n": "count(*)", "x": "sum(x)", "a": "avg(x)", "d": "count(distinct x)", "p": "median(x)",
       "s": "sum(distinct x)"}})~";
  const auto plan = plan_op("aggregate", with, {batches.front().columns()->schema()}).value();
  const Lines expected = run(plan, batches, {.parallelism = 2});
  for (const std::int64_t bytes : {std::int64_t{8} << 20, std::int64_t{1}}) {
    MemoryBudget small(bytes);
    CHECK(run(plan, batches,
              {.parallelism = 2, .memory = &small, .scratch_directory = scratch.path()}) ==
          expected);
    CHECK(small.used() == 0);
    CHECK(std::filesystem::exists(scratch.path() + "/1.0/aggregate.final.0"));
  }
}

TEST_CASE("a single group that does not fit says who, how much and what to do") {
  const TempDir scratch;
  const auto batches = rows_with_many_keys(200'000);
  const auto plan = plan_op("aggregate", R"~({"select": {"n": "count(distinct k)"}})~",
                            {batches.front().columns()->schema()})
                        .value();
  MemoryBudget small(1 << 20);
  const auto result =
      run_phases(plan, {deal(batches, 2)}, {.memory = &small, .scratch_directory = scratch.path()});
  REQUIRE_FALSE(result);
  CHECK(result.error().code == ErrorCode::unavailable);
  CHECK(result.error().message.starts_with("aggregate.final: 1 groups take"));
  CHECK(result.error().message.find("1048576 bytes") != std::string::npos);
  CHECK(small.used() == 0);
}

TEST_CASE("the plan is two phases, exchanged by key, and reads what it computes with") {
  const auto plan = plan_op("aggregate",
                            R"~({"group_by": ["k"],
               "select": {"a": "avg(i)", "s": "sum(i)", "n": "count(*) FILTER (WHERE d > 0)"}})~",
                            {columns})
                        .value();
  REQUIRE(plan.phases.size() == 2);
  const PhaseInput& between = plan.phases[1].inputs.front();
  CHECK((between.exchange == ExchangeKind::hash && between.blocking));
  CHECK(between.keys == std::vector<int>{0});
  CHECK(plan.phases[0].outputs.front()->num_fields() == 4);  // the key, sum and count of i, n
  CHECK(plan.output()->field_names() == Lines{"k", "a", "s", "n"});
  CHECK(plan.needs({1}) == std::vector<std::vector<int>>{{0, 2, 3}});
  CHECK(plan.phases[1].detail ==
        "group by k: a: avg(i), s: sum(i), n: count(*) FILTER (WHERE d > 0)");
  const auto whole = plan_op("aggregate", R"~({"select": {"n": "count(*)"}})~", {columns}).value();
  CHECK(whole.phases[1].inputs.front().exchange == ExchangeKind::gather);
  CHECK(whole.phases[1].parallelism_max == 1u);
  CHECK(whole.needs({0}) == std::vector<std::vector<int>>{{}});
}

TEST_CASE("mistakes have their place") {
  CHECK(plan_error("aggregate", "{}", {columns}) == ": give 'group_by', 'select' or both");
  CHECK(plan_error("aggregate", R"~({"group_by": ["q"]})~", {columns}).starts_with("group_by.0: "));
  CHECK(plan_error("aggregate", R"~({"group_by": ["k"], "select": {"x": "sum(s)"}})~", {columns})
            .starts_with("select.x: "));
}
