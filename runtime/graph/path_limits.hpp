#pragma once

#include "runtime/operator/operator_kind.hpp"
#include "runtime/os/allowed_paths.hpp"

namespace troupe {

/// The same operators, kept to these paths, whatever they are: each parameter of the type `path` is
/// judged when the operator is planned, before anything is looked at that it names. So a job is
/// refused when it is checked, and again by each node that is given a part of it. Of a source the
/// directory that is searched counts, then every file, when it is found and when it is opened; of a
/// sink the place that its path leads to.
///
/// `registry` must outlive the result.
OperatorRegistry limited_to(const OperatorRegistry& registry, AllowedPaths paths);

}  // namespace troupe
