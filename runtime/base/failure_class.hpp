#pragma once

#include "runtime/base/result.hpp"

namespace troupe {

/// Why a task failed. A supervisor decides by this and by nothing else.
enum class FailureClass {
  user_error,     ///< the job can never work as written; trying again only hides it
  poison_record,  ///< a record that its operator cannot take
  node_lost,      ///< the node is lost, or an input on a lost node is: nobody's fault
  resource,       ///< memory, disk or a limit; may be better later
  internal,       ///< a defect of ours
  node_fault,     ///< its node's disk or memory: another node may well do it
  state_lost,     ///< no good copy is left of what it goes on from: only a person can decide
};

const char* to_string(FailureClass failure);
template <>
struct EnumOf<FailureClass> {
  static constexpr auto last = FailureClass::state_lost, unknown = FailureClass::internal;
};

/// The class of a task's error.
FailureClass classify(const Error& error);

}  // namespace troupe
