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
    case HeldState::exhausted:
      return "exhausted";
  }
  return "failed";
}

namespace {

template <class Variant>
const Token* fence_of(const Variant& any) {
  return std::visit(
      []<class M>(const M& message) -> const Token* {
        if constexpr (CarriesToken<M>) return &message.token;
        return nullptr;
      },
      any);
}

}  // namespace

const Token* token_of(const Report& report) { return fence_of(report); }
const Token* token_of(const Command& command) { return fence_of(command); }

std::string sink_marker(const RunUid& run, const std::string& vertex) {
  return fmt::format("{}/1/{}", run, vertex);
}

std::string attempt_tag(const AttemptKey& key) {
  return fmt::format("r{}-t{}-a{}", key.run, key.task, key.attempt);
}

}  // namespace troupe
