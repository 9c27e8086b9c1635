#pragma once

#include "runtime/base/result.hpp"
#include "runtime/graph/job_graph.hpp"

#include <cstddef>
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

/// Producers before consumers, otherwise in the order in which the author wrote them. Vertices on a
/// cycle, or that read what does not exist, keep their places at the end: `check` names them.
void order_vertices(JobGraph& graph);

/// What is wrong with a graph before any data is looked at: ids, operators, numbers of inputs,
/// inputs that do not exist, cycles, rows that nobody reads. All mistakes at once, each once: what
/// follows from another mistake is not told again. An error's path is "<vertex>", "<vertex>.op" or
/// "<vertex>.from[.<index>]".
std::vector<Error> check(const JobGraph& graph, const OperatorRegistry& registry);

/// The invariant of a JobGraph: ids are unique, every input is an earlier vertex.
Result<> well_formed(const JobGraph& graph);

}  // namespace troupe
