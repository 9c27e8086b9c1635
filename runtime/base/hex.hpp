#pragma once

#include <string>
#include <string_view>

namespace troupe {

inline constexpr std::string_view hex_digits = "0123456789abcdef";

/// Two lower-case digits per byte.
inline std::string to_hex(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char letter : bytes) {
    const auto byte = static_cast<unsigned char>(letter);
    text += hex_digits[byte >> 4U];
    text += hex_digits[byte & 15U];
  }
  return text;
}

}  // namespace troupe
