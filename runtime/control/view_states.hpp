#pragma once

#include "runtime/base/log.hpp"
#include "runtime/control/fields.hpp"
#include "runtime/decision/records.hpp"

namespace troupe {

/// An operator of a run, over all its tasks.
enum class VertexState { waiting, running, finished, failed, cancelled };
const char* to_string(VertexState state);

/// A task of a run: the state of its attempt, or why it has none.
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

/// A node as a member of its cluster.
enum class NodeState {
  silent,    ///< recorded earlier; has a lease to show up
  adopting,  ///< joined; has not said what it holds
  live,
  resting,  ///< live, and gets no work because work fails there
  suspect,  ///< its connection closed a moment ago
  gone,
};
const char* to_string(NodeState state);

template <>
struct Words<RunState> : WordsTo<RunState::halted> {
  static constexpr const char* noun = "state of a run";
};
template <>
struct Words<VertexState> : WordsTo<VertexState::cancelled> {
  static constexpr const char* noun = "state of an operator";
};
template <>
struct Words<TaskState> : WordsTo<TaskState::superseded> {
  static constexpr const char* noun = "state of a task";
};
template <>
struct Words<NodeState> : WordsTo<NodeState::gone> {
  static constexpr const char* noun = "state of a node";
};
template <>
struct Words<log::Level> : WordsTo<log::Level::error> {
  static constexpr const char* noun = "level";
};

}  // namespace troupe
