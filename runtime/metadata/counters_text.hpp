#pragma once

#include "runtime/protocol/counters.hpp"

#include <string>
#include <string_view>

namespace troupe {

/// The counters of a task as JSON, for one column that only people read. Made from the field list
/// of the counters; a duration `busy` is called `busy_ns`.
std::string counters_text(const TaskCounters& counters);
/// A field that the text lacks, or has with another type, keeps its default.
TaskCounters counters_from(std::string_view text);

}  // namespace troupe
