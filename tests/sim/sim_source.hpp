#pragma once

#include "runtime/operator/operator_kind.hpp"
#include "tests/sim/model_stream.hpp"

#include <functional>
#include <memory>
#include <string>

namespace troupe::sim {

/// What the source of model streams asks of a simulation.
struct SourceHooks {
  std::function<std::shared_ptr<const ModelStream>(const std::string& name)> find;
  /// Of a mutant: rows at the begin of a split that a reader leaves out who opens it again; else
  /// null.
  std::function<std::int64_t(const std::string& split)> left_out = {};
};

/// `sim.stream` reads the model stream of that name, a few rows at a time.
void register_sim_source(OperatorRegistry& registry, SourceHooks hooks);

}  // namespace troupe::sim
