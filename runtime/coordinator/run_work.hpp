#pragma once

#include "runtime/coordinator/coordinator_machine.hpp"
#include "runtime/graph/planner.hpp"

#include <variant>

namespace troupe {

/// What a run needs done that blocks: it reads and writes the disks of its sources and sinks. Plans
/// are `encode_plan` of bound graphs.
using RunWork = std::variant<effect::PlanTasks, effect::CommitSink, effect::CleanUpSinks>;

/// Does it, here and now. What came of it is the machine's to hear, good or bad.
CoordinatorEvent carry_out(const RunWork& work, Planner& planner);
/// It was not done, for this reason.
CoordinatorEvent failed(const RunWork& work, Error reason);

}  // namespace troupe
