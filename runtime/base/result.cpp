#include "runtime/base/result.hpp"

#include "runtime/base/readable.hpp"

namespace troupe {

const char* to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
      return "invalid_argument";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::already_exists:
      return "already_exists";
    case ErrorCode::conflict:
      return "conflict";
    case ErrorCode::unavailable:
      return "unavailable";
    case ErrorCode::timeout:
      return "timeout";
    case ErrorCode::cancelled:
      return "cancelled";
    case ErrorCode::corrupt:
      return "corrupt";
    case ErrorCode::unsupported:
      return "unsupported";
    case ErrorCode::not_allowed:
      return "not_allowed";
    case ErrorCode::internal:
      return "internal";
  }
  return "internal";
}

const char* to_string(ErrorReason reason) {
  switch (reason) {
    case ErrorReason::none:
      return "none";
    case ErrorReason::unknown_column:
      return "unknown_column";
    case ErrorReason::node_fault:
      return "node_fault";
    case ErrorReason::wrong_use:
      return "wrong_use";
    case ErrorReason::poison_record:
      return "poison_record";
  }
  return "none";
}

bool retryable(ErrorCode code) {
  return code == ErrorCode::unavailable || code == ErrorCode::timeout;
}

Error Error::within(std::string_view context) const {
  Error told = *this;
  told.message = readable(fmt::format("{}: {}", context, message));
  return told;
}

Error Error::at(std::string_view outer) const {
  Error told = *this;
  told.message = readable(message);
  told.path = path.empty() ? std::string(outer) : fmt::format("{}.{}", outer, path);
  return told;
}

std::string Error::to_string() const {
  const std::string tail = hint.empty() ? "" : fmt::format(" ({})", hint);
  return fmt::format("{}: {}{}", troupe::to_string(code), message, tail);
}

}  // namespace troupe
