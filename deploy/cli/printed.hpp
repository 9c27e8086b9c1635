#pragma once

#include "deploy/cli/output.hpp"
#include "runtime/base/json_fwd.hpp"
#include "runtime/control/views.hpp"

#include <string>

namespace troupe {

/// The table of a print sink in the output format.
Result<std::string> printed_text(const OutputView& output, OutputFormat format);
/// {"vertex": ..., "title": ..., "rows": [{...}, ...]}
Result<Json> printed_json(const OutputView& output);

}  // namespace troupe
