#include "runtime/cluster/placement.hpp"

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
  for (const ClusterNode& node : cluster.nodes) {
    if (usable(node)) best = std::min(best, standing_of(node, avoided));
  }
  return best;
}

}  // namespace

const ClusterNode* ClusterView::find(const NodeId& node, Incarnation incarnation) const {
  for (const ClusterNode& known : nodes) {
    if (known.node == node) return known.incarnation == incarnation ? &known : nullptr;
  }
  return nullptr;
}

ClusterNode* ClusterView::find(const NodeId& node) {
  for (ClusterNode& known : nodes) {
    if (known.node == node) return &known;
  }
  return nullptr;
}

bool has_good_node(const ClusterView& cluster, const std::set<NodeProcess>& avoided) {
  return best_standing(cluster, avoided) == Standing::good;
}

std::optional<std::vector<NodeId>> place(std::uint32_t width, const ClusterView& cluster,
                                         const std::set<NodeProcess>& avoided) {
  const Standing worst = best_standing(cluster, avoided);
  std::vector<Candidate> candidates;
  std::uint64_t total = 0;
  std::uint64_t free = 0;
  for (const ClusterNode& node : cluster.nodes) {
    if (!usable(node) || standing_of(node, avoided) > worst) continue;
    candidates.push_back({&node, node.used});
    total += node.slots;
    free += node.slots - std::min(node.slots, node.used);
  }
  if (candidates.empty() || free < std::min<std::uint64_t>(width, total)) return std::nullopt;
  std::vector<NodeId> slots;
  for (std::uint32_t slot = 0; slot < width; ++slot) {
    Candidate& chosen = *std::min_element(candidates.begin(), candidates.end(), less_loaded);
    ++chosen.used;
    slots.push_back(chosen.node->node);
  }
  return slots;
}

}  // namespace troupe
