#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

// UTF-8 by characters (code points). Bytes that are no UTF-8 count as characters of one byte.

inline std::size_t character_bytes(std::string_view text, std::size_t at) {
  std::size_t end = at + 1;
  while (end < text.size() && (text[end] & 0xc0) == 0x80) ++end;
  return end - at;
}

inline std::size_t text_length(std::string_view text) {
  std::size_t count = 0;
  for (const char byte : text) count += (byte & 0xc0) != 0x80 ? 1 : 0;
  return count;
}

/// The byte at which character `index` begins; the end of the text where it has fewer.
inline std::size_t text_offset(std::string_view text, std::size_t index) {
  std::size_t at = 0;
  for (; index > 0 && at < text.size(); --index) at += character_bytes(text, at);
  return at;
}

/// Characters [begin, begin + count).
inline std::string_view text_slice(std::string_view text, std::size_t begin, std::size_t count) {
  text.remove_prefix(text_offset(text, begin));
  return text.substr(0, text_offset(text, count));
}

}  // namespace troupe
