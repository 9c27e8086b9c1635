#include "runtime/protocol/messages.hpp"

namespace troupe {

const char* to_string(HeldState state) {
  switch (state) {
    case HeldState::deploying:
      return "deploying";
    case HeldState::ready:
      return "ready";
    case HeldState::running:
      return "running";
    case HeldState::finished:
      return "finished";
    case HeldState::failed:
      return "failed";
  }
  return "failed";
}

const Token* token_of(const Report& report) {
  return std::visit(
      [](const auto& message) -> const Token* {
        if constexpr (requires { message.token; }) {
          return &message.token;
        } else {
          return nullptr;
        }
      },
      report);
}

std::string sink_marker(const RunUid& run, const std::string& vertex) {
  return fmt::format("{}/{}/{}", run, batch_epoch, vertex);
}

std::string attempt_tag(const AttemptKey& key) {
  return fmt::format("r{}-t{}-a{}", key.run, key.task, key.attempt);
}

}  // namespace troupe
