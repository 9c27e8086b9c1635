#include "runtime/functions/arrow_call.hpp"

#include <arrow/array/util.h>
#include <arrow/compute/api.h>
#include <arrow/compute/initialize.h>
#include <arrow/scalar.h>

namespace troupe {

Result<Vector> call_arrow(const std::string& function, const std::vector<Vector>& arguments,
                          const arrow::compute::FunctionOptions* options) {
  std::vector<arrow::Datum> values;
  values.reserve(arguments.size());
  bool constant = true;
  for (const Vector& argument : arguments) constant = constant && argument.constant;
  for (const Vector& argument : arguments) {
    if (argument.constant && !constant) {
      values.emplace_back(TRY(arrow_try(argument.values->GetScalar(0))));
    } else {
      values.emplace_back(argument.values);
    }
  }
  const arrow::Datum result =
      TRY(arrow_try(arrow::compute::CallFunction(function, values, options)));
  return Vector{result.make_array(), constant};
}

void use_arrow_compute() {
  static const arrow::Status status = arrow::compute::Initialize();
  ENSURE(status.ok(), "Arrow compute does not start: {}", status.ToString());
}

}  // namespace troupe
