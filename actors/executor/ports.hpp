#pragma once

#include "actors/system/actor_handle.hpp"
#include "runtime/protocol/messages.hpp"

namespace troupe {

// How EXECUTOR and COORDINATOR know each other: as actors, of this node or proxies of another's.

/// COORDINATOR -> EXECUTOR.
using ExecutorPort = Ref<Command>;

/// EXECUTOR -> COORDINATOR. Who carries it vouches that it is from `node`.
struct Reported {
  NodeId node;
  Report report;
};
using CoordinatorPort = Ref<Reported>;

}  // namespace troupe
