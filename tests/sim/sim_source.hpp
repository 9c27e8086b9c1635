#pragma once

#include "runtime/operator/operator_kind.hpp"
#include "tests/sim/model_stream.hpp"

#include <functional>
#include <memory>
#include <string>

namespace troupe::sim {

/// `sim.stream` reads the model stream of that name, a few rows at a time.
void register_sim_source(
    OperatorRegistry& registry,
    std::function<std::shared_ptr<const ModelStream>(const std::string& name)> find);

}  // namespace troupe::sim
