#pragma once

#include <nlohmann/json.hpp>

namespace troupe {

/// A configuration value: scalars, lists and maps that keep the order in which they were written.
/// Headers include <nlohmann/json_fwd.hpp> through `json_fwd.hpp` instead.
using Json = nlohmann::ordered_json;

}  // namespace troupe
