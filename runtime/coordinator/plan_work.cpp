#include "runtime/coordinator/plan_work.hpp"

#include <utility>

namespace troupe {
namespace {

/// The task graph with its splits: those given, or what the sources say now.
Result<TaskGraph> plan(const effect::PlanTasks& work, Planner& planner) {
  TaskGraph tasks = TRY(planner.derive(*work.plan, work.target))->tasks;
  if (!work.splits) {
    TRY(assign_splits(tasks));
    return tasks;
  }
  const Splits& splits = *work.splits;
  if (splits.size() != tasks.stages.size()) {
    return make_error(ErrorCode::corrupt, "the stored splits are of {} stages, the plan has {}",
                      splits.size(), tasks.stages.size());
  }
  for (std::size_t i = 0; i < splits.size(); ++i) tasks.stages[i].splits = splits[i];
  return tasks;
}

}  // namespace

CoordinatorEvent carry_out(const effect::PlanTasks& work, Planner& planner) {
  auto graph = plan(work, planner);
  if (!graph) return failed(work, std::move(graph).error());
  return coordinator_event::Planned{work.run, *std::move(graph)};
}

CoordinatorEvent failed(const effect::PlanTasks& work, Error reason) {
  return coordinator_event::PlanFailed{work.run, std::move(reason)};
}

}  // namespace troupe
