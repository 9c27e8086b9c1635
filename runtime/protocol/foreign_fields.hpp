#pragma once

#include "runtime/protocol/messages.hpp"

namespace troupe {

/// The fields of what messages carry and other rooms define, who need not know that it travels.

template <>
struct FieldsOf<TaskId> {
  static constexpr auto list() {
    return std::tuple{field("stage", &TaskId::stage), field("subtask", &TaskId::subtask)};
  }
};
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
    return std::tuple{field("detail", &Committable::detail), field("rows", &Committable::rows)};
  }
};
template <>
struct FieldsOf<PlanTarget> {
  static constexpr auto list() {
    return std::tuple{field("parallelism", &PlanTarget::parallelism),
                      field("keep_blocking_edges", &PlanTarget::keep_blocking_edges)};
  }
};
/// But for `span`: a place in a descriptor means nothing on another node.
template <>
struct FieldsOf<Error> {
  static constexpr std::size_t left_out = 1;
  static constexpr auto list() {
    return std::tuple{field("code", &Error::code), field("message", &Error::message),
                      field("hint", &Error::hint), field("path", &Error::path)};
  }
};

/// The last enumerator that this node knows, and what it takes one for that it does not: a newer
/// node may send it, and it is the least trusting one.
template <class E>
struct EnumOf;
template <>
struct EnumOf<FailureClass> {
  static constexpr auto last = FailureClass::node_fault, unknown = FailureClass::internal;
};
template <>
struct EnumOf<ErrorCode> {
  static constexpr auto last = ErrorCode::internal, unknown = ErrorCode::internal;
};
template <>
struct EnumOf<HeldState> {
  static constexpr auto last = HeldState::failed, unknown = HeldState::failed;
};

}  // namespace troupe
