#pragma once

#include "runtime/base/json_fwd.hpp"
#include "runtime/operator/operator_kind.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// Plans one connector by its name, as the planner does; on the machine's disk where `context`
/// names none.
Result<OperatorPlan> plan_connector(const std::string& name, const Json& with,
                                    const PlanContext& context = {},
                                    const std::vector<PlanInput>& inputs = {});

std::shared_ptr<Source> source_of(const OperatorPlan& plan);

/// All rows of a source, split by split. Each batch is checked against the planned schema.
Result<std::vector<Batch>> rows_of(const OperatorPlan& plan, std::uint32_t wanted = 2);

}  // namespace troupe
