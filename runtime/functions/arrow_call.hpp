#pragma once

#include "runtime/values/vector.hpp"

#include <string>
#include <vector>

namespace arrow::compute {
class FunctionOptions;
}

namespace troupe {

/// A function of Arrow compute on vectors. Where all arguments are constant, so is the result.
Result<Vector> call_arrow(const std::string& function, const std::vector<Vector>& arguments,
                          const arrow::compute::FunctionOptions* options = nullptr);

/// Arrow's functions are registered once a process; called before the first is used.
void use_arrow_compute();

}  // namespace troupe
