#pragma once

#include "runtime/host/deployment.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace troupe {

/// What the deployments of one node share: the runs that have tasks here, the channels between
/// those tasks, and where they keep files. Outlives them all; safe from any thread.
class Deployer {
 public:
  /// `files` is the door to the node's own disk; `directory` is this deployer's alone.
  Deployer(NodeId self, Planner& planner, FileSystem& files, std::string directory,
           RemoteChannels* remote, const Clock& clock)
      : planner_(planner),
        kept_(files, std::move(directory)),
        site_{std::move(self), kept_, exchange_, remote, clock} {}

  const KeptFiles& kept() const { return kept_; }
  /// Blocks for some milliseconds at the first task of a run.
  Result<Deployment> build(const DeployTask& deploy, const std::shared_ptr<TaskHost>& host);
  /// None of the run's tasks is left here.
  void forget(RunId run);
  /// Runs that are not forgotten, for tests.
  std::size_t runs() const;

 private:
  Result<std::shared_ptr<DeployedRun>> run_of(const DeployTask& deploy);

  Planner& planner_;
  KeptFiles kept_;
  LocalExchange exchange_;
  const DeploymentSite site_;
  mutable std::mutex mutex_;
  std::map<RunId, std::shared_ptr<DeployedRun>> runs_;
};

}  // namespace troupe
