#pragma once

#include "runtime/base/enums.hpp"
#include "runtime/decision/records.hpp"

namespace troupe {

/// The state of an operator of a run, over all its tasks.
enum class VertexState { waiting, running, finished, failed, cancelled };
const char* to_string(VertexState state);
template <>
struct EnumOf<VertexState> {
  static constexpr auto last = VertexState::cancelled;
  static constexpr const char* noun = "state of an operator";
};

/// The state of a task: that of its attempt, or why it has none.
enum class TaskState {
  waiting,     ///< has not been tried
  restarting,  ///< is to be tried again
  deploying,
  running,
  finished,
  failed,
  killed,
  superseded,
};
TaskState task_state(AttemptState attempt);
const char* to_string(TaskState state);
template <>
struct EnumOf<TaskState> {
  static constexpr auto last = TaskState::superseded;
  static constexpr const char* noun = "state of a task";
};

/// The state of a node as a member of its cluster.
enum class NodeState {
  silent,    ///< recorded earlier; has one lease of time to show up
  adopting,  ///< joined; has not listed what it holds
  live,
  resting,  ///< live, but gets no work because work fails there
  suspect,  ///< its connection closed a moment ago
  gone,
};
const char* to_string(NodeState state);
template <>
struct EnumOf<NodeState> {
  static constexpr auto last = NodeState::gone;
  static constexpr const char* noun = "state of a node";
};

}  // namespace troupe
