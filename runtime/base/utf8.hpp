#pragma once

#include <cstddef>
#include <string_view>

namespace troupe {

/// The number of bytes at the beginning that are UTF-8 by RFC 3629: no overlong forms, no
/// surrogates, nothing above U+10FFFF. For names and words; `formats/utf8_check.hpp` checks whole
/// columns.
std::size_t utf8_bytes(std::string_view text);
inline bool is_utf8(std::string_view text) { return utf8_bytes(text) == text.size(); }

}  // namespace troupe
