#pragma once

#include "runtime/coordinator/coordinator_machine.hpp"
#include "runtime/graph/task_graph.hpp"

#include <string>
#include <variant>

namespace troupe {

/// What a run needs done that blocks: it reads and writes the disks of its sources and sinks. Plans
/// are `encode_plan` of bound graphs.
using RunWork = std::variant<effect::PlanTasks, effect::CommitSink, effect::CleanUpSinks>;

/// Does it, here and now. What came of it is the machine's to hear, good or bad.
CoordinatorEvent carry_out(const RunWork& work, const OperatorRegistry& registry);
/// It was not done, for this reason.
CoordinatorEvent failed(const RunWork& work, Error reason);

/// How many tasks a plan makes for a target; 0 where it makes none.
std::uint32_t tasks_of_plan(const std::string& plan, const OperatorRegistry& registry,
                            const PlanTarget& target);
std::uint32_t tasks_of_graph(const JobGraph& graph, const OperatorRegistry& registry,
                             const PlanTarget& target);

}  // namespace troupe
