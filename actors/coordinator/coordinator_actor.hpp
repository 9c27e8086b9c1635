#pragma once

#include "actors/executor/ports.hpp"
#include "actors/system/actor_system.hpp"
#include "runtime/base/metrics.hpp"
#include "runtime/control/control.hpp"
#include "runtime/coordinator/coordinator_driver.hpp"
#include "runtime/graph/planner.hpp"
#include "runtime/metadata/metadata_store.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// Something happened that the machine must know: what the session with a node says, work that is
/// done.
struct CoordinatorTold {
  CoordinatorEvent event;
};
/// What a client asks, and where the answer goes: once.
struct Asked {
  AnyRequest request;
  AnyAnswerTo answer;
};
/// A client waits for events, and there were none when the store was asked last.
struct EventsAwaited {
  ListEvents asked;
  Instant until;
  std::uint64_t writes = 0;  ///< of the coordinator, when the store was asked
  AnswerTo<ListEvents> answer;
};
/// The tasks of what a client wants to run are counted, away from this thread.
struct TasksCounted {
  Submission made;
  AnswerTo<SubmitRun> answer;
};
/// The store has been read; once, first.
struct ImageRead {
  std::shared_ptr<const Result<ClusterImage>> image;
};
/// The transaction of the store is over, with what it found.
struct Written {
  Result<std::vector<Looked>> outcome;
};

using CoordinatorRef =
    Ref<CoordinatorTold, Reported, Asked, EventsAwaited, TasksCounted, ImageRead, Written>;

/// Threads that `CoordinatorServices::store_io` needs.
inline constexpr std::size_t store_threads = 2;

/// What the coordinator needs of its node. All outlive it.
struct CoordinatorServices {
  std::shared_ptr<MetadataStore> store;
  /// For the store alone: one call writes and one reads at a time, and neither waits for rows of
  /// jobs.
  IoPool& store_io;
  Planner& planner;
  Metrics& metrics;
  /// The executor of this incarnation of a node, here or elsewhere; none, or one that has ended,
  /// where there is no way to it.
  std::function<ExecutorPort(const NodeId&, Incarnation)> executor;
};

struct CoordinatorStart {
  CoordinatorConfig config;
  /// What plans are made for, where a job does not say; 0: the slots of the nodes that are there
  /// when a run is submitted. The number is a part of the run: nodes that come and go later change
  /// nothing, and every node derives the same graph.
  std::uint32_t parallelism = 2;
  /// Where no node is there yet.
  std::uint32_t parallelism_alone = 1;
  /// See `PlanTarget`: false where all tasks share the coordinator's process.
  bool keep_blocking_edges = true;
};

/// The shell of `CoordinatorDriver`: opens the store, tells what happens, and is its hands. It ends
/// with its driver, where a write fails; its supervisor, the node, starts another, with the next
/// term.
///
/// What survives its death: every row, hence every run. What does not: answers to clients.
CoordinatorRef spawn_coordinator(ActorSystem& system, CoordinatorStart start,
                                 CoordinatorServices services);

/// `Control` of this coordinator. May be used for as long as the actor system exists.
std::unique_ptr<Control> make_control(CoordinatorRef coordinator);

}  // namespace troupe
