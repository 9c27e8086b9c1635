#include "runtime/host/deployed_run.hpp"

#include "runtime/operator/operator_kind.hpp"

namespace troupe {

Result<std::shared_ptr<DeployedRun>> DeployedRun::make(const DeployTask& deploy,
                                                       const OperatorRegistry& registry) {
  const JobGraph job = TRY(decode_plan(*deploy.plan));
  TaskGraph graph = TRY(plan_tasks(job, registry, deploy.target));
  return of(std::move(graph), deploy.memory_bytes);
}

std::shared_ptr<DeployedRun> DeployedRun::of(TaskGraph graph, std::int64_t memory_bytes) {
  return std::shared_ptr<DeployedRun>(new DeployedRun(std::move(graph), memory_bytes));
}

Result<StageObjects> DeployedRun::objects(StageId stage) {
  std::lock_guard lock(mutex_);
  auto known = objects_.find(stage);
  if (known != objects_.end()) return known->second;
  return objects_[stage] = TRY(StageObjects::make(graph_.stage(stage)));
}

}  // namespace troupe
