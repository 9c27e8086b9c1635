#include "tests/support/plan_op.hpp"

#include "runtime/base/json.hpp"
#include "runtime/ops/builtin_ops.hpp"

namespace troupe {

Result<OperatorPlan> plan_op(const std::string& name, const std::string& with,
                             const std::vector<SchemaPtr>& inputs, const PlanContext& context) {
  std::vector<PlanInput> plan_inputs;
  for (const SchemaPtr& schema : inputs) plan_inputs.push_back({schema});
  return plan_op(name, with, plan_inputs, context);
}

Result<OperatorPlan> plan_op(const std::string& name, const std::string& with,
                             const std::vector<PlanInput>& inputs, const PlanContext& context) {
  static const OperatorRegistry* const registry = [] {
    auto* made = new OperatorRegistry(system_files());
    register_operators(*made);
    return made;
  }();
  const OperatorKind* kind = registry->find(name);
  ENSURE(kind, "there is no operator '{}'", name);
  const Options options = TRY(Options::make(kind->description(), Json::parse(with)));
  return kind->plan(options, inputs, context);
}

std::string plan_error(const std::string& name, const std::string& with,
                       const std::vector<SchemaPtr>& inputs) {
  const auto plan = plan_op(name, with, inputs);
  return plan ? "no mistake" : plan.error().path + ": " + plan.error().message;
}

}  // namespace troupe
