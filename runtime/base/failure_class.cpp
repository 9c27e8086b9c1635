#include "runtime/base/failure_class.hpp"

#include "runtime/base/node_fault.hpp"

namespace troupe {

const char* to_string(FailureClass failure) {
  switch (failure) {
    case FailureClass::user_error:
      return "user_error";
    case FailureClass::poison_record:
      return "poison_record";
    case FailureClass::node_lost:
      return "node_lost";
    case FailureClass::resource:
      return "resource";
    case FailureClass::internal:
      return "internal";
    case FailureClass::node_fault:
      return "node_fault";
    case FailureClass::state_lost:
      return "state_lost";
  }
  return "internal";
}

FailureClass classify(const Error& error) {
  if (is_node_fault(error)) return FailureClass::node_fault;
  if (error.reason == ErrorReason::poison_record) return FailureClass::poison_record;
  switch (error.code) {
    case ErrorCode::invalid_argument:
    case ErrorCode::unsupported:
    case ErrorCode::not_allowed:
    case ErrorCode::not_found:
    case ErrorCode::already_exists:
      return FailureClass::user_error;
    case ErrorCode::unavailable:
    case ErrorCode::timeout:
    case ErrorCode::conflict:
      return FailureClass::resource;
    case ErrorCode::corrupt:
    case ErrorCode::cancelled:
    case ErrorCode::internal:
      return FailureClass::internal;
  }
  return FailureClass::internal;
}

}  // namespace troupe
