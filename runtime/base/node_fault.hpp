#pragma once

#include "runtime/base/result.hpp"

namespace troupe {

/// The same failure, marked as this node's own: its disk is full, read-only or broken, a file that
/// it kept is gone, its memory is used up. Never the user's mistake, and another node may well do
/// the work. `corrupt` and `not_found` stay so; any other code becomes `unavailable`.
///
/// Marked by: a disk, for failures of the machine alone (`runtime/os/file_system.hpp`); the door to
/// the node's own files, for all failures (`own_files.hpp`); code that runs out of memory. Read by
/// the executor, so that the work goes elsewhere.
Error node_fault(Error error);
bool is_node_fault(const Error& error);

}  // namespace troupe
