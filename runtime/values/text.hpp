#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

// UTF-8 by characters (code points). In text that is no UTF-8, continuation bytes belong to the
// byte before them, whatever that is.

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

/// The byte at which character `index` begins; the end of the text if it has fewer.
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

/// The number of the first character; 0 for no text.
inline std::int32_t code_point(std::string_view text) {
  if (text.empty()) return 0;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::size_t bytes = character_bytes(text, 0);
  if (bytes == 1) return byte(0);
  std::int32_t code = byte(0) & (0xff >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) code = code << 6 | (byte(i) & 0x3f);
  return code;
}

/// The character with a number, which must be one of Unicode's.
inline std::string character_of(std::int32_t code) {
  const auto byte = [](std::int32_t value) { return static_cast<char>(value); };
  if (code < 0x80) return std::string{byte(code)};
  if (code < 0x800) return std::string{byte(0xc0 | code >> 6), byte(0x80 | (code & 0x3f))};
  if (code < 0x10000) {
    return std::string{byte(0xe0 | code >> 12), byte(0x80 | (code >> 6 & 0x3f)),
                       byte(0x80 | (code & 0x3f))};
  }
  return std::string{byte(0xf0 | code >> 18), byte(0x80 | (code >> 12 & 0x3f)),
                     byte(0x80 | (code >> 6 & 0x3f)), byte(0x80 | (code & 0x3f))};
}

}  // namespace troupe
