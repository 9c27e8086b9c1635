#include "runtime/base/readable.hpp"

#include "runtime/base/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace troupe {
namespace {

bool is_control(char byte) {
  const auto number = static_cast<unsigned char>(byte);
  return (number < 0x20 && byte != '\n' && byte != '\t') || number == 0x7f;
}

}  // namespace

std::string readable(std::string text) {
  if (is_utf8(text) && std::none_of(text.begin(), text.end(), is_control)) return text;
  std::string shown;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t good = utf8_bytes(rest);
    for (const char byte : rest.substr(0, good)) {
      shown += is_control(byte) ? fmt::format("\\x{:02X}", static_cast<int>(byte))
                                : std::string(1, byte);
    }
    rest.remove_prefix(good);
    if (rest.empty()) break;
    shown += fmt::format("\\x{:02X}", static_cast<unsigned char>(rest.front()));
    rest.remove_prefix(1);
  }
  return shown;
}

}  // namespace troupe
