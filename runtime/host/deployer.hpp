#pragma once

#include "runtime/host/deployment.hpp"
#include "runtime/host/snapshot_fetch.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// What earlier processes of a node have left on its disk.
struct Recovered {
  std::vector<RunUid> with_snapshots;  ///< runs that may go on from it
  std::optional<Error> stays;          ///< something else does, for this reason; in nobody's way
};

/// What the deployments of one node share: the runs that have tasks here, the channels between
/// those tasks, and where they keep files and state. Outlives them all; safe from any thread.
class Deployer {
 public:
  /// `files` is the door to the node's own disk; `directory` is this deployer's alone, `snapshots`
  /// was of those before it, and will be of those after it.
  Deployer(NodeId self, Planner& planner, FileSystem& files, std::string directory,
           std::string snapshots, RemoteChannels* remote, const Clock& clock)
      : planner_(planner),
        kept_(files, std::move(directory)),
        snapshots_(files, std::move(snapshots)),
        site_{std::move(self), kept_, exchange_, remote, clock, {}, &snapshots_} {}

  const KeptFiles& kept() const { return kept_; }
  const SnapshotStore& snapshots() const { return snapshots_; }
  /// Removes what earlier processes have left and nobody can use. Blocks.
  Recovered recover() const;
  /// Brings state files here; does not block.
  FetchingTask fetching(SnapshotOrder order, std::shared_ptr<TaskHost> host) const;
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
  const SnapshotStore snapshots_;
  LocalExchange exchange_;
  const DeploymentSite site_;
  mutable std::mutex mutex_;
  std::map<RunId, std::shared_ptr<DeployedRun>> runs_;
};

}  // namespace troupe
