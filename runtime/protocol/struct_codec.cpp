#include "runtime/protocol/struct_codec.hpp"

#include <cctype>

namespace troupe::struct_codec {

std::string schema_name(std::string_view name, std::string_view unit) {
  std::string result;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '_' && i + 1 < name.size()) {
      result += static_cast<char>(std::toupper(static_cast<unsigned char>(name[++i])));
    } else {
      result += name[i];
    }
  }
  return result.append(unit);
}

}  // namespace troupe::struct_codec
