#pragma once

#include "runtime/base/json_fwd.hpp"

namespace troupe {

class OperatorRegistry;

/// The JSON Schema (draft-07) of descriptors, for editors: keys, kinds, and for each operator of
/// the registry what its `with:` may hold. It says less than `check_job`, never more: what it
/// refuses is a mistake.
Json job_schema(const OperatorRegistry& registry);

}  // namespace troupe
