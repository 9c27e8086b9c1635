#pragma once

#include "runtime/host/deployment.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace troupe {

/// What the deployments of one node share: the runs that have tasks here, the channels between
/// those tasks, and where they keep files. Outlives them all; safe from any thread.
class Deployer {
 public:
  /// How a run is made of the first of its deployments: `DeployedRun::make`, or what knows already.
  using RunMaker = std::function<Result<std::shared_ptr<DeployedRun>>(const DeployTask&)>;

  /// `files` is the door to the node's own disk; `directory` is this deployer's alone.
  Deployer(NodeId self, RunMaker make_run, FileSystem& files, std::string directory,
           RemoteChannels* remote, const Clock& clock)
      : make_run_(std::move(make_run)),
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

  const RunMaker make_run_;
  KeptFiles kept_;
  LocalExchange exchange_;
  const DeploymentSite site_;
  mutable std::mutex mutex_;
  std::map<RunId, std::shared_ptr<DeployedRun>> runs_;
};

}  // namespace troupe
