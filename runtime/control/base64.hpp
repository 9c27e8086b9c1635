#pragma once

#include "runtime/base/result.hpp"

#include <string>
#include <string_view>

namespace troupe {

/// Base64 of RFC 4648, with padding.
std::string to_base64(std::string_view bytes);
Result<std::string> from_base64(std::string_view text);

}  // namespace troupe
