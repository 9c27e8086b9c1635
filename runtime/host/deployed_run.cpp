#include "runtime/host/deployed_run.hpp"

#include "runtime/graph/planner.hpp"

namespace troupe {

Result<std::shared_ptr<DeployedRun>> DeployedRun::make(const DeployTask& deploy, Planner& planner) {
  const auto derived = TRY(planner.derive(*deploy.plan, deploy.target));
  return of({derived, &derived->tasks}, deploy.memory_bytes);
}

std::shared_ptr<DeployedRun> DeployedRun::of(std::shared_ptr<const TaskGraph> graph,
                                             std::int64_t memory_bytes) {
  return std::shared_ptr<DeployedRun>(new DeployedRun(std::move(graph), memory_bytes));
}

Result<StageObjects> DeployedRun::objects(StageId stage) {
  std::lock_guard lock(mutex_);
  auto known = objects_.find(stage);
  if (known != objects_.end()) return known->second;
  return objects_[stage] = TRY(StageObjects::make(graph_->stage(stage)));
}

}  // namespace troupe
