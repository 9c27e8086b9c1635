#include "runtime/base/node_fault.hpp"

namespace troupe {
namespace {

/// The value that is wrong is none of a job's.
constexpr const char* this_node = "this node";

}  // namespace

Error node_fault(Error error) {
  if (error.code != ErrorCode::corrupt && error.code != ErrorCode::not_found) {
    error.code = ErrorCode::unavailable;
  }
  error.path = this_node;
  return error;
}

bool is_node_fault(const Error& error) { return error.path == this_node; }

}  // namespace troupe
