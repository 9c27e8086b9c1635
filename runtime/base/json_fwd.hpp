#pragma once

#include <nlohmann/json_fwd.hpp>

namespace troupe {

using Json = nlohmann::ordered_json;

}  // namespace troupe
