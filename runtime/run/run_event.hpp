#pragma once

#include "runtime/decision/records.hpp"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace troupe {

/// What a `RunMachine` is told. Reports come with their cluster and incarnation checked.
namespace run_event {

struct Planned {
  TaskGraph graph;  ///< with splits
};
struct PlanFailed {
  Error error;
};
struct Ready {
  NodeId node;
  Incarnation incarnation;
  AttemptKey key;
};
/// A task of a stream acknowledges an epoch.
struct Snapshotted {
  NodeId node;
  Incarnation incarnation;
  AttemptKey key;
  Epoch epoch;
  TaskSnapshot snapshot;
};
/// The sources of a task of a stream have come to their end.
struct Exhausted {
  NodeId node;
  Incarnation incarnation;
  AttemptKey key;
};
struct Finished {
  NodeId node;
  Incarnation incarnation;
  TaskFinished report;
};
struct Failed {
  NodeId node;
  Incarnation incarnation;
  TaskFailed report;
};
/// The slots that a region has asked for.
struct Granted {
  std::size_t region = 0;
  std::vector<NodeId> nodes;  ///< slot by slot
};
struct Stopped {
  AttemptKey key;
};
struct Progress {
  NodeId node;
  Incarnation incarnation;
  TaskProgress report;
};
/// A node has listed what it holds of this run. It was given no new tasks since it was asked.
struct Listed {
  NodeId node;
  Incarnation incarnation;
  std::vector<HeldTask> held;
};
struct NodeLost {
  NodeId node;
  Incarnation incarnation;
  std::string reason;
};
struct SinkCommitted {
  std::string vertex;
};
struct SinkCommitFailed {
  std::string vertex;
  Error error;
};
/// Files of the run's state are on the disk of one more node, or could not be copied there.
struct Copied {
  std::uint64_t copy = 0;  ///< the number of the errand
  NodeId by;
  std::optional<Error> error;
};
struct Cancel {
  std::string by;
};
/// To stop after a last epoch. Of streaming runs only.
struct Stop {
  std::string by;
};
/// An `effect::Continue` of this run came due: all before it is durable.
struct Continued {};
/// A deadline has passed.
struct Tick {};

}  // namespace run_event

using RunEvent =
    std::variant<run_event::Planned, run_event::PlanFailed, run_event::Ready,
                 run_event::Snapshotted, run_event::Exhausted, run_event::Finished,
                 run_event::Failed, run_event::Granted, run_event::Stopped, run_event::Progress,
                 run_event::Listed, run_event::NodeLost, run_event::SinkCommitted,
                 run_event::SinkCommitFailed, run_event::Copied, run_event::Cancel, run_event::Stop,
                 run_event::Continued, run_event::Tick>;

}  // namespace troupe
