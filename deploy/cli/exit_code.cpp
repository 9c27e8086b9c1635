#include "deploy/cli/exit_code.hpp"

namespace troupe {

ExitCode exit_code_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::invalid_argument:
    case ErrorCode::unsupported:
      return ExitCode::invalid;
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
