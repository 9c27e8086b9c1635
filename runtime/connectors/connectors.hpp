#pragma once

#include "runtime/operator/operator_kind.hpp"

namespace troupe {

/// Adds every connector of this room (generated from its list).
void register_connectors(OperatorRegistry& registry);

}  // namespace troupe
