#pragma once

#include "runtime/operator/operator_kind.hpp"
#include "runtime/os/allowed_paths.hpp"

namespace troupe {

/// The same operators, confined to these paths. When an operator is planned, each parameter of the
/// type `path` is judged before the file system is asked for its content. So a job is refused when
/// it is checked, and again by each node that gets a part of it. For a source, the directory that
/// is searched is judged, then every file, both when it is found and when it is opened; for a sink,
/// the place that its path leads to.
///
/// `registry` must outlive the result.
OperatorRegistry limited_to(const OperatorRegistry& registry, AllowedPaths paths);

}  // namespace troupe
