#pragma once

#include "runtime/graph/bound_graph.hpp"
#include "runtime/graph/job_graph.hpp"
#include "runtime/os/file_system.hpp"

#include <vector>

namespace troupe {

/// Finds two mistakes with a job's files. Two sinks may write to one place. An output may be among
/// the files that a source of the job reads, so that a second run would read its rows, too, unless
/// the output replaces all files of that source. Errors are at "<vertex>.with.path".
std::vector<Error> check_outputs_apart(FileSystem& files, const JobGraph& graph,
                                       const BoundGraph& bound);

}  // namespace troupe
