#pragma once

#include "runtime/graph/task_graph.hpp"

#include <vector>

namespace troupe {

/// What is known of an edge where it is read.
struct EdgeEnd {
  bool waits = false;         ///< the consumer gives nothing before this input has ended
  bool may_be_early = false;  ///< the consumer can take its rows before it wants them
};

/// Finds edges that would jam the run, and has their rows held by the consumer (`TaskEdge::early`)
/// or, where it cannot, kept on disk, whatever the target says.
///
///     flights --> averages --> join, build side
///           `----------------> join, probe side
///
/// The join takes no probe row before its build side has ended; the channel to the probe side is
/// full, so `flights` cannot go on, so the build side never ends. In general: an input that is left
/// waiting for another one stalls all that feeds it until all that feeds the other one has ended.
/// Where such waits form a circle, over one join or several, one of the inputs is held or kept.
/// `ends` has an entry for each edge.
void prevent_jams(TaskGraph& graph, const std::vector<EdgeEnd>& ends);

}  // namespace troupe
