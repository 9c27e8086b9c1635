#pragma once

#include "runtime/graph/task_graph.hpp"

#include <vector>

namespace troupe {

/// Keeps edges on disk that would otherwise jam the run, whatever the target says.
///
///     flights --> averages --> join, build side
///           `----------------> join, probe side
///
/// The join takes no probe row before its build side has ended; the channel to the probe side is
/// full, so `flights` cannot go on, so the build side never ends. In general: an input that is left
/// waiting for another one stalls all that feeds it until all that feeds the other one has ended.
/// Where such waits form a circle, over one join or several, one of the inputs is kept.
/// `waits[i]` says that the consumer of edge i gives nothing before that input has ended.
void keep_what_would_jam(TaskGraph& graph, const std::vector<bool>& waits);

}  // namespace troupe
