#include "deploy/cli/executor_processes.hpp"

#include "runtime/net/keys.hpp"
#include "runtime/os/own_files.hpp"

#include <signal.h>

namespace troupe {

std::vector<NodeId> ExecutorProcesses::names(std::uint32_t count) {
  std::vector<NodeId> nodes;
  for (std::uint32_t i = 1; i <= count; ++i) nodes.emplace_back(fmt::format("executor-{}", i));
  return nodes;
}

NodeId ExecutorProcesses::coordinator_name() { return NodeId("coordinator"); }

std::string ExecutorProcesses::keys_of(const std::string& directory, const NodeId& node) {
  return fmt::format("{}/{}/keys", directory, node);
}

Result<> ExecutorProcesses::make_keys(const std::string& directory, std::uint32_t count) {
  std::vector<NodeId> nodes = names(count);
  nodes.push_back(coordinator_name());
  for (const auto& [node, ring] : shared_keys(nodes)) {
    const std::string keys = keys_of(directory, node);
    TRY(own_files().make_directories(keys));
    TRY(KeyDirectory(own_files(), keys).write(ring));
  }
  return {};
}

Result<ExecutorProcesses> ExecutorProcesses::start(ExecutorSite site, std::uint32_t count) {
  ExecutorProcesses processes(std::move(site));
  for (const NodeId& node : names(count)) {
    auto child = TRY(processes.launch(node));
    processes.children_.push_back({node, std::move(child)});
  }
  return processes;
}

Result<std::unique_ptr<ChildProcess>> ExecutorProcesses::launch(const NodeId& node) const {
  const std::string data = fmt::format("{}/{}", site_.directory, node);
  return ChildProcess::start(
      site_.program,
      {"node", "--name", node.value(), "--roles", "executor", "--data", data, "--keys",
       keys_of(site_.directory, node), "--bind", "tcp://127.0.0.1:0", "--coordinator",
       fmt::format("{}={}", coordinator_name(), site_.coordinator_address), "--slots",
       std::to_string(site_.slots), "--lease", fmt::format("{}s", site_.lease_s), "--quiet"});
}

Result<> ExecutorProcesses::tend() {
  for (Child& child : children_) {
    const auto exit = child.process->poll();
    if (!exit) continue;
    // Counted over all executors: on a machine that kills them, each may die only once or twice.
    if (++restarts_ > restarts_max) {
      return make_error(ErrorCode::unavailable, "executors die again and again; the last one {}",
                        exit->to_string());
    }
    child.process = TRY(launch(child.node));
  }
  return {};
}

Result<> ExecutorProcesses::kill(const NodeId& node) {
  for (Child& child : children_) {
    if (child.node != node) continue;
    child.process->signal(SIGKILL);
    TRY(child.process->wait(5s));  // so that the next `tend` finds it dead
    return {};
  }
  return make_error(ErrorCode::not_found, "no executor {}", node);
}

void ExecutorProcesses::stop() {
  // All are asked first, so that they end at the same time. Those that do not end are killed by
  // their destructors.
  for (Child& child : children_) child.process->signal(SIGTERM);
  for (Child& child : children_) (void)child.process->wait(2s);
  children_.clear();
}

}  // namespace troupe
