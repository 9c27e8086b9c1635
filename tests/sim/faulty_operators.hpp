#pragma once

#include "runtime/operator/operator_kind.hpp"
#include "runtime/os/random.hpp"
#include "tests/sim/mutation.hpp"

namespace troupe::sim {

/// Whether a mistake is one that an operator, or the task that calls it, could make.
bool is_of_operators(Mutation mutation);

/// All kinds of one registry, as another one has them whose operators make this mistake. `kinds`
/// and `random` outlive it.
void register_faulty(OperatorRegistry& registry, const OperatorRegistry& kinds, Mutation mutation,
                     Random& random);

}  // namespace troupe::sim
