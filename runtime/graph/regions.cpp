#include "runtime/graph/regions.hpp"

#include <algorithm>
#include <numeric>
#include <set>

namespace troupe {
namespace {

using Stages = std::set<std::uint32_t>;

/// The stages that `stage` gets rows from, itself included; through kept edges too if `kept`.
Stages ancestors(const TaskGraph& graph, std::uint32_t stage, bool kept) {
  Stages found{stage};
  // Edges go from smaller to larger stages: one pass down finds them all.
  for (std::uint32_t at = stage + 1; at-- > 0;) {
    if (!found.count(at)) continue;
    for (const TaskEdge& edge : graph.edges) {
      if (edge.to.value() == at && (kept || !edge.blocking)) found.insert(edge.from.value());
    }
  }
  return found;
}

bool meet(const Stages& a, const Stages& b) {
  return std::any_of(a.begin(), a.end(), [&](std::uint32_t stage) { return b.count(stage) > 0; });
}

}  // namespace

void keep_what_would_jam(TaskGraph& graph, const std::vector<bool>& waits) {
  for (std::size_t i = 0; i < graph.edges.size(); ++i) {
    TaskEdge& edge = graph.edges[i];
    if (edge.blocking) continue;
    const Stages mine = ancestors(graph, edge.from.value(), false);
    for (std::size_t j = 0; j < graph.edges.size(); ++j) {
      const TaskEdge& other = graph.edges[j];
      // Of two inputs that are both waited for, nobody says which one is wanted first.
      if (i == j || other.to != edge.to || !waits[j]) continue;
      if (meet(mine, ancestors(graph, other.from.value(), true))) edge.blocking = true;
    }
  }
}

void mark_regions(TaskGraph& graph) {
  std::vector<std::uint32_t> root(graph.stages.size());
  std::iota(root.begin(), root.end(), 0);
  const auto find = [&](std::uint32_t stage) {
    while (root[stage] != stage) stage = root[stage] = root[root[stage]];
    return stage;
  };
  for (const TaskEdge& edge : graph.edges) {
    if (edge.blocking) continue;
    const std::uint32_t a = find(edge.from.value());
    const std::uint32_t b = find(edge.to.value());
    root[std::max(a, b)] = std::min(a, b);
  }
  std::uint32_t next = 0;
  for (Stage& stage : graph.stages) {
    const std::uint32_t first = find(stage.id.value());
    stage.region = first == stage.id.value() ? next++ : graph.stages[first].region;
  }
}

}  // namespace troupe
