#include "runtime/control/view_states.hpp"

namespace troupe {

const char* to_string(VertexState state) {
  switch (state) {
    case VertexState::waiting:
      return "waiting";
    case VertexState::running:
      return "running";
    case VertexState::finished:
      return "finished";
    case VertexState::failed:
      return "failed";
    case VertexState::cancelled:
      return "cancelled";
  }
  return "?";
}

TaskState task_state(AttemptState attempt) {
  switch (attempt) {
    case AttemptState::deploying:
      return TaskState::deploying;
    case AttemptState::running:
      return TaskState::running;
    case AttemptState::finished:
      return TaskState::finished;
    case AttemptState::failed:
      return TaskState::failed;
    case AttemptState::killed:
      return TaskState::killed;
    case AttemptState::superseded:
      return TaskState::superseded;
  }
  return TaskState::failed;
}

const char* to_string(TaskState state) {
  switch (state) {
    case TaskState::waiting:
      return "WAITING";
    case TaskState::restarting:
      return "RESTARTING";
    case TaskState::deploying:
      return to_string(AttemptState::deploying);
    case TaskState::running:
      return to_string(AttemptState::running);
    case TaskState::finished:
      return to_string(AttemptState::finished);
    case TaskState::failed:
      return to_string(AttemptState::failed);
    case TaskState::killed:
      return to_string(AttemptState::killed);
    case TaskState::superseded:
      return to_string(AttemptState::superseded);
  }
  return "?";
}

const char* to_string(NodeState state) {
  switch (state) {
    case NodeState::silent:
      return "silent";
    case NodeState::adopting:
      return "adopting";
    case NodeState::live:
      return "live";
    case NodeState::resting:
      return "resting";
    case NodeState::suspect:
      return "suspect";
    case NodeState::gone:
      return "gone";
  }
  return "?";
}

}  // namespace troupe
