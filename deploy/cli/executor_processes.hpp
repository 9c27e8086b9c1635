#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/base/result.hpp"
#include "runtime/os/process.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// The setting of the nodes of `troupe run --executors N`: program, keys and data. Their logs go
/// where ours go, at the level of TROUPE_LOG_LEVEL.
struct ExecutorSite {
  std::string program;    ///< this binary
  std::string directory;  ///< of the run; made and removed by the caller
  std::string coordinator_address;
  std::uint32_t slots = 1;  ///< of each
  double lease_s = 2;
};

/// The most executors on one machine; more are a slip of the finger.
inline constexpr std::uint32_t executors_max = 64;

/// The executor processes of one `troupe run`. Starts them, starts them again when they die, and
/// ends them together. They are ordinary nodes with keys of their own that admit each other.
class ExecutorProcesses {
 public:
  /// So many times executors are started again before the run is given up.
  static constexpr int restarts_max = 5;

  /// The names of `count` executors, and of the coordinator.
  static std::vector<NodeId> names(std::uint32_t count);
  static NodeId coordinator_name();
  /// Writes a ring of keys for each node below `directory`.
  static Result<> make_keys(const std::string& directory, std::uint32_t count);
  static std::string keys_of(const std::string& directory, const NodeId& node);

  static Result<ExecutorProcesses> start(ExecutorSite site, std::uint32_t count);

  /// Starts those again that have died; an error if that has happened too often.
  Result<> tend();
  /// Kills with SIGKILL: the node has no time to say goodbye, as in a crash.
  Result<> kill(const NodeId& node);
  /// Asks all to end, and ends those that do not.
  void stop();

 private:
  struct Child {
    NodeId node;
    std::unique_ptr<ChildProcess> process;
  };
  ExecutorProcesses(ExecutorSite site) : site_(std::move(site)) {}
  Result<std::unique_ptr<ChildProcess>> launch(const NodeId& node) const;

  ExecutorSite site_;
  std::vector<Child> children_;
  int restarts_ = 0;
};

}  // namespace troupe
