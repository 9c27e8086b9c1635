#pragma once

#include "runtime/decision/records.hpp"
#include "runtime/protocol/errand.hpp"

#include <compare>
#include <concepts>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace troupe {

/// A region of a run, to which slots are granted. Runs are served in the order of their numbers,
/// and so are the regions of a run: a producer has a lower number than its readers.
struct Claim {
  RunId run;
  std::size_t region = 0;

  friend auto operator<=>(const Claim&, const Claim&) = default;
};

/// What the machines of this room want done. **The order of a list is its contract**: nothing
/// leaves before every record that stands before it, in this list or an earlier one, is durable.
/// `Outbox` keeps that for all of them.
namespace effect {

/// Write these as one transaction. A write that fails ends the coordinator: it no longer knows
/// what is true.
struct Persist {
  std::vector<Record> records;
  std::uint64_t ticket = 0;  ///< set by the outbox; answered by `Persisted`
};
/// Ask the store for the runs that have this key or this interval, or resume this run, whichever is
/// set.
/// **It keeps its place among the Persists**: the answer knows every record decided before it and
/// none decided after it, and is handed in before the `Persisted` of a later one. Answer: Looked.
struct Look {
  std::uint64_t look = 0;
  std::string key;
  std::optional<RunInterval> interval;
  std::optional<RunId> resumes = {};
  std::vector<RunUid> lineages = {};  ///< asked for those that are over
};
/// Over the session with this incarnation of the node; dropped where there is none.
struct Send {
  NodeId node;
  Incarnation incarnation;
  Command command;
};
/// Derive the task graph and, where `splits` is not set, ask the sources for theirs. Blocks, so
/// off the coordinator's thread. Answer: Planned or PlanFailed.
struct PlanTasks {
  RunId run;
  std::shared_ptr<const std::string> plan;
  PlanTarget target;
  std::optional<Splits> splits;
};
/// Have an executor do this; which one, the coordinator decides (`Errands`). Never leaves it. Its
/// run, or for cleaning up `Leftovers`, is told what came of it.
struct HaveDone {
  RunId run;
  Errand errand;
  std::set<NodeId> useless = {};  ///< never asked: a copy on one that has the files is none
};
/// The run has ended, and what it left is to be removed: `Leftovers` sees to that. Never leaves
/// this room.
struct LeaveBehind {
  Leftover leftover;
};
/// A task failed by the fault of its node: tell the cluster's machine. Never leaves this room.
struct BlameNode {
  NodeId node;
  Incarnation incarnation;
  std::string reason;
};
/// Slots, all at once, before this region may run: granted as soon as it is its turn. Said again,
/// it replaces what was said before. What a node must have besides slots is asked for here, too.
/// This and the two below go to the ledger of slots (`AdmissionMachine`), at once, and never leave
/// the coordinator.
struct Need {
  Claim claim;
  std::uint32_t slots = 1;
  std::set<NodeProcess> avoided = {};  ///< it failed there by the node's fault
};
/// The region is at work there already: an earlier leader gave it these slots.
struct Hold {
  Claim claim;
  std::vector<NodeId> nodes;
};
/// The region needs none any more: it gives back what it holds, or waits no longer.
struct Free {
  Claim claim;
};
/// Tell the machine of this run that everything before this is durable.
struct Continue {
  RunId run;
};
/// For whoever asked.
struct Reply {
  std::uint64_t request = 0;
  Result<RunId> answer = RunId();
};
/// For whoever waits for the run. Its row is durable.
struct RunEnded {
  RunId run;
  RunState state;
  std::optional<Error> cause;
};
/// For whoever waits for the run, after RunEnded: what it left beside its outputs is removed, or
/// could not be for now. Of a run that leaves nothing to remove, because it halted, never said.
struct RunTidied {
  RunId run;
};
/// The coordinator must stop: what it was told contradicts its metadata.
struct Halt {
  Error reason;
};
/// A report that changed nothing because of its tokens; to be counted.
struct RefuseReport {
  NodeId node;
  std::string what;
};

/// Messages between the machines of the coordinator; no shell gets to see them.
template <class E>
concept Inner = std::same_as<E, HaveDone> || std::same_as<E, LeaveBehind> ||
    std::same_as<E, BlameNode> || std::same_as<E, Continue> || std::same_as<E, Need> ||
    std::same_as<E, Hold> || std::same_as<E, Free>;

}  // namespace effect

using Effect =
    std::variant<effect::Persist, effect::Look, effect::Send, effect::PlanTasks, effect::HaveDone,
                 effect::LeaveBehind, effect::BlameNode, effect::Need, effect::Hold, effect::Free,
                 effect::Continue, effect::Reply, effect::RunEnded, effect::RunTidied, effect::Halt,
                 effect::RefuseReport>;
using Effects = std::vector<Effect>;

/// The effects that the store carries out, in their order.
using StoreStep = std::variant<effect::Persist, effect::Look>;
using StoreSteps = std::vector<StoreStep>;

}  // namespace troupe
