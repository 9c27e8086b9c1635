#pragma once

#include "runtime/decision/records.hpp"
#include "runtime/graph/task_graph.hpp"

namespace troupe {

// What a run needs done that blocks; for the I/O pool. Plans are `encode_plan` of bound graphs.

/// The task graph with its splits: those given, or what the sources say now.
Result<TaskGraph> plan_run(const std::string& plan, const OperatorRegistry& registry,
                           const PlanTarget& target, const std::optional<Splits>& splits);

/// How many tasks a plan makes for a target; 0 where it makes none.
std::uint32_t tasks_of_plan(const std::string& plan, const OperatorRegistry& registry,
                            const PlanTarget& target);
std::uint32_t tasks_of_graph(const JobGraph& graph, const OperatorRegistry& registry,
                             const PlanTarget& target);

Result<> commit_sink(const std::string& plan, const OperatorRegistry& registry,
                     const std::string& vertex, const std::string& marker,
                     const std::vector<Committable>& committables);

/// Every sink of the plan removes what this run staged and nothing committed.
Result<> clean_up_sinks(const std::string& plan, const OperatorRegistry& registry,
                        const RunUid& run);

}  // namespace troupe
