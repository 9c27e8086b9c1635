#pragma once

#include "runtime/base/result.hpp"
#include "runtime/graph/job_graph.hpp"

#include <vector>

namespace troupe {

class OperatorRegistry;

/// Stage 5 for outputs: directories of sinks exist, or can be made, and files in them can be
/// created by this user. Looks, and changes nothing. Paths as for `bind`. Blocks.
std::vector<Error> check_outputs(const JobGraph& graph, const OperatorRegistry& registry);

}  // namespace troupe
