#include "runtime/host/deployer.hpp"

namespace troupe {

Result<Deployment> Deployer::build(const DeployTask& deploy,
                                   const std::shared_ptr<TaskHost>& host) {
  return Deployment::make(deploy, TRY(run_of(deploy)), host, site_);
}

/// All that is written anew has a name of its own.
Recovered Deployer::recover() const {
  Recovered found;
  const Result<> emptied = kept_.drop_all();
  if (!emptied) found.stays = emptied.error();
  auto runs = snapshots_.recover();
  if (!runs) found.stays = runs.error();
  if (runs) found.with_snapshots = *std::move(runs);
  return found;
}

FetchingTask Deployer::fetching(SnapshotOrder order, std::shared_ptr<TaskHost> host) const {
  return fetching_task(std::move(order), {site_.self, snapshots_, site_.remote}, std::move(host),
                       site_.clock);
}

Result<std::shared_ptr<DeployedRun>> Deployer::run_of(const DeployTask& deploy) {
  std::lock_guard lock(mutex_);
  auto& run = runs_[deploy.token.run];
  if (!run) run = TRY(DeployedRun::make(deploy, planner_));
  return run;
}

void Deployer::forget(RunId run) {
  std::lock_guard lock(mutex_);
  runs_.erase(run);
  exchange_.drop(run);
}

std::size_t Deployer::runs() const {
  std::lock_guard lock(mutex_);
  return runs_.size();
}

}  // namespace troupe
