#pragma once

#include "runtime/base/json_fwd.hpp"

#include <string>

namespace troupe {

/// A value as JSON text, on one line unless `indent` says how far to indent. The only door from
/// values to text: names and messages that come out of files may hold bytes that are no UTF-8,
/// which JSON cannot say; each becomes U+FFFD, as in a terminal, instead of an exception.
std::string json_text(const Json& value, int indent = -1);

}  // namespace troupe
