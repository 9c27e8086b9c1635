#pragma once

#include "runtime/base/ensure.hpp"

#include <arrow/result.h>
#include <arrow/status.h>

#include <type_traits>

namespace troupe {

namespace detail {

/// The exception that is being handled, as a status. A broken invariant of ours goes on.
arrow::Status status_of_exception();

template <class T>
struct AsArrow {
  using Type = arrow::Result<T>;
};
template <class T>
struct AsArrow<arrow::Result<T>> {
  using Type = arrow::Result<T>;
};
template <>
struct AsArrow<arrow::Status> {
  using Type = arrow::Status;
};
template <>
struct AsArrow<void> {
  using Type = arrow::Status;
};

}  // namespace detail

/// Runs code of the Parquet library, which throws, and returns its value or what went wrong. The
/// only place that catches its exceptions.
template <class Run>
auto parquet_call(Run&& run) -> typename detail::AsArrow<std::invoke_result_t<Run>>::Type {
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<Run>>) {
      run();
      return arrow::Status::OK();
    } else {
      return run();
    }
  } catch (...) {
    return detail::status_of_exception();
  }
}

}  // namespace troupe
