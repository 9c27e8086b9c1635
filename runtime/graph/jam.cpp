#include "runtime/graph/jam.hpp"

#include <algorithm>
#include <functional>
#include <optional>

namespace troupe {
namespace {

using Stages = std::vector<bool>;

/// The stages that `stage` gets rows from over edges that are `counted`, itself included.
template <class Counted>
Stages ancestors(const TaskGraph& graph, StageId stage, Counted counted) {
  Stages found(graph.stages.size());
  found[stage.value()] = true;
  // Edges go from smaller to larger stages, and stand in the order of their consumers.
  for (std::size_t i = graph.edges.size(); i-- > 0;) {
    const TaskEdge& edge = graph.edges[i];
    if (found[edge.to.value()] && counted(i)) found[edge.from.value()] = true;
  }
  return found;
}

bool meet(const Stages& a, const Stages& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] && b[i]) return true;
  }
  return false;
}

/// An edge whose rows may have to wait for the end of other inputs.
struct Late {
  std::size_t edge = 0;
  Stages stalled;  ///< stages that cannot go on meanwhile
  Stages awaited;  ///< stages that must end first
};

/// Of two inputs that are both waited for, nobody says which one is wanted first: both are late.
std::vector<Late> late_edges(const TaskGraph& graph, const std::vector<EdgeEnd>& ends) {
  const auto any_edge = [](std::size_t) { return true; };
  // A stage that has rows to send on has taken all of what it waits for: who fed it with that has
  // ended, and cannot be stalled by those rows.
  const auto goes_on = [&](std::size_t i) { return !graph.edges[i].blocking && !ends[i].waits; };
  std::vector<Late> late;
  for (std::size_t i = 0; i < graph.edges.size(); ++i) {
    const TaskEdge& edge = graph.edges[i];
    Stages awaited(graph.stages.size());
    bool any = false;
    for (std::size_t j = 0; j < graph.edges.size(); ++j) {
      if (i == j || graph.edges[j].to != edge.to || !ends[j].waits) continue;
      const Stages more = ancestors(graph, graph.edges[j].from, any_edge);
      std::transform(awaited.begin(), awaited.end(), more.begin(), awaited.begin(),
                     std::logical_or<>());
      any = true;
    }
    if (any && !edge.blocking && !edge.early)
      late.push_back({i, ancestors(graph, edge.from, goes_on), awaited});
  }
  return late;
}

/// True if edge `start` waits for stages that wait, directly or in turn, for `start` itself.
bool waits_for_itself(const std::vector<Late>& late, std::size_t start) {
  std::vector<bool> seen(late.size());
  std::vector<std::size_t> open{start};
  while (!open.empty()) {
    const std::size_t at = open.back();
    open.pop_back();
    for (std::size_t next = 0; next < late.size(); ++next) {
      if (seen[next] || !meet(late[at].awaited, late[next].stalled)) continue;
      if (next == start) return true;
      seen[next] = true;
      open.push_back(next);
    }
  }
  return false;
}

/// An edge to hold or keep so that one jam less is left; nothing where there is none. Where a stage
/// feeds both the side that is awaited and the one that waits, the edge to the latter is the one:
/// one further up would help, too, but there are often more rows.
std::optional<std::size_t> edge_in_a_jam(const std::vector<Late>& late) {
  for (const Late& one : late) {
    if (meet(one.awaited, one.stalled)) return one.edge;
  }
  for (std::size_t i = 0; i < late.size(); ++i) {
    if (waits_for_itself(late, i)) return late[i].edge;
  }
  return std::nullopt;
}

}  // namespace

void prevent_jams(TaskGraph& graph, const std::vector<EdgeEnd>& ends) {
  while (const auto found = edge_in_a_jam(late_edges(graph, ends))) {
    TaskEdge& edge = graph.edges[*found];
    (ends[*found].may_be_early ? edge.early : edge.blocking) = true;
  }
}

}  // namespace troupe
