#include "runtime/graph/keep_apart.hpp"

#include <algorithm>
#include <optional>
#include <vector>

namespace troupe {
namespace {

using Numbers = std::vector<std::size_t>;

/// The region of each stage: one of the stages that it runs together with.
Numbers regions_of(const TaskGraph& graph) {
  Numbers region(graph.stages.size());
  for (std::size_t i = 0; i < region.size(); ++i) region[i] = i;
  for (const TaskEdge& edge : graph.edges) {
    if (edge.blocking) continue;
    const std::size_t from = region[edge.from.value()];
    std::replace(region.begin(), region.end(), from, region[edge.to.value()]);
  }
  return region;
}

/// How many kept edges come before each stage, one after the other.
Numbers rounds_of(const TaskGraph& graph) {
  Numbers round(graph.stages.size());
  // Edges stand in the order of their consumers, producers before consumers.
  for (const TaskEdge& edge : graph.edges) {
    const std::size_t after = round[edge.from.value()] + (edge.blocking ? 1 : 0);
    round[edge.to.value()] = std::max(round[edge.to.value()], after);
  }
  return round;
}

/// Regions that must wait for themselves: what is left when those are taken away, again and again,
/// that wait for no other one.
std::vector<bool> waiting_for_themselves(const TaskGraph& graph, const Numbers& region) {
  std::vector<bool> left(graph.stages.size(), true);
  for (bool taken = true; taken;) {
    taken = false;
    std::vector<bool> waits(graph.stages.size());
    for (const TaskEdge& edge : graph.edges) {
      if (edge.blocking && left[region[edge.from.value()]]) waits[region[edge.to.value()]] = true;
    }
    for (std::size_t i = 0; i < left.size(); ++i) {
      if (!left[i] || waits[region[i]]) continue;
      left[i] = false;
      taken = true;
    }
  }
  return left;
}

/// The last edge that joins two rounds in a circle; nothing where there is no circle.
std::optional<std::size_t> edge_to_keep(const TaskGraph& graph) {
  const Numbers region = regions_of(graph);
  const std::vector<bool> circles = waiting_for_themselves(graph, region);
  const Numbers round = rounds_of(graph);
  for (std::size_t i = graph.edges.size(); i-- > 0;) {
    const TaskEdge& edge = graph.edges[i];
    const bool joins = !edge.blocking && round[edge.from.value()] < round[edge.to.value()];
    if (joins && circles[edge.from.value()]) return i;
  }
  return std::nullopt;
}

}  // namespace

void keep_apart(TaskGraph& graph) {
  while (const auto edge = edge_to_keep(graph)) graph.edges[*edge].blocking = true;
}

}  // namespace troupe
