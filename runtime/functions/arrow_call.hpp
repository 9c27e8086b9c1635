#pragma once

#include "runtime/values/vector.hpp"

#include <string>
#include <vector>

namespace arrow::compute {
class FunctionOptions;
}

namespace troupe {

/// Calls a function of Arrow compute on vectors. If all arguments are constant, so is the result.
Result<Vector> call_arrow(const std::string& function, const std::vector<Vector>& arguments,
                          const arrow::compute::FunctionOptions* options = nullptr);

/// Registers Arrow's functions, once per process. Call it before the first is used.
void use_arrow_compute();

}  // namespace troupe
