#pragma once

#include "runtime/protocol/counters.hpp"

#include <string>
#include <string_view>

namespace troupe {

/// What was counted of a task, as JSON in one column: for people only, so in a form that people
/// read. Made of the fields that the counters list; a duration `busy` is called `busy_ns`.
std::string counters_text(const TaskCounters& counters);
/// What a text lacks or has otherwise stays as it is in new counters.
TaskCounters counters_from(std::string_view text);

}  // namespace troupe
