#pragma once

#include "runtime/base/node_fault.hpp"

#include <exception>
#include <functional>
#include <new>
#include <type_traits>

namespace troupe {

namespace detail {

template <class T>
struct AsResult {
  using Type = Result<T>;
};
template <class T>
struct AsResult<Result<T>> {
  using Type = Result<T>;
};

}  // namespace detail

/// Runs `run`, and returns its result or the exception that it threw. For the edges at which code
/// that throws (a library's, or a broken invariant of ours) meets a caller that waits for an
/// answer. Out of memory is the fault of this node; any other exception is `internal`.
template <class Run>
auto caught(Run&& run) -> typename detail::AsResult<std::invoke_result_t<Run>>::Type {
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<Run>>) {
      std::invoke(std::forward<Run>(run));
      return {};
    } else {
      return std::invoke(std::forward<Run>(run));
    }
  } catch (const std::bad_alloc&) {
    return node_fault(make_error(ErrorCode::unavailable, "this node is out of memory"));
  } catch (const std::exception& exception) {
    return make_error(ErrorCode::internal, "{}", exception.what());
  } catch (...) {
    return make_error(ErrorCode::internal, "something was thrown that is no exception");
  }
}

}  // namespace troupe
