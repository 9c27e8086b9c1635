#include "runtime/cluster/placement.hpp"

#include "runtime/base/ensure.hpp"

#include <algorithm>

namespace troupe {
namespace {

struct Candidate {
  const ClusterNode* node;
  std::uint64_t used;
};

/// Of two nodes the one whose share in use is smaller; the names decide between equals, and the
/// cluster has them in order.
bool less_loaded(const Candidate& a, const Candidate& b) {
  return a.used * b.node->slots < b.used * a.node->slots;
}

/// From the best to the worst place for a region.
enum class Standing { good, resting, avoided };

bool usable(const ClusterNode& node) { return node.placeable && node.slots > 0; }

Standing standing_of(const ClusterNode& node, const std::set<NodeProcess>& avoided) {
  if (avoided.contains({node.node, node.incarnation})) return Standing::avoided;
  return node.resting ? Standing::resting : Standing::good;
}

/// The cluster is seen as if there were only nodes of this standing or a better one.
Standing best_standing(const ClusterView& cluster, const std::set<NodeProcess>& avoided) {
  Standing best = Standing::avoided;
  for (const auto& [name, node] : cluster.nodes) {
    if (usable(node)) best = std::min(best, standing_of(node, avoided));
  }
  return best;
}

std::vector<Candidate> candidates(const ClusterView& cluster,
                                  const std::set<NodeProcess>& avoided) {
  const Standing worst = best_standing(cluster, avoided);
  std::vector<Candidate> found;
  for (const auto& [name, node] : cluster.nodes) {
    if (usable(node) && standing_of(node, avoided) <= worst) found.push_back({&node, node.used});
  }
  return found;
}

}  // namespace

const ClusterNode* ClusterView::find(const NodeId& node, Incarnation incarnation) const {
  const ClusterNode* known = find(node);
  return known != nullptr && known->incarnation == incarnation ? known : nullptr;
}

const ClusterNode* ClusterView::any_listed() const {
  for (const auto& [name, node] : nodes) {
    if (node.listed) return &node;
  }
  return nullptr;
}

const ClusterNode* ClusterView::find(const NodeId& node) const {
  const auto known = nodes.find(node);
  return known == nodes.end() ? nullptr : &known->second;
}

bool Room::fits(std::uint32_t width) const {
  return total > 0 && free >= std::min<std::uint64_t>(width, total);
}

Room room_for(const std::set<NodeProcess>& avoided, const ClusterView& cluster,
              const std::set<NodeId>& kept) {
  Room room;
  for (const auto& [node, used] : candidates(cluster, avoided)) {
    room.total += node->slots;
    if (!kept.contains(node->node)) room.free += node->slots - std::min(node->slots, node->used);
  }
  return room;
}

std::set<NodeId> usable_nodes(const std::set<NodeProcess>& avoided, const ClusterView& cluster) {
  std::set<NodeId> names;
  for (const auto& [node, used] : candidates(cluster, avoided)) names.insert(node->node);
  return names;
}

std::vector<NodeId> place(std::uint32_t width, const ClusterView& cluster,
                          const std::set<NodeProcess>& avoided, const std::set<NodeId>& kept) {
  std::vector<Candidate> open = candidates(cluster, avoided);
  std::erase_if(open, [&](const Candidate& each) { return kept.contains(each.node->node); });
  ENSURE(!open.empty(), "{} slots are placed where there is no node", width);
  std::vector<NodeId> slots;
  for (std::uint32_t slot = 0; slot < width; ++slot) {
    Candidate& chosen = *std::min_element(open.begin(), open.end(), less_loaded);
    ++chosen.used;
    slots.push_back(chosen.node->node);
  }
  return slots;
}

bool has_good_node(const ClusterView& cluster, const std::set<NodeProcess>& avoided) {
  return best_standing(cluster, avoided) == Standing::good;
}

}  // namespace troupe
