#include "runtime/graph/job_graph.hpp"

#include <algorithm>

namespace troupe {

const char* to_string(JobMode mode) { return mode == JobMode::streaming ? "streaming" : "batch"; }

const JobVertex* JobGraph::find(const std::string& id) const {
  const auto found = std::find_if(vertices.begin(), vertices.end(),
                                  [&](const JobVertex& vertex) { return vertex.id == id; });
  return found == vertices.end() ? nullptr : &*found;
}

}  // namespace troupe
