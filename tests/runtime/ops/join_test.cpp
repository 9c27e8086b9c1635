// join: a nested loop over the same rows is the twin. Random rows with nulls and repeated keys,
// strings encoded or not, every type of join, every strategy, one to four subtasks, with memory and
// almost without: always the same rows.
#include "runtime/base/json.hpp"
#include "runtime/operator/operator_kind.hpp"
#include "runtime/ops/builtin_ops.hpp"
#include "runtime/os/file_system.hpp"
#include "runtime/spill/partition_reader.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/phase_runner.hpp"
#include "tests/support/temp_dir.hpp"

#include <arrow/array.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>

using namespace troupe;

namespace {

const SchemaPtr left_schema =
    arrow::schema({arrow::field("k", arrow::int64()), arrow::field("s", arrow::utf8()),
                   arrow::field("d", arrow::float64()), arrow::field("a", arrow::int64())});
const SchemaPtr right_schema =
    arrow::schema({arrow::field("b", arrow::utf8()), arrow::field("s", arrow::utf8()),
                   arrow::field("d", arrow::float64()), arrow::field("k", arrow::int64())});

Result<OperatorPlan> plan_join(const Json& with, const SchemaPtr& left, const SchemaPtr& right,
                               std::optional<std::int64_t> rows = {}) {
  OperatorRegistry registry(system_files());
  register_operators(registry);
  const OperatorKind& kind = *registry.find("join");
  const auto options = TRY(Options::make(kind.description(), with));
  return kind.plan(options, {{left, 1000}, {right, rows}}, {.parallelism = 2});
}

using Cells = std::vector<std::string>;

std::vector<Cells> cells_of(const std::vector<Batch>& batches) {
  std::vector<Cells> rows;
  for (const std::string& line : lines_of(batches)) {
    rows.emplace_back(1);
    for (const char letter : line) {
      if (letter == '|') {
        rows.back().emplace_back();
      } else {
        rows.back().back() += letter;
      }
    }
  }
  return rows;
}

std::string line_of(const Cells& cells) { return fmt::format("{}", fmt::join(cells, "|")); }

/// The twin: every left row with every right row, columns k s d a and b s d k, joined using (s, k)
/// or (k); the output is left columns, then the right ones without the keys.
std::vector<std::string> nested_loop(const std::vector<Cells>& left,
                                     const std::vector<Cells>& right, const std::string& type,
                                     bool two_keys) {
  const auto equal = [&](const Cells& l, const Cells& r) {
    const bool same = l[0] == r[3] && l[0] != "null";
    return two_keys ? same && l[1] == r[1] && l[1] != "null" : same;
  };
  const auto right_part = [&](const Cells& r) {
    return two_keys ? Cells{r[0], r[2]} : Cells{r[0], r[1], r[2]};
  };
  const auto joined = [&](Cells l, const Cells& r) {
    for (const auto& cell : right_part(r)) l.push_back(cell);
    return line_of(l);
  };
  std::vector<std::string> lines;
  std::vector<bool> met(right.size());
  for (const Cells& l : left) {
    bool found = false;
    for (std::size_t i = 0; i < right.size(); ++i) {
      if (!equal(l, right[i])) continue;
      found = true;
      met[i] = true;
      if (type != "semi" && type != "anti") lines.push_back(joined(l, right[i]));
    }
    if ((type == "semi" && found) || (type == "anti" && !found)) lines.push_back(line_of(l));
    if (!found && (type == "left" || type == "full")) {
      lines.push_back(joined(l, {"null", "null", "null", "null"}));
    }
  }
  for (std::size_t i = 0; i < right.size(); ++i) {
    if (met[i] || (type != "right" && type != "full")) continue;
    lines.push_back(
        joined({right[i][3], two_keys ? right[i][1] : "null", "null", "null"}, right[i]));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

Json with_of(const std::string& type, bool two_keys, const std::string& strategy) {
  Json with{{"type", type}, {"suffix", "_right"}, {"strategy", strategy}};
  with["using"] = two_keys ? Json{"s", "k"} : Json{"k"};
  return with;
}

const std::vector<std::string> all_types = {"inner", "left", "right", "full", "semi", "anti"};

}  // namespace

TEST_CASE("a join has the rows of a nested loop") {
  std::uint32_t seed = 1;
  for (const std::string& type : all_types) {
    for (const bool two_keys : {false, true}) {
      for (const std::string strategy : {"hash", "broadcast"}) {
        if (strategy == "broadcast" && (type == "right" || type == "full")) continue;
        const std::uint32_t parallelism = 1 + seed % 4;
        INFO(type << " " << strategy << " two keys " << two_keys << " seed " << seed);
        ++seed;
        const auto left = random_rows(left_schema, {.seed = seed, .rows = 300, .distinct = 30});
        const auto right =
            random_rows(right_schema, {.seed = seed + 99, .rows = 200, .distinct = 40});
        const auto plan =
            plan_join(with_of(type, two_keys, strategy), left_schema, right_schema).value();
        const auto output = run_phases(plan, {deal(left, parallelism), deal(right, parallelism)},
                                       {.parallelism = parallelism, .seed = seed})
                                .value();
        CHECK(sorted_lines_of(all_of(output)) ==
              nested_loop(cells_of(left), cells_of(right), type, two_keys));
      }
    }
  }
}

TEST_CASE("a join that does not fit into memory has the same rows, and leaves no memory taken") {
  TempDir directory;
  std::uint32_t seed = 1;
  for (const std::string& type : all_types) {
    // 20 kB hold some partitions whole and others in chunks; one byte holds none.
    for (const std::int64_t budget_bytes : {20'000, 1}) {
      INFO(type << " with " << budget_bytes << " bytes");
      ++seed;
      const auto left = random_rows(left_schema, {.seed = seed, .rows = 900, .distinct = 300});
      const auto right =
          random_rows(right_schema, {.seed = seed + 99, .rows = 1500, .distinct = 400});
      MemoryBudget budget(budget_bytes);
      const auto plan = plan_join(with_of(type, false, "hash"), left_schema, right_schema).value();
      const auto output = run_phases(plan, {deal(left, 2), deal(right, 2)},
                                     {.memory = &budget, .scratch_directory = directory.path()})
                              .value();
      CHECK(sorted_lines_of(all_of(output)) ==
            nested_loop(cells_of(left), cells_of(right), type, false));
      CHECK(budget.used() == 0);
    }
  }
  CHECK(std::filesystem::exists(directory.path() + "/0.0/join.build"));
}

TEST_CASE("a join that must take its probe side at any time has the same rows") {
  // With plenty of memory it holds them there; 15 and 30 kB run out with rows of both sides held,
  // or of one.
  TempDir directory;
  std::uint32_t seed = 1;
  for (const std::string& type : all_types) {
    for (const std::int64_t budget_bytes : {1 << 30, 30'000, 15'000, 1}) {
      for (int repetition = 0; repetition < 4; ++repetition) {
        ++seed;
        INFO(type << " with " << budget_bytes << " bytes, seed " << seed);
        const auto left = random_rows(left_schema, {.seed = seed, .rows = 900, .distinct = 300});
        const auto right =
            random_rows(right_schema, {.seed = seed + 99, .rows = 500, .distinct = 400});
        MemoryBudget budget(budget_bytes);
        const auto plan =
            plan_join(with_of(type, false, "hash"), left_schema, right_schema).value();
        const auto output = run_phases(plan, {deal(left, 2), deal(right, 2)},
                                       {.memory = &budget,
                                        .scratch_directory = directory.path(),
                                        .seed = seed,
                                        .early_inputs = {0}})
                                .value();
        CHECK(sorted_lines_of(all_of(output)) ==
              nested_loop(cells_of(left), cells_of(right), type, false));
        CHECK(budget.used() == 0);
      }
    }
  }
}

TEST_CASE("a join gives only the columns that are needed, whatever they are") {
  OperatorRegistry registry(system_files());
  register_operators(registry);
  const OperatorKind& kind = *registry.find("join");
  const auto left = random_rows(left_schema, {.seed = 5, .rows = 300, .distinct = 30});
  const auto right = random_rows(right_schema, {.seed = 6, .rows = 200, .distinct = 40});
  for (const std::string& type : all_types) {
    const auto options = Options::make(kind.description(), with_of(type, true, "hash")).value();
    const auto plan_with = [&](const PlanContext& context) {
      return kind.plan(options, {{left_schema, 1000}, {right_schema, 1000}}, context).value();
    };
    const auto wide = plan_with({.parallelism = 2});
    const auto all = cells_of(
        all_of(run_phases(wide, {deal(left, 2), deal(right, 2)}, {.parallelism = 2}).value()));
    for (const auto& field : wide.output()->fields()) {
      INFO(type << " " << field->name());
      const auto plan = plan_with({.parallelism = 2, .projection = {{field->name()}}});
      CHECK(plan.output()->field_names() == std::vector<std::string>{field->name()});
      const auto at = static_cast<std::size_t>(wide.output()->GetFieldIndex(field->name()));
      std::vector<std::string> column;
      for (const Cells& cells : all) column.push_back(cells[at]);
      std::sort(column.begin(), column.end());
      CHECK(sorted_lines_of(all_of(
                run_phases(plan, {deal(left, 2), deal(right, 2)}, {.parallelism = 2}).value())) ==
            column);
    }
  }
}

TEST_CASE("a key with more rows than memory is joined in chunks") {
  // All rows of a key are in one partition, whose blocks are read one at a time: each probe row
  // meets several chunks, and is kept, dropped or joined once.
  TempDir directory;
  std::string json = "[";
  for (int i = 0; i < 20'000; ++i) json += fmt::format("{{\"k\": {}}},", i % 100 ? 7 : i / 100);
  const Batch all = rows_from(right_schema, json + "{\"k\": null}]");
  std::vector<Batch> right;
  for (int from = 0; from <= 20'000; from += 5000) {
    right.emplace_back(all.columns()->Slice(from, 5000));
  }
  json = "[";
  for (int i = 0; i < 300; ++i) json += fmt::format("{{\"k\": {}}},", i);
  const Batch left = rows_from(left_schema, json + "{\"k\": null}]");
  for (const std::string& type : all_types) {
    INFO(type);
    MemoryBudget budget(1);
    const auto plan = plan_join(with_of(type, false, "hash"), left_schema, right_schema).value();
    const auto output =
        run_phases(plan, {{{left}}, {right}},
                   {.parallelism = 1, .memory = &budget, .scratch_directory = directory.path()})
            .value();
    CHECK(sorted_lines_of(all_of(output)) ==
          nested_loop(cells_of({left}), cells_of(right), type, false));
  }
  const auto blocks =
      read_partition_index(system_files(), directory.path() + "/0.0/join.build").value().partitions;
  CHECK(std::any_of(blocks.begin(), blocks.end(),
                    [](const SpillPartition& one) { return one.blocks.size() > 1; }));
}

TEST_CASE("a join with very many partners emits bounded batches") {
  const auto schema = arrow::schema({arrow::field("k", arrow::int64())});
  const auto ones =
      random_rows(schema, {.rows = 1000, .batch_rows = 1000, .distinct = 1, .nulls = 0});
  const auto plan = plan_join({{"using", {"k"}}}, schema, schema).value();
  const auto output = run_phases(plan, {deal(ones, 1), deal(ones, 1)}, {.parallelism = 1}).value();
  std::int64_t rows = 0;
  for (const Batch& batch : output[0]) rows += batch.rows();  // the runner checks their size
  CHECK(rows == 1'000'000);
}

TEST_CASE("a table of many regions finds each of its rows, and no others") {
  // 60,000 keys apart, so that they are hashed, each of them twice: so far that which there are is
  // known by their hashes, and so near that it is known by the keys. A row of the left side that
  // has a partner meets exactly the two rows whose numbers say that they are of its key.
  const auto one_key = arrow::schema({arrow::field("k", arrow::int64())});
  const auto two_keys =
      arrow::schema({arrow::field("k", arrow::int64()), arrow::field("h", arrow::int64())});
  const auto numbers = [](std::int64_t from, std::int64_t to, auto value) {
    arrow::Int64Builder builder;
    for (std::int64_t i = from; i < to; ++i) REQUIRE(builder.Append(value(i)).ok());
    return builder.Finish().ValueOrDie();
  };
  const std::int64_t gap = GENERATE(1'000'003, 503);
  const auto far = [gap](std::int64_t i) { return i % 60'000 * gap; };
  const auto wide = [](std::int64_t i) { return i % 60'000 * (std::int64_t{1} << 40); };
  const auto rows = [&](const SchemaPtr& keys, const char* number, std::int64_t from,
                        std::int64_t to) {
    auto fields = keys->fields();
    fields.push_back(arrow::field(number, arrow::int64()));
    std::vector<std::shared_ptr<arrow::Array>> columns = {numbers(from, to, far)};
    if (keys->num_fields() == 2) columns.push_back(numbers(from, to, wide));
    columns.push_back(numbers(from, to, [](std::int64_t i) { return i; }));
    return Batch(arrow::RecordBatch::Make(arrow::schema(fields), to - from, columns));
  };
  for (const SchemaPtr& keys : {one_key, two_keys}) {
    INFO(keys->num_fields() << " keys, " << gap << " apart");
    const Batch right = rows(keys, "r", 0, 120'000);
    const Batch left = rows(keys, "l", 40'000, 50'000);
    const Batch strangers = rows(keys, "l", 0, 100);
    const auto shifted = strangers.columns()->SetColumn(
        0, keys->field(0), numbers(0, 100, [&](std::int64_t i) { return far(i) + 1; }));
    const auto plan = plan_join({{"using", keys->field_names()}}, left.columns()->schema(),
                                right.columns()->schema())
                          .value();
    const auto output =
        run_phases(plan, {{{Batch(shifted.ValueOrDie()), left}}, {{right}}}, {.parallelism = 1})
            .value();
    std::vector<std::pair<std::int64_t, std::int64_t>> met;
    for (const Batch& batch : output[0]) {
      const int last = batch.columns()->num_columns() - 1;
      const auto& l = static_cast<const arrow::Int64Array&>(*batch.columns()->column(last - 1));
      const auto& r = static_cast<const arrow::Int64Array&>(*batch.columns()->column(last));
      for (std::int64_t i = 0; i < batch.rows(); ++i) met.emplace_back(l.Value(i), r.Value(i));
    }
    std::sort(met.begin(), met.end());
    std::vector<std::pair<std::int64_t, std::int64_t>> expected;
    for (std::int64_t i = 40'000; i < 50'000; ++i) {
      expected.emplace_back(i, i);
      expected.emplace_back(i, i + 60'000);
    }
    CHECK(met == expected);
  }
}

TEST_CASE("keys of extreme values, many columns and other widths") {
  const auto wide = arrow::schema(
      {arrow::field("x", arrow::int64()), arrow::field("y", arrow::int64()),
       arrow::field("t", arrow::timestamp(arrow::TimeUnit::MICRO)),
       arrow::field("m", arrow::decimal128(20, 2)), arrow::field("f", arrow::boolean())});
  const Batch rows = rows_from(wide, R"([
    {"x": 9223372036854775807, "y": -9223372036854775808, "t": 0, "m": "1.50", "f": true},
    {"x": -9223372036854775808, "y": 9223372036854775807, "t": 1, "m": "-7.25", "f": false},
    {"x": 0, "y": 0, "t": null, "m": "0.00", "f": false},
    {"x": 0, "y": 0, "t": 5, "m": null, "f": null}])");
  const Json with{{"using", {"x", "y", "t", "m", "f"}}};
  const auto plan = plan_join(with, wide, wide).value();
  const auto output = run_phases(plan, {{{rows}}, {{rows}}}, {.parallelism = 1}).value();
  CHECK(sorted_lines_of(all_of(output)) ==
        std::vector<std::string>(sorted_lines_of({Batch(rows.columns()->Slice(0, 2))})));
}

TEST_CASE("keys of different integer types meet; the output has the wider one") {
  const auto narrow = arrow::schema({arrow::field("k", arrow::int16())});
  const auto broad =
      arrow::schema({arrow::field("k", arrow::int64()), arrow::field("v", arrow::utf8())});
  const Batch left = rows_from(narrow, R"([{"k": -1}, {"k": 2}])");
  const Batch right = rows_from(broad, R"([{"k": -1, "v": "x"}, {"k": 70000, "v": "y"}])");
  const auto plan = plan_join({{"using", {"k"}}, {"type", "full"}}, narrow, broad).value();
  CHECK(plan.output()->field(0)->type()->Equals(arrow::int64()));
  const auto output = run_phases(plan, {{{left}, {}}, {{}, {right}}}, {.parallelism = 2}).value();
  CHECK(sorted_lines_of(all_of(output)) == std::vector<std::string>{"-1|x", "2|null", "70000|y"});
}

TEST_CASE("integers meet decimals; the output has the decimal that holds both") {
  const auto whole = arrow::schema({arrow::field("k", arrow::int64())});
  const auto exact =
      arrow::schema({arrow::field("k", arrow::decimal128(9, 2)), arrow::field("v", arrow::utf8())});
  const Batch left = rows_from(whole, R"([{"k": -1}, {"k": 9223372036854775807}])");
  const Batch right = rows_from(exact, R"([{"k": "-1.00", "v": "x"}, {"k": "2.50", "v": "y"}])");
  const auto plan = plan_join({{"using", {"k"}}, {"type", "full"}}, whole, exact).value();
  CHECK(plan.output()->field(0)->type()->ToString() == "decimal128(21, 2)");
  const auto output = run_phases(plan, {{{left}, {}}, {{}, {right}}}, {.parallelism = 2}).value();
  CHECK(sorted_lines_of(all_of(output)) ==
        std::vector<std::string>{"-1.00|x", "2.50|y", "9223372036854775807.00|null"});
}

TEST_CASE("-0 meets 0, NaN meets NaN, null meets nothing") {
  const auto schema = arrow::schema({arrow::field("d", arrow::float64())});
  const Batch left = rows_from(schema, R"([{"d": -0.0}, {"d": NaN}, {"d": null}, {"d": 1.5}])");
  const Batch right = rows_from(schema, R"([{"d": 0.0}, {"d": NaN}, {"d": null}])");
  const auto plan = plan_join({{"using", {"d"}}, {"type", "semi"}}, schema, schema).value();
  const auto output = run_phases(plan, {{{left}}, {{right}}}, {.parallelism = 1}).value();
  CHECK(lines_of(all_of(output)) == std::vector<std::string>{"-0", "nan"});
}

TEST_CASE("keys with different names keep all columns") {
  const auto flights = arrow::schema({arrow::field("dest", arrow::utf8())});
  const auto airports =
      arrow::schema({arrow::field("faa", arrow::utf8()), arrow::field("name", arrow::utf8())});
  const Batch left = rows_from(flights, R"([{"dest": "SFO"}, {"dest": "QQQ"}])");
  const Batch right = rows_from(airports, R"([{"faa": "SFO", "name": "San Francisco"}])");
  const auto plan =
      plan_join({{"keys", {{"dest", "faa"}}}, {"type", "left"}}, flights, airports).value();
  const auto output = run_phases(plan, {{{left}}, {{right}}}, {.parallelism = 1}).value();
  CHECK(lines_of(all_of(output)) ==
        std::vector<std::string>{"SFO|SFO|San Francisco", "QQQ|null|null"});
  CHECK(plan.phases.back().detail == "left, hash, on dest = faa");
}

TEST_CASE("the right input is broadcast where it is known to be small, and needs what is asked") {
  const auto exchange = [](const OperatorPlan& plan) {
    return plan.phases.back().inputs[1].exchange;
  };
  const Json with{{"using", {"k"}}, {"suffix", "_right"}};
  CHECK(exchange(*plan_join(with, left_schema, right_schema)) == ExchangeKind::hash);
  CHECK(exchange(*plan_join(with, left_schema, right_schema, 5000)) == ExchangeKind::broadcast);
  CHECK(exchange(*plan_join(with, left_schema, right_schema, 5'000'000)) == ExchangeKind::hash);

  const auto plan = plan_join(with, left_schema, right_schema).value();
  CHECK(plan.output()->field_names() ==
        std::vector<std::string>{"k", "s", "d", "a", "b", "s_right", "d_right"});
  CHECK(plan.needs({3, 4}) == std::vector<std::vector<int>>{{0, 3}, {0, 3}});
  CHECK(plan.needs({5}) == std::vector<std::vector<int>>{{0, 1}, {1, 3}});
}

TEST_CASE("mistakes in a join are told at their place") {
  const auto mistake = [](const Json& with) {
    const auto plan = plan_join(with, left_schema, right_schema);
    REQUIRE_FALSE(plan);
    return plan.error().path + ": " + plan.error().message + " (" + plan.error().hint + ")";
  };
  CHECK(mistake({{"using", {"k"}}}) ==
        "suffix: both inputs have a column 's' (give a suffix for those of the right one "
        "(`suffix: _right`), join `using` the column, or rename it in a select)");
  CHECK(mistake({{"using", {"k", "aa"}}}) == "using.1: the left input has no column 'aa' ()");
  CHECK(mistake({{"keys", {{"a", "b"}}}}) ==
        "keys.a: cannot compare a (int64) with b (string) (CAST one of them in a select before "
        "the join)");
  CHECK(mistake({{"type", "left"}}).substr(0, 47) ==
        "using: a join needs either `using` or `keys` (`");
  CHECK(mistake({{"using", {"k"}}, {"suffix", "_r"}, {"type", "full"}, {"strategy", "broadcast"}})
            .substr(0, 39) == "strategy: a full join cannot be broadca");
}
