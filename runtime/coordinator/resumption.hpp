#pragma once

#include "runtime/coordinator/submissions.hpp"
#include "runtime/graph/planner.hpp"

namespace troupe {

/// A run that goes on where this one was, which has ended, with the job as it is now (`plan`): what
/// is handed in, but for who asks and the nonce. `conflict` where it has not ended, or nothing of
/// it was kept, or the job keeps other state now; `unsupported` for a batch run. Blocks.
Result<Submission> resumption(std::shared_ptr<const RunImage> from,
                              std::shared_ptr<const std::string> plan, Planner& planner);

}  // namespace troupe
