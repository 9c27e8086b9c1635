#pragma once

#include "actors/gateway/gateway.hpp"

namespace troupe {

class OperatorRegistry;

/// A descriptor that came over the API: checked in all five stages on this node, which is where its
/// files must be readable. Blocks.
CompiledDescriptor compile(const DescriptorRequest& request, const OperatorRegistry& registry);

}  // namespace troupe
