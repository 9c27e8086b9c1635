#pragma once

#include "runtime/cluster/placement.hpp"
#include "runtime/decision/effects.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <variant>
#include <vector>

namespace troupe {

namespace admission_event {

/// A member of the cluster, new or other than before.
struct NodeChanged {
  ClusterNode node;  ///< its `used` is counted here
};
struct NodeGone {
  NodeId node;
};

}  // namespace admission_event

/// What an `AdmissionMachine` is told: what runs want of it, and what becomes of nodes.
using AdmissionEvent = std::variant<effect::Need, effect::Hold, effect::Free,
                                    admission_event::NodeChanged, admission_event::NodeGone>;

/// Slots for whoever asked for them.
struct Grant {
  Claim claim;
  std::vector<NodeId> nodes;  ///< slot by slot
};

/// The cluster's one ledger of slots: it knows who holds them, who waits, and who is next.
///
/// Owned by the CoordinatorMachine, which tells it what happens and asks for grants until there is
/// none. A claim is granted as a whole (`place` says where), held until it is freed, and never
/// asked to give anything back. So nobody holds slots while it waits for more, and whoever holds
/// some ends without any other: nobody waits in a circle.
///
/// **Who comes first** is whose run was submitted first, and of one run the region that makes what
/// others read. Of those that fit now, the first is served; so a narrow claim may pass a wide one
/// for which there is no room yet. But whoever is first in line is passed only as often as there
/// are slots that it may use: then what becomes free there is kept for it, until it fits. Runs are
/// numbered upwards, so everybody gets to the front, and nobody starves.
///
/// A claim that is wider than the cluster is no special case: it waits until all of it is free.
///
/// The time of a grant grows with the number of nodes and of different shapes that are waited for,
/// not with the number of claims that wait.
///
/// Invariant: what is used of a node is the sum of the grants held there.
/// Invariant: a claim is waiting, or granted, or neither; never both.
class AdmissionMachine {
 public:
  virtual ~AdmissionMachine() = default;

  virtual void on(const AdmissionEvent& event);
  /// The next that may begin; none: everybody has what fits. Ask again after each event.
  virtual std::optional<Grant> next_grant();

  const ClusterView& view() const { return view_; }
  const std::map<Claim, std::vector<NodeId>>& held() const { return held_; }
  std::size_t waiting() const { return waiting_.size(); }

 private:
  /// Two claims of one shape fit in the same places.
  using Shape = std::pair<std::set<NodeProcess>, std::uint32_t>;  ///< avoided, slots
  struct Waiting {
    Shape shape;
    std::uint64_t passed = 0;  ///< while it is first in line
  };

  void handle(const effect::Need&);
  void handle(const effect::Hold&);
  void handle(const effect::Free&);
  void handle(const admission_event::NodeChanged&);
  void handle(const admission_event::NodeGone&);

  std::optional<Claim> first_that_fits() const;
  std::set<NodeId> kept_for_first() const;
  void stop_waiting(const Claim& claim);
  void hold(const Claim& claim, std::vector<NodeId> nodes);
  void count(const NodeId& node, std::int64_t slots);

  ClusterView view_;
  /// By name: a grant outlives its node until its run gives it back.
  std::map<NodeId, std::int64_t> used_;
  std::map<Claim, std::vector<NodeId>> held_;
  std::map<Claim, Waiting> waiting_;             ///< in the order in which they are served
  std::map<Shape, std::set<Claim>> waiting_by_;  ///< the same, by what they need
  bool settled_ = true;                          ///< nothing has happened since nobody fitted
};

}  // namespace troupe
