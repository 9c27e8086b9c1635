#pragma once

#include "runtime/operator/operator_kind.hpp"

namespace troupe {

/// Adds every operator of this room (generated from its list).
void register_operators(OperatorRegistry& registry);

}  // namespace troupe
