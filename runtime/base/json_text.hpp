#pragma once

#include "runtime/base/json_fwd.hpp"

#include <string>

namespace troupe {

/// A value as JSON text, on one line unless `indent` says how far to indent. The only way from
/// values to text: names and messages from files may hold bytes that are not UTF-8, which JSON
/// cannot express. Each becomes U+FFFD, as in a terminal, instead of an exception.
std::string json_text(const Json& value, int indent = -1);

}  // namespace troupe
