#pragma once

#include <string>
#include <string_view>

namespace troupe {

/// A name as SQL has it in quotes: a column, whatever letters its name has.
inline std::string quoted_name(std::string_view name) {
  std::string quoted = "\"";
  for (const char letter : name) {
    quoted += letter;
    if (letter == '"') quoted += letter;
  }
  return quoted + '"';
}

}  // namespace troupe
