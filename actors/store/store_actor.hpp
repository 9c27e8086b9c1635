#pragma once

#include "actors/executor/task_actor.hpp"
#include "actors/link/link_service.hpp"
#include "runtime/host/data_plane.hpp"
#include "runtime/host/serving_task.hpp"

#include <map>
#include <memory>

namespace troupe {

/// LINK -> STORE: another node asks for a kept partition, or a state file.
struct ServePartition {
  FetchRequest request;
};

/// The parts of its node that the store uses.
struct StoreServices {
  ServedFiles files;
  std::shared_ptr<DataPlane> plane;
  Metrics& metrics;
};

/// Sends the partitions that this node's tasks have kept to consumers on other nodes, and state
/// files to nodes that need them. Who is on this node reads the file itself.
///
/// Each request is served by a task of its own (`runtime/host/serving_task.hpp`). Supervised by the
/// NODE; what is being served dies with it, and its consumers ask again when they are restarted.
class StoreActor : public ActorOf<StoreActor, ServePartition, TaskEnded> {
 public:
  explicit StoreActor(StoreServices services)
      : services_(std::move(services)),
        bytes_sent_(services_.metrics.counter("troupe_store_bytes_sent_total",
                                              "Kept partitions and state files sent to other "
                                              "nodes, in bytes.")) {}

  void on(const ServePartition& serve);
  void on(const TaskEnded& ended);

 private:
  Result<> begin(const FetchRequest& request);
  void refuse(const FetchRequest& request, const Error& error);

  const StoreServices services_;
  MetricCounter& bytes_sent_;
  std::map<std::uint64_t, FetchRequest> serving_;  ///< by the number of the serving task
  std::uint64_t last_number_ = 0;
};

/// Starts the store of a node and lets it hear what `link` hears for `store_address`. Before the
/// link is started.
StoreActor::Ref spawn_store(ActorSystem& system, LinkService& link, StoreServices services);

}  // namespace troupe
