#pragma once

#include "runtime/operator/operator_kind.hpp"

#include <string>
#include <vector>

namespace troupe {

/// Plans a built-in operator as a descriptor would: by its name and the JSON of its `with:`.
Result<OperatorPlan> plan_op(const std::string& name, const std::string& with,
                             const std::vector<SchemaPtr>& inputs, const PlanContext& context = {});

/// With inputs that are streams, or have rows with event time.
Result<OperatorPlan> plan_op(const std::string& name, const std::string& with,
                             const std::vector<PlanInput>& inputs, const PlanContext& context = {});

/// "path: message" of the plan's mistake.
std::string plan_error(const std::string& name, const std::string& with,
                       const std::vector<SchemaPtr>& inputs);

}  // namespace troupe
