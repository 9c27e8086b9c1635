#pragma once

#include "runtime/base/json.hpp"
#include "runtime/formats/parquet_file.hpp"
#include "runtime/ops/builtin_ops.hpp"
#include "tests/support/phase_runner.hpp"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

namespace troupe {

/// All rows of a Parquet file, in memory.
inline std::vector<Batch> load(const std::string& path) {
  const auto file = ParquetFile::open(system_files(), path).value();
  std::vector<int> groups;
  for (int i = 0; i < file->row_groups(); ++i) groups.push_back(i);
  auto reader = file->read(groups, file->schema()->field_names()).value();
  std::vector<Batch> batches;
  while (Batch batch = reader->next().value()) batches.push_back(std::move(batch));
  return batches;
}

inline SchemaPtr logical_schema(const std::vector<Batch>& batches) {
  arrow::FieldVector fields;
  for (const auto& field : batches.front().columns()->schema()->fields()) {
    fields.push_back(field->WithType(logical_type(field->type())));
  }
  return arrow::schema(fields);
}

inline std::int64_t count(const std::vector<Batch>& batches) {
  std::int64_t rows = 0;
  for (const Batch& batch : batches) rows += batch.rows();
  return rows;
}

inline OperatorPlan plan_of(const std::string& op, const Json& with,
                            const std::vector<PlanInput>& inputs) {
  OperatorRegistry registry(system_files());
  register_operators(registry);
  const OperatorKind& kind = *registry.find(op);
  return kind.plan(Options::make(kind.description(), with).value(), inputs, {.parallelism = 2})
      .value();
}

/// Runs it five times in one thread and prints the best: CPU time of all subtasks together.
inline void measure(const std::string& name, const OperatorPlan& plan,
                    const std::vector<Streams>& inputs) {
  double best = 1e9;
  std::int64_t rows = 0;
  for (int i = 0; i < 5; ++i) {
    const std::clock_t from = std::clock();
    const auto output =
        run_phases(plan, inputs, {.scratch_directory = "/tmp/troupe-bench", .check = false})
            .value();
    best = std::min(best, static_cast<double>(std::clock() - from) / CLOCKS_PER_SEC);
    rows = count(all_of(output));
  }
  std::printf("%-44s %7.0f ms  %9ld rows out\n", name.c_str(), best * 1e3, long{rows});
}

}  // namespace troupe
