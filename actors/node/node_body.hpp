#pragma once

#include "actors/coordinator/coordinator_actor.hpp"
#include "actors/executor/executor_actor.hpp"
#include "actors/node/node.hpp"
#include "actors/system/actor_system.hpp"
#include "runtime/net/keys.hpp"

#include <functional>
#include <memory>
#include <string>

namespace troupe {

/// The paths of the files that a node keeps.
struct NodePaths {
  std::string data;  ///< always set; of an ephemeral node it is a temporary directory
  std::string metadata() const { return data + "/metadata.db"; }
  std::string incarnation() const { return data + "/incarnation"; }
  std::string lock() const { return data + "/lock"; }
  std::string token() const { return data + "/gateway.token"; }
  std::string work() const { return data + "/work"; }
  std::string snapshots() const { return data + "/checkpoints"; }
};

/// Why a body has ended, and whether another one may follow.
struct BodyEnd {
  Error reason;
  Incarnation highest;  ///< if set, the next incarnation must be higher
  bool for_good = false;
};

/// The actors, threads and sockets of one incarnation of a node. `Node` makes and ends it, and
/// makes the next one.
class NodeBody {
 public:
  struct Plan {
    const NodeConfig& config;
    const NodePaths& paths;
    Planner& planner;
    Metrics& metrics;
    Incarnation incarnation;
    std::optional<KeyRing> keys;  ///< none: the node opens no socket
    /// Called when the body cannot go on; from any thread. The first call counts.
    std::function<void(BodyEnd)> ended;
  };

  static Result<std::unique_ptr<NodeBody>> start(Plan plan);
  virtual ~NodeBody() = default;
  /// Null on a node without the coordinator role.
  virtual Control* control() = 0;
  virtual ActorSystem& system() = 0;
  virtual std::string endpoint() const = 0;
  /// Takes a new list of keys; sessions with nodes that are no longer on it end.
  virtual void admit(KeyRing keys) = 0;
  /// Says goodbye to peers, ends all actors, joins all threads.
  virtual void stop() = 0;
};

}  // namespace troupe
