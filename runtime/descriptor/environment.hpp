#pragma once

#include "runtime/base/result.hpp"
#include "runtime/graph/job_graph.hpp"

#include <vector>

namespace troupe {

class OperatorRegistry;

/// Stage 5 for outputs: checks that the directories of sinks exist or can be made, and that this
/// user can create files in them. Changes nothing. Paths as for `bind`. Blocks.
std::vector<Error> check_outputs(const JobGraph& graph, const OperatorRegistry& registry);

/// Stage 5 for systems outside, of a graph that is bound: what a sink finds out before anything
/// runs (`Sink::check`). Changes nothing. Blocks.
std::vector<Error> check_sinks(const JobGraph& graph, const OperatorRegistry& registry);

}  // namespace troupe
