#include "runtime/base/node_fault.hpp"

namespace troupe {

Error node_fault(Error error) {
  if (error.code != ErrorCode::corrupt && error.code != ErrorCode::not_found) {
    error.code = ErrorCode::unavailable;
  }
  error.reason = ErrorReason::node_fault;
  return error;
}

bool is_node_fault(const Error& error) { return error.reason == ErrorReason::node_fault; }

}  // namespace troupe
