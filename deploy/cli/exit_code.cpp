#include "deploy/cli/exit_code.hpp"

#include "runtime/base/node_fault.hpp"

namespace troupe {

Error wrong_use(std::string_view argument, Error error) {
  error.code = ErrorCode::invalid_argument;
  if (error.message.find(argument) == std::string::npos) {
    error.message = fmt::format("{}: {}", argument, error.message);
  }
  error.reason = ErrorReason::wrong_use;
  return error.at(argument);
}

ExitCode exit_code_of(const Error& error) {
  // A node with a full disk is `unavailable`, but not `unreachable`: it has answered.
  if (is_node_fault(error)) return ExitCode::failed;
  switch (error.code) {
    case ErrorCode::invalid_argument:
      return error.reason == ErrorReason::wrong_use ? ExitCode::wrong_use : ExitCode::invalid;
    case ErrorCode::unsupported:
      return ExitCode::invalid;
    case ErrorCode::not_allowed:
      return ExitCode::not_allowed;
    case ErrorCode::not_found:
      return ExitCode::not_found;
    case ErrorCode::already_exists:
    case ErrorCode::conflict:
      return ExitCode::conflict;
    case ErrorCode::unavailable:
      return ExitCode::unreachable;
    case ErrorCode::timeout:
      return ExitCode::timed_out;
    case ErrorCode::cancelled:
      return ExitCode::cancelled;
    case ErrorCode::corrupt:
      return ExitCode::failed;
    case ErrorCode::internal:
      return ExitCode::defect;
  }
  return ExitCode::defect;
}

}  // namespace troupe
