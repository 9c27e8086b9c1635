#pragma once

#include "runtime/base/result.hpp"
#include "runtime/graph/job_graph.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

class OperatorRegistry;

inline constexpr std::size_t id_chars_max = 63;
inline constexpr std::size_t vertices_max = 2000;
inline constexpr std::size_t inputs_max = 1000;

/// Names of jobs, namespaces, parameters and vertices: a lower-case letter, then lower-case
/// letters, digits, '_' and '-'.
bool valid_id(std::string_view id);

/// Puts producers before consumers, and otherwise keeps the author's order. Vertices that are on a
/// cycle, or read a vertex that does not exist, come last: `check` reports them.
void order_vertices(JobGraph& graph);

/// A mistake of a graph that shows before any data is looked at.
struct GraphMistake {
  enum class Kind {
    too_large,
    bad_id,
    unknown_operator,
    unknown_vertex,
    no_output,
    wrong_inputs,
    cycle,
    unused,
  };
  Kind kind;
  std::string vertex;
  /// Its path is "<vertex>", "<vertex>.op" or "<vertex>.from[.<index>]".
  Error error;
};

/// All mistakes at once. One that follows from another one is not told.
std::vector<GraphMistake> check(const JobGraph& graph, const OperatorRegistry& registry);

/// Checks the invariant of a JobGraph: ids are unique, every input is an earlier vertex.
Result<> well_formed(const JobGraph& graph);

}  // namespace troupe
