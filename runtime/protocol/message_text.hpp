#pragma once

#include "runtime/protocol/messages.hpp"

#include <string>

namespace troupe {

/// A message as people read it, with all its fields, for logs and tests:
///
///     CancelTask{token: {cluster: c1, term: 2, ...}, reason: "the run was cancelled"}
///
/// Two messages are equal if their texts are.
std::string to_text(const Command& command);
std::string to_text(const Report& report);
const char* name_of(const Command& command);
const char* name_of(const Report& report);

}  // namespace troupe
