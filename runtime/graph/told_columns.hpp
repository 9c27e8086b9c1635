#pragma once

#include "runtime/graph/task_graph.hpp"

#include <string>
#include <vector>

namespace troupe {

/// Columns of the source at the other end of an edge that are not decoded for rows without a
/// partner: the edge's reader tells which of their values it needs
/// (`runtime/operator/needed_values.hpp`), where both ends are in one process. None where it does
/// not, or nobody can make use of it.
std::vector<std::string> told_columns(const TaskGraph& tasks, const TaskEdge& edge);

}  // namespace troupe
