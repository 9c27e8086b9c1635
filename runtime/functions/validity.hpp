#pragma once

#include "runtime/values/vector.hpp"

namespace troupe {

/// The validity of a row-wise result of two arguments; null if every row is valid.
Result<std::shared_ptr<arrow::Buffer>> both_valid(const Vector& a, const Vector& b,
                                                  std::int64_t rows);

}  // namespace troupe
