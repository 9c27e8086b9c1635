#pragma once

#include "runtime/graph/planner.hpp"
#include "runtime/protocol/errand.hpp"

namespace troupe {

/// Does the errand, here and now. Blocks: it works on the disks of the run's sinks. Not for
/// copying, which is a task (`snapshot_fetch.hpp`).
Result<> carry_out(const Errand& errand, Planner& planner);

}  // namespace troupe
