#pragma once

#include "runtime/graph/job_graph.hpp"

#include <string>
#include <vector>

namespace troupe {

class OperatorRegistry;

/// A path of a job that does not begin at the root: it means another place in each process.
struct RelativePath {
  std::string vertex;
  std::string parameter;
  std::string path;   ///< as written
  std::string taken;  ///< from which directory it was taken, joined; as written where from none
};

/// All of them. Where `directory` is given, they are replaced by what they mean there: so that
/// every node of a cluster, each in a directory of its own, reads and writes the same place.
std::vector<RelativePath> relative_paths(JobGraph& graph, const OperatorRegistry& registry,
                                         const std::string& directory);

}  // namespace troupe
