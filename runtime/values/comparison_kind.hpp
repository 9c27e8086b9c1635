#pragma once

namespace troupe {

enum class Comparison { equal, not_equal, less, less_equal, greater, greater_equal };

}  // namespace troupe
