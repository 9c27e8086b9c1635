#pragma once

#include "runtime/graph/job_graph.hpp"
#include "runtime/operator/operator_kind.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace troupe {

/// The plans of all vertices of a graph, by their index: schemas have flowed along the edges. What
/// binding, push-down, the physical plan and `explain` have in common.
struct BoundGraph {
  /// Empty where the vertex, or one that it reads from, has a mistake.
  std::vector<std::optional<OperatorPlan>> plans;
  std::vector<std::vector<std::size_t>> producers;  ///< by input
  std::vector<std::vector<std::size_t>> consumers;  ///< one entry an edge
  std::vector<Error> errors;

  bool ok() const { return errors.empty(); }
};

/// Plans every vertex of a well-formed graph with what the graph says of its sources
/// (`resolved`, `projection`, `predicate`). All mistakes, each once: nothing is said of a vertex
/// that reads from a broken one, except that its own options are wrong. Paths as for `bind`. May
/// block (headers of sources that are not resolved). Schemas do not depend on `parallelism`, which
/// is that of vertices that do not say otherwise; phases may.
BoundGraph plan_vertices(const JobGraph& graph, const OperatorRegistry& registry,
                         std::uint32_t parallelism);

/// Narrows the sources of a bound graph to the columns that somebody needs, and tells each the
/// predicate that all its rows will have to pass. `graph` and `bound` are changed together.
void push_down(JobGraph& graph, BoundGraph& bound, const OperatorRegistry& registry,
               const std::set<std::string>& whole);

}  // namespace troupe
