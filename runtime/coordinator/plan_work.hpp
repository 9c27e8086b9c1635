#pragma once

#include "runtime/coordinator/coordinator_machine.hpp"
#include "runtime/graph/planner.hpp"

namespace troupe {

/// Plans the tasks of a run, here and now. Blocks: sources are asked for their splits. What came of
/// it is the machine's to hear, good or bad.
CoordinatorEvent carry_out(const effect::PlanTasks& work, Planner& planner);
/// It was not done, for this reason.
CoordinatorEvent failed(const effect::PlanTasks& work, Error reason);

}  // namespace troupe
