// Processor time of an aggregation over a Parquet file of flights, by its stages: the scan, the
// first phase, the second one. `bench-aggregate FILE`, with columns date, delay, distance, origin,
// destination.
#include "runtime/base/json.hpp"
#include "runtime/formats/parquet_file.hpp"
#include "runtime/operator/operator_kind.hpp"
#include "runtime/ops/builtin_ops.hpp"

#include <arrow/type.h>
#include <fmt/format.h>

#include <ctime>
#include <numeric>
#include <string>
#include <vector>

using namespace troupe;

namespace {

using Batches = std::vector<Batch>;

class Collector final : public Emitter {
 public:
  void emit(Batch batch, int) override {
    if (batch.rows() > 0) batches.push_back(std::move(batch));
  }
  void emit_to(std::uint32_t, Batch) override {}

  Batches batches;
};

double seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

Result<Batches> scan(const ParquetFile& file, const std::vector<std::string>& columns) {
  std::vector<int> groups(file.row_groups());
  std::iota(groups.begin(), groups.end(), 0);
  const auto reader = TRY(file.read(groups, columns));
  Batches batches;
  for (Batch batch = TRY(reader->next()); batch; batch = TRY(reader->next())) {
    batches.push_back(std::move(batch));
  }
  return batches;
}

Result<Batches> run(const Phase& phase, const Batches& input) {
  MemoryBudget memory(std::int64_t{4} << 30);
  const auto op = TRY(phase.make_operator());
  TRY(op->open({.memory = &memory}));
  Collector out;
  for (const Batch& batch : input) {
    while (TRY(op->process(0, batch, out)) == Step::again) {
    }
  }
  TRY(op->end_of_input(0, out));
  while (TRY(op->drain(out)) == Step::again) {
  }
  return std::move(out.batches);
}

std::int64_t rows_of(const Batches& batches) {
  std::int64_t rows = 0;
  for (const Batch& batch : batches) rows += batch.rows();
  return rows;
}

Result<> measure(const OperatorRegistry& registry, const ParquetFile& file,
                 const std::vector<std::string>& columns, const std::string& with) {
  arrow::FieldVector fields;
  for (const auto& name : columns) fields.push_back(file.schema()->GetFieldByName(name));
  const OperatorKind& kind = *registry.find("aggregate");
  const Options options = TRY(Options::make(kind.description(), Json::parse(with)));
  const OperatorPlan plan = TRY(kind.plan(options, {{arrow::schema(fields)}}, {}));
  double best[3] = {1e9, 1e9, 1e9};
  std::int64_t rows = 0, partial = 0, groups = 0;
  for (int round = 0; round < 5; ++round) {
    const double begin = seconds();
    const Batches input = TRY(scan(file, columns));
    const double scanned = seconds();
    const Batches states = TRY(run(plan.phases[0], input));
    const double grouped = seconds();
    const Batches output = TRY(run(plan.phases[1], states));
    const double ended = seconds();
    best[0] = std::min(best[0], scanned - begin);
    best[1] = std::min(best[1], grouped - scanned);
    best[2] = std::min(best[2], ended - grouped);
    rows = rows_of(input), partial = rows_of(states), groups = rows_of(output);
  }
  fmt::print(
      "{}\n  {} rows, {} partial, {} groups; ms: scan {:.1f}, first phase {:.1f} ({:.0f} M "
      "rows/s), second {:.1f}\n",
      with, rows, partial, groups, best[0] * 1e3, best[1] * 1e3,
      static_cast<double>(rows) / best[1] / 1e6, best[2] * 1e3);
  return {};
}

Result<> measure_all(const std::string& path) {
  OperatorRegistry registry(system_files());
  register_operators(registry);
  const auto file = TRY(ParquetFile::open(system_files(), path));
  TRY(measure(registry, *file, {"origin", "delay", "distance"},
              R"~({"group_by": ["origin"], "select":
                  {"n": "count(*)", "late": "avg(delay)", "miles": "sum(distance)"}})~"));
  TRY(measure(registry, *file, {"origin", "destination", "delay"},
              R"~({"group_by": ["origin", "destination"], "select":
                  {"n": "count(*)", "late": "avg(delay)"}})~"));
  TRY(measure(registry, *file, {"date", "delay"},
              R"~({"group_by": {"month": "date_trunc('month', date)"}, "select":
                  {"n": "count(*)", "late": "avg(delay)"}})~"));
  TRY(measure(registry, *file, {"delay", "distance"},
              R"~({"select": {"n": "count(*)", "late": "avg(delay)", "miles": "sum(distance)",
                              "least": "min(delay)", "most": "max(delay)"}})~"));
  TRY(measure(registry, *file, {"origin", "destination"},
              R"~({"group_by": ["origin"], "select": {"n": "count(distinct destination)"}})~"));
  TRY(measure(
      registry, *file, {"date", "distance"},
      R"~({"group_by": ["date"], "select": {"n": "count(*)", "miles": "sum(distance)"}})~"));
  return measure(registry, *file, {"origin", "delay"},
                 R"~({"group_by": ["origin"], "select": {"s": "stddev(delay)",
                      "x": "sum(delay * 1.5e0)"}})~");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print("usage: bench-aggregate FILE\n");
    return 2;
  }
  const Result<> measured = measure_all(argv[1]);
  if (!measured) fmt::print("{}\n", measured.error().to_string());
  return measured ? 0 : 1;
}
