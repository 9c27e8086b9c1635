// limit: exactly n rows whatever the batches and the parallelism; after ordered input they are the
// first in order; once satisfied it asks for no more.
#include "runtime/base/json.hpp"
#include "runtime/operator/operator_kind.hpp"
#include "runtime/ops/builtin_ops.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/phase_runner.hpp"

#include <arrow/type.h>

using namespace troupe;

namespace {

const SchemaPtr numbers = arrow::schema({arrow::field("n", arrow::int64())});

OperatorPlan plan_limit(std::int64_t rows, std::int64_t offset) {
  OperatorRegistry registry(system_files());
  register_operators(registry);
  const OperatorKind& kind = *registry.find("limit");
  const auto options =
      Options::make(kind.description(), Json{{"rows", rows}, {"offset", offset}}).value();
  return kind.plan(options, {PlanInput{numbers, 1000}}, {.parallelism = 2}).value();
}

/// 0 1 2 ... in batches of seven.
Streams counted(std::int64_t rows, std::uint32_t subtasks) {
  Streams streams(subtasks);
  for (std::int64_t i = 0; i < rows; ++i) {
    const auto subtask = static_cast<std::size_t>(i * subtasks / rows);
    streams[subtask].push_back(rows_from(numbers, fmt::format("[{{\"n\": {}}}]", i)));
  }
  return streams;
}

}  // namespace

TEST_CASE("a limit passes exactly so many rows, in the order of its input") {
  for (const std::uint32_t parallelism : {1u, 2u, 4u}) {
    for (const auto& [rows, offset, expected] :
         {std::tuple{0, 0, 0}, {5, 0, 5}, {40, 0, 40}, {100, 0, 40}, {5, 38, 2}, {5, 40, 0}}) {
      INFO(parallelism << " " << rows << " " << offset);
      const auto output = run_phases(plan_limit(rows, offset), {counted(40, parallelism)},
                                     {.parallelism = parallelism})
                              .value();
      const auto lines = lines_of(all_of(output));
      REQUIRE(lines.size() == static_cast<std::size_t>(expected));
      for (std::size_t i = 0; i < lines.size(); ++i) {
        CHECK(lines[i] == std::to_string(i + static_cast<std::size_t>(offset)));
      }
    }
  }
}

TEST_CASE("a limit that is reached wants no more rows") {
  const auto plan = plan_limit(3, 1);
  CHECK(plan.rows == 3);
  auto limit = plan.phases.back().make_operator().value();
  struct Sum final : Emitter {
    std::int64_t rows = 0;
    void emit(Batch batch, int) override { rows += batch.rows(); }
    void emit_to(std::uint32_t, Batch) override {}
  } out;
  const Batch two = rows_from(numbers, R"([{"n": 1}, {"n": 2}])");
  CHECK(limit->process(0, two, out).ok());
  CHECK_FALSE(limit->satisfied());
  CHECK(limit->process(0, two, out).ok());
  CHECK(limit->satisfied());
  CHECK(out.rows == 3);
}
