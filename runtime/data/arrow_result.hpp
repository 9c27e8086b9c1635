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

/// Our error on its way through Arrow's code, which calls us and hands it on: `from_arrow` gives
/// back the very same.
arrow::Status to_arrow(const Error& error);
/// The error of ours that a status carries; null where it is Arrow's own.
const Error* carried_error(const arrow::Status& status);

}  // namespace troupe
