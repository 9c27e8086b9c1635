#pragma once

#include "runtime/graph/job_graph.hpp"
#include "runtime/operator/operator_kind.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace troupe {

/// The plans of all vertices of a graph, by their index: schemas have flowed along the edges.
/// Binding, push-down, the physical plan and `explain` all begin with it.
struct BoundGraph {
  /// Empty if the vertex, or one that it reads from, has a mistake.
  std::vector<std::optional<OperatorPlan>> plans;
  std::vector<std::vector<std::size_t>> producers;  ///< by input
  std::vector<std::vector<std::size_t>> consumers;  ///< one entry per edge
  std::vector<Error> errors;

  bool ok() const { return errors.empty(); }
};

/// Plans every vertex of a well-formed graph, with the `resolved`, `projection` and `predicate` of
/// its sources. Reports all mistakes, each once: of a vertex that reads from a broken one only its
/// own wrong options. Paths as for `bind`. May block (headers of sources that are not resolved).
/// `parallelism` is for vertices that do not name their own; phases may depend on it, schemas do
/// not.
BoundGraph plan_vertices(const JobGraph& graph, const OperatorRegistry& registry,
                         std::uint32_t parallelism);

/// Narrows the sources of a bound graph to the columns that are needed, and tells each the
/// predicate that all its rows will have to pass. Changes `graph` and `bound` together.
void push_down(JobGraph& graph, BoundGraph& bound, const OperatorRegistry& registry,
               const std::set<std::string>& whole);

}  // namespace troupe
