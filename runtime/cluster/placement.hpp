#pragma once

#include "runtime/decision/records.hpp"

#include <cstdint>
#include <optional>
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

/// The members of the cluster whose tasks and kept outputs still count, by name.
struct ClusterView {
  std::vector<ClusterNode> nodes;

  /// The node, if it is still this incarnation.
  const ClusterNode* find(const NodeId& node, Incarnation incarnation) const;
  ClusterNode* find(const NodeId& node);
};

/// Nodes for the `width` slots of a region, slot by slot; none where it must wait.
///
/// Not on a node that rests, nor on one of `avoided`, where this region failed by the node's fault.
/// Where there is no other node, not on the avoided; where these are all there are, on any: a fault
/// may pass, and who tries again has a limit of its own.
///
/// Spreads: each slot goes to the node that is least loaded for its size, the first by name among
/// equals, so the same cluster gives the same answer. A region that is wider than the whole cluster
/// (a node died) waits until all slots are free and then takes more than there are: a smaller
/// cluster is slower, not stuck.
std::optional<std::vector<NodeId>> place(std::uint32_t width, const ClusterView& cluster,
                                         const std::set<NodeProcess>& avoided = {});
/// True where a region that avoids these need not go to a node that rests, nor to one of them.
bool has_good_node(const ClusterView& cluster, const std::set<NodeProcess>& avoided);

}  // namespace troupe
