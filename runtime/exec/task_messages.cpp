#include "runtime/exec/task_messages.hpp"

namespace troupe {
namespace {

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

}  // namespace

const char* name_of(const Command& command) {
  return std::visit(Overloaded{[](const Joined&) { return "Joined"; },
                               [](const JoinRefused&) { return "JoinRefused"; },
                               [](const Adopt&) { return "Adopt"; },
                               [](const DeployTask&) { return "DeployTask"; },
                               [](const StartTask&) { return "StartTask"; },
                               [](const CancelTask&) { return "CancelTask"; },
                               [](const AckReport&) { return "AckReport"; },
                               [](const ReleaseRun&) { return "ReleaseRun"; }},
                    command);
}

const char* name_of(const Report& report) {
  return std::visit(Overloaded{[](const JoinCluster&) { return "JoinCluster"; },
                               [](const TaskReady&) { return "TaskReady"; },
                               [](const TaskFinished&) { return "TaskFinished"; },
                               [](const TaskFailed&) { return "TaskFailed"; },
                               [](const TaskStopped&) { return "TaskStopped"; },
                               [](const TaskProgress&) { return "TaskProgress"; },
                               [](const Inventory&) { return "Inventory"; }},
                    report);
}

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
