#pragma once

#include <cstddef>
#include <string_view>

namespace troupe {

/// Bytes at the begin that are UTF-8, as RFC 3629 has it: no overlong forms, no surrogates, nothing
/// above U+10FFFF. For names and words; whole columns are checked by `formats/utf8_check.hpp`.
std::size_t utf8_bytes(std::string_view text);
inline bool is_utf8(std::string_view text) { return utf8_bytes(text) == text.size(); }

}  // namespace troupe
