#pragma once

#include "runtime/graph/bound_graph.hpp"
#include "runtime/graph/job_graph.hpp"
#include "runtime/os/file_system.hpp"

#include <vector>

namespace troupe {

/// What of a job's files would be wrong at its second run: an output among the files that a source
/// of the same job reads (its rows would be doubled), unless the output replaces all of these; and
/// two sinks that write to one place. Errors are at "<vertex>.with.path".
std::vector<Error> check_outputs_apart(FileSystem& files, const JobGraph& graph,
                                       const BoundGraph& bound);

}  // namespace troupe
