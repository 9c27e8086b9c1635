#pragma once

#include "runtime/operator/operator_kind.hpp"
#include "runtime/os/random.hpp"

#include <functional>
#include <string>

namespace troupe::sim {

/// What the operators of a simulation ask of it.
struct OperatorHooks {
  /// True the first time that it is asked for this name.
  std::function<bool(const std::string& name)> first_time;
  Random* random = nullptr;
};

/// Operators that real jobs have no use for, and the simulation has:
///
/// - `sim.exchange` passes rows on over an exchange of any kind, kept or not; where it `scatters`,
///   its rows leave in another order and in other batches each time, as those of a producer that is
///   not deterministic;
/// - `sim.trip` fails once, or always, at the end of its input.
void register_sim_operators(OperatorRegistry& registry, OperatorHooks hooks);

}  // namespace troupe::sim
