#pragma once

#include "runtime/graph/planner.hpp"

namespace troupe {

/// Whether a run of `now` can go on where a run of `before` was: with its state, its positions and
/// what its sinks have committed. For now the plan must be the same, but for operators that keep no
/// state: sources, sinks and operators with state as they were written, and of each the same state,
/// in the same tasks.
///
/// `conflict`, with what differs by the name of its operator.
Result<> check_goes_on(const DerivedPlan& before, const DerivedPlan& now);

}  // namespace troupe
