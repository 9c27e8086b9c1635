#pragma once

#include "runtime/base/result.hpp"

#include <string>
#include <string_view>

namespace troupe {

/// What an `errno` of a call to a disk means: "cannot read '/data/x': Input/output error", with the
/// code that callers decide by, and marked as its node's fault where only the machine can be
/// blamed. For disks, also those that are simulated.
Error os_error(std::string_view doing, const std::string& path, int number);

}  // namespace troupe
