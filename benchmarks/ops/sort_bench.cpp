// Sorting a Parquet file that is in memory already: `bench-sort flights-3m.parquet`.
#include "benchmarks/ops/bench_support.hpp"

using namespace troupe;

int main(int argc, char** argv) {
  if (argc != 2) return std::puts("usage: bench-sort FLIGHTS.parquet"), 2;
  const auto batches = load(argv[1]);
  const PlanInput input{logical_schema(batches), count(batches)};
  const std::vector<Streams> inputs = {deal(batches, 2)};
  const auto run = [&](const std::vector<std::string>& by, std::optional<int> limit = {}) {
    Json with{{"by", by}};
    if (limit) with["limit"] = *limit;
    measure(fmt::format("sort by {}{}", fmt::join(by, ", "), limit ? " limit" : ""),
            plan_of("sort", with, {input}), inputs);
  };
  run({"date"});
  run({"delay desc", "distance"});
  run({"origin", "destination", "date desc"});
  run({"delay desc"}, 100);
  run({"origin", "delay"}, 100'000);
}
