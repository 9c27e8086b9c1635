#pragma once

#include "runtime/values/sql_type.hpp"
#include "runtime/values/vector.hpp"

#include <functional>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace troupe {

/// Computes one operator or function for `rows` rows. Pure, shared between threads; the arguments
/// are never all constant with more than one row (the caller computes those once).
using Kernel =
    std::function<Result<Vector>(const std::vector<Vector>& arguments, std::int64_t rows)>;

namespace detail {

template <class T>
struct IsResult : std::false_type {};
template <class T>
struct IsResult<Result<T>> : std::true_type {};

template <class Out, class F, class... Lanes>
Result<> map_row(ValueOutput<Out>& out, std::int64_t row, const F& function,
                 const Lanes&... lanes) {
  if (!(lanes.valid(row) && ...)) return out.set_null(row);
  if constexpr (IsResult<decltype(function(lanes[row]...))>::value) {
    auto value = function(lanes[row]...);
    if (!value) return std::move(value).error();
    return out.set(row, *value);
  } else {
    return out.set(row, function(lanes[row]...));
  }
}

template <class Out, class F, class... In, std::size_t... I>
Result<Vector> map_rows(const SqlType& type, const std::vector<Vector>& arguments,
                        std::int64_t rows, const F& function, std::tuple<In...>*,
                        std::index_sequence<I...>) {
  const std::tuple<ValueLane<In>...> lanes{ValueLane<In>(arguments[I])...};
  ValueOutput<Out> out;
  TRY(out.reserve(rows));
  for (std::int64_t row = 0; row < rows; ++row) {
    Result<> done = map_row<Out>(out, row, function, std::get<I>(lanes)...);
    if (!done) return std::move(done).error();
  }
  return Vector{TRY(out.finish(arrow_type(type)))};
}

template <class Out, class Quick, class Exact, class... In, std::size_t... I>
Result<Vector> map_quickly(const SqlType& type, const std::vector<Vector>& arguments,
                           std::int64_t rows, const Quick& quick, const Exact& exact,
                           std::tuple<In...>* in, std::index_sequence<I...> each) {
  const std::tuple<ValueLane<In>...> lanes{ValueLane<In>(arguments[I])...};
  if ((std::get<I>(lanes).has_nulls() || ...)) {
    return map_rows<Out>(type, arguments, rows, exact, in, each);
  }
  ValueOutput<Out> out;
  TRY(out.allocate(rows));
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::optional<Out> value = quick(std::get<I>(lanes)[row]...);
    out.data()[row] = value ? *value : TRY(exact(std::get<I>(lanes)[row]...));
  }
  return Vector{TRY(out.finish(arrow_type(type)))};
}

}  // namespace detail

/// A kernel out of a function of values: NULL where any argument is NULL. The function returns an
/// `Out` or a `Result<Out>`, whose failure fails the batch.
template <class Out, class... In, class F>
Kernel strict(const SqlType& type, F function) {
  return [type, function = std::move(function)](const std::vector<Vector>& arguments,
                                                std::int64_t rows) {
    return detail::map_rows<Out>(type, arguments, rows, function,
                                 static_cast<std::tuple<In...>*>(nullptr),
                                 std::index_sequence_for<In...>{});
  };
}

/// The same with two functions of which `quick`, a lambda, is inlined and gives an optional: it
/// knows the result of nearly all rows, and `exact` that of the others, or their failure.
template <class Out, class... In, class Quick, class Exact>
Kernel strict(const SqlType& type, Quick quick, Exact exact) {
  return [type, quick, exact](const std::vector<Vector>& arguments, std::int64_t rows) {
    return detail::map_quickly<Out>(type, arguments, rows, quick, exact,
                                    static_cast<std::tuple<In...>*>(nullptr),
                                    std::index_sequence_for<In...>{});
  };
}

}  // namespace troupe
