#pragma once

#include "runtime/connectors/connectors.hpp"
#include "runtime/ops/builtin_ops.hpp"

namespace troupe {

/// Operators and connectors, as the command line has them.
inline const OperatorRegistry& all_operators() {
  static const OperatorRegistry all = [] {
    OperatorRegistry made(system_files());
    register_operators(made);
    register_connectors(made);
    return made;
  }();
  return all;
}

}  // namespace troupe
