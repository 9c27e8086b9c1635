// Joining a Parquet file that is in memory already with smaller sides made of its own values:
// `bench-join flights-3m.parquet`.
#include "benchmarks/ops/bench_support.hpp"
#include "runtime/data/take.hpp"

#include <arrow/array/array_base.h>
#include <arrow/array/builder_primitive.h>

#include <set>

using namespace troupe;

namespace {

/// Rows with distinct keys (the first columns named), a number each.
std::vector<Batch> distinct_rows(const std::vector<Batch>& batches,
                                 const std::vector<std::string>& keys) {
  std::set<std::string> seen;
  std::vector<Batch> result;
  for (const Batch& batch : batches) {
    arrow::FieldVector fields;
    std::vector<std::shared_ptr<arrow::Array>> columns;
    for (const auto& key : keys) {
      columns.push_back(batch.columns()->GetColumnByName(key));
      fields.push_back(arrow::field(key, columns.back()->type()));
    }
    const Batch narrow(
        arrow::RecordBatch::Make(arrow::schema(fields), batch.rows(), std::move(columns)));
    std::vector<std::uint32_t> rows;
    arrow::Int64Builder numbers;
    std::uint32_t row = 0;
    for (auto& line : lines_of({narrow})) {
      if (seen.insert(std::move(line)).second) {
        rows.push_back(row);
        if (!numbers.Append(row).ok()) std::abort();
      }
      ++row;
    }
    const Batch chosen = take(narrow, rows).value();
    result.emplace_back(chosen.columns()
                            ->AddColumn(static_cast<int>(keys.size()),
                                        arrow::field("number", arrow::int64()),
                                        numbers.Finish().ValueOrDie())
                            .ValueOrDie());
  }
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::puts("usage: bench-join FLIGHTS.parquet"), 2;
  const auto flights = load(argv[1]);
  const auto run = [&](const std::vector<std::string>& keys, const std::string& type) {
    const auto build = distinct_rows(flights, keys);
    for (const std::string strategy : {"broadcast", "hash"}) {
      const Json with{{"using", keys}, {"type", type}, {"strategy", strategy}};
      const auto plan = plan_of(
          "join", with,
          {{logical_schema(flights), count(flights)}, {logical_schema(build), count(build)}});
      measure(fmt::format("{} {} join by {} ({} rows)", strategy, type, fmt::join(keys, ", "),
                          count(build)),
              plan, {deal(flights, 2), deal(build, 2)});
    }
  };
  run({"origin"}, "inner");
  run({"origin", "destination"}, "inner");
  run({"date"}, "inner");
  run({"origin", "destination", "date"}, "left");
  run({"origin"}, "semi");
}
