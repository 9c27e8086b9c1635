#include "tests/runtime/connectors/connector_runner.hpp"

#include "runtime/base/json.hpp"
#include "runtime/connectors/connectors.hpp"
#include "runtime/operator/source.hpp"
#include "tests/support/catch.hpp"

#include <arrow/array/array_base.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

namespace troupe {

Result<OperatorPlan> plan_connector(const std::string& name, const Json& with,
                                    const PlanContext& context,
                                    const std::vector<PlanInput>& inputs) {
  static const OperatorRegistry registry = [] {
    OperatorRegistry all(system_files());
    register_connectors(all);
    return all;
  }();
  const OperatorKind* kind = registry.find(name);
  ENSURE(kind != nullptr, "no connector '{}'", name);
  const Options options = TRY(Options::make(kind->description(), with));
  PlanContext placed = context;
  if (placed.files == nullptr) placed.files = &registry.files();
  return kind->plan(options, inputs, placed);
}

std::shared_ptr<Source> source_of(const OperatorPlan& plan) {
  return plan.phases.front().make_source().value();
}

Result<std::vector<Batch>> rows_of(const OperatorPlan& plan, std::uint32_t wanted) {
  const auto source = source_of(plan);
  std::vector<Batch> batches;
  const auto splits = TRY(source->splits(wanted));
  for (const Split& split : splits) {
    const auto reader = TRY(source->open(split));
    for (;;) {
      Batch batch = TRY(reader->next());
      if (!batch) break;
      CHECK(batch.rows() <= batch_rows_max);
      CHECK(batch.rows() > 0);
      REQUIRE(batch.columns()->num_columns() == plan.output()->num_fields());
      for (int i = 0; i < batch.columns()->num_columns(); ++i) {
        CHECK(batch.columns()->column_name(i) == plan.output()->field(i)->name());
        CHECK(logical_type(batch.columns()->column(i)->type())
                  ->Equals(plan.output()->field(i)->type()));
      }
      batches.push_back(std::move(batch));
    }
  }
  return batches;
}

}  // namespace troupe
