#pragma once

#include "runtime/decision/records.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace troupe {

/// What a run needs to know of a node.
struct ClusterNode {
  NodeId node;
  Incarnation incarnation;
  std::string address;
  std::uint32_t slots = 0;
  std::uint32_t used = 0;  ///< by all runs
  /// Takes new tasks. False while it is suspected, or has not yet said what it holds.
  bool placeable = false;
  /// Its own faults made work fail there (`NodeHealth`): the last to be given any.
  bool resting = false;
  /// Has said to this leader what it holds; until then what it kept is neither here nor lost.
  bool listed = false;
};

/// The members of the cluster whose tasks and kept outputs still count.
struct ClusterView {
  std::map<NodeId, ClusterNode> nodes;

  /// The node, if it is still this incarnation; else null.
  const ClusterNode* find(const NodeId& node, Incarnation incarnation) const;
  const ClusterNode* find(const NodeId& node) const;
  /// One that has said what it holds, so that commands reach it; null where there is none.
  const ClusterNode* any_listed() const;
};

/// Slots on the nodes that somebody may use.
struct Room {
  std::uint64_t total = 0;
  std::uint64_t free = 0;

  /// True where so many slots may be given now. A region that is wider than all there is (a node
  /// died) fits when all of it is free, and then takes more than there are: a smaller cluster is
  /// slower, not stuck.
  bool fits(std::uint32_t width) const;
};

/// The nodes that a region may use. At best none that rests, and none of `avoided`, on which the
/// region failed by the node's fault. If that leaves none, resting ones, too; if still none, any: a
/// fault may pass, and retries have a limit of their own. Nodes `kept` for somebody else have no
/// free slots.
Room room_for(const std::set<NodeProcess>& avoided, const ClusterView& cluster,
              const std::set<NodeId>& kept = {});
/// The nodes of that room.
std::set<NodeId> usable_nodes(const std::set<NodeProcess>& avoided, const ClusterView& cluster);
/// Nodes for `width` slots, slot by slot, out of a room in which they fit.
///
/// Spreads: each slot goes to the node that is least loaded for its size, the first by name among
/// equals, so the same cluster gives the same answer.
std::vector<NodeId> place(std::uint32_t width, const ClusterView& cluster,
                          const std::set<NodeProcess>& avoided = {},
                          const std::set<NodeId>& kept = {});
/// True if there is a node that does not rest and is none of `avoided`.
bool has_good_node(const ClusterView& cluster, const std::set<NodeProcess>& avoided);

}  // namespace troupe
