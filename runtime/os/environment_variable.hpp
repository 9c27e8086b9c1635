#pragma once

#include <optional>
#include <string>

namespace troupe {

/// The door to what this process was given by name when it was started; nothing where it was not.
std::optional<std::string> environment_variable(const std::string& name);

}  // namespace troupe
