#pragma once

#include "runtime/data/batch.hpp"

#include <arrow/result.h>
#include <arrow/status.h>

namespace troupe {

/// Arrow's result as ours, so that TRY works on both: `auto table = TRY(arrow_try(f()));`
template <class T>
Result<T> arrow_try(arrow::Result<T>&& result) {
  if (!result.ok()) return from_arrow(result.status());
  return std::move(result).ValueUnsafe();
}

inline Result<> arrow_try(const arrow::Status& status) {
  if (!status.ok()) return from_arrow(status);
  return {};
}

}  // namespace troupe
