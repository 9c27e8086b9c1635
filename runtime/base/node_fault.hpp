#pragma once

#include "runtime/base/result.hpp"

namespace troupe {

/// The same failure, marked as this node's own: its disk is full, read-only or broken, what it kept
/// is gone, its memory is out. Never the user's mistake, and another node may well do the same.
/// Bytes that are `corrupt` or `not_found` stay so; anything else becomes `unavailable`.
///
/// Who marks: a disk of what only its machine can be blamed for (`runtime/os/file_system.hpp`), the
/// door to the node's own files of all that fails there (`own_files.hpp`), and whoever meets the
/// end of its memory. Who asks: the executor, so that the work goes elsewhere.
Error node_fault(Error error);
bool is_node_fault(const Error& error);

}  // namespace troupe
