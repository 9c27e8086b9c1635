#pragma once

#include "runtime/host/deployed_run.hpp"
#include "runtime/host/kept_files.hpp"
#include "runtime/host/kept_output.hpp"
#include "runtime/host/local_exchange.hpp"
#include "runtime/host/remote_channels.hpp"
#include "runtime/host/snapshot_store.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace troupe {

/// What deployments on one node share; outlives them.
struct DeploymentSite {
  NodeId self;
  KeptFiles& kept;
  LocalExchange& exchange;
  RemoteChannels* remote = nullptr;  ///< null: a node that has no others
  const Clock& clock;
  ChannelLimits channels = {};  ///< of each inside this node; a run with little memory has less
  const SnapshotStore* snapshots = nullptr;  ///< null: a node without streams
};

/// Which channels of a task broke; written by the task, read when it has ended.
struct ChannelFailures {
  std::mutex mutex;
  std::vector<TaskPeer> lost_inputs;  ///< kept outputs that could not be read
  bool peer_lost = false;             ///< a channel to a task of another node
};

/// A task attempt, built as it was told.
struct Deployment {
  std::shared_ptr<Task> task;
  std::string sink;  ///< vertex, where the chain ends in a sink
  /// What it keeps, by edge of the graph.
  std::vector<std::pair<std::uint32_t, std::shared_ptr<KeptOutput>>> kept;
  std::shared_ptr<ChannelFailures> failures = std::make_shared<ChannelFailures>();

  /// Opens its channels (a peer that is deployed later finds its end waiting) and builds it.
  static Result<Deployment> make(const DeployTask& deploy, const std::shared_ptr<DeployedRun>& run,
                                 const std::shared_ptr<TaskHost>& host, const DeploymentSite& site);

  /// What the finished task keeps for its consumers.
  std::vector<OutputSummary> summaries() const;
};

}  // namespace troupe
