#pragma once

#include "runtime/connectors/source.hpp"
#include "runtime/ops/operator_kind.hpp"

namespace troupe {

/// Operators and connectors, as the command line has them.
inline const OperatorRegistry& all_operators() {
  static const OperatorRegistry all = [] {
    OperatorRegistry made;
    register_operators(made);
    register_connectors(made);
    return made;
  }();
  return all;
}

}  // namespace troupe
