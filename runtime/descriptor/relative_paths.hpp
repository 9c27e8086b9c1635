#pragma once

#include "runtime/graph/job_graph.hpp"

#include <string>
#include <vector>

namespace troupe {

class OperatorRegistry;

/// A path of a job that does not begin at the root: each process would take it from a directory of
/// its own.
struct RelativePath {
  std::string vertex;
  std::string parameter;
  std::string path;   ///< as written
  std::string taken;  ///< joined to the directory it was taken from; as written if there is none
};

/// All relative paths of a job. If `directory` is given, they are replaced by paths below it, so
/// that every node of a cluster, each in a directory of its own, reads and writes the same place.
std::vector<RelativePath> relative_paths(JobGraph& graph, const OperatorRegistry& registry,
                                         const std::string& directory);

}  // namespace troupe
