#include "runtime/base/utf8.hpp"

#include <cstddef>
#include <cstdint>

namespace troupe {
namespace {

/// The number of bytes that follow a first one, and bounds of the second: they exclude overlong
/// forms, surrogates and numbers that are too large. `more` is -1 if no character begins so.
struct Lead {
  int more = -1;
  std::uint8_t low = 0x80;
  std::uint8_t high = 0xbf;
};

Lead lead_of(std::uint8_t first) {
  if (first < 0x80) return {0};
  if (first >= 0xc2 && first <= 0xdf) return {1};
  if (first == 0xe0) return {2, 0xa0, 0xbf};
  if (first == 0xed) return {2, 0x80, 0x9f};
  if (first >= 0xe1 && first <= 0xef) return {2};
  if (first == 0xf0) return {3, 0x90, 0xbf};
  if (first == 0xf4) return {3, 0x80, 0x8f};
  if (first >= 0xf1 && first <= 0xf3) return {3};
  return {};
}

}  // namespace

std::size_t utf8_bytes(std::string_view text) {
  std::size_t whole = 0;  // characters end here
  for (std::size_t at = 0; at < text.size(); whole = at) {
    Lead lead = lead_of(static_cast<std::uint8_t>(text[at++]));
    if (lead.more < 0) return whole;
    for (; lead.more > 0; --lead.more) {
      const auto next = at < text.size() ? static_cast<std::uint8_t>(text[at++]) : std::uint8_t{0};
      if (next < lead.low || next > lead.high) return whole;
      lead.low = 0x80;
      lead.high = 0xbf;
    }
  }
  return whole;
}

}  // namespace troupe
