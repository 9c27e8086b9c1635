#pragma once

#include "runtime/protocol/messages.hpp"

namespace troupe {

/// The fields of structs that messages carry but other rooms define. Those rooms need not know that
/// their structs travel.

template <>
struct FieldsOf<Split> {
  static constexpr auto list() {
    return std::tuple{field("detail", &Split::detail), field("bytes", &Split::bytes),
                      field("rows", &Split::rows)};
  }
};
template <>
struct FieldsOf<Committable> {
  static constexpr auto list() {
    return std::tuple{field("detail", &Committable::detail), field("rows", &Committable::rows),
                      field("epoch", &Committable::epoch)};
  }
};
template <>
struct FieldsOf<PlanTarget> {
  static constexpr auto list() {
    return std::tuple{field("parallelism", &PlanTarget::parallelism),
                      field("keep_blocking_edges", &PlanTarget::keep_blocking_edges)};
  }
};

}  // namespace troupe
