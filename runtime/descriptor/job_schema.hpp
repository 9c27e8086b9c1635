#pragma once

#include "runtime/base/json_fwd.hpp"

namespace troupe {

class OperatorRegistry;

/// The JSON Schema (draft-07) of descriptors, for editors: keys, kinds, and the `with:` of each
/// operator of the registry. It checks less than `check_job`, never more: all that it refuses is a
/// mistake.
Json job_schema(const OperatorRegistry& registry);

}  // namespace troupe
