#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"
#include "runtime/control/fields.hpp"
#include "runtime/control/view_states.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

// What clients are shown. Each view is followed by its fields, as JSON has them; `schema` is its
// name in the API's contract.

template <>
struct Words<ErrorCode> : WordsTo<ErrorCode::internal> {
  static constexpr const char* noun = "code of an error";
};

void each_field(auto& field, Is<Error> auto& error) {
  field("code", error.code, Presence::added);
  field("message", error.message);
  field("hint", error.hint, Presence::optional);
  field("path", error.path, Presence::optional);
}

/// One operator of a run as a person wants to see it: sums over its subtasks.
struct VertexView {
  static constexpr const char* schema = "Vertex";

  std::string id;
  std::string op;
  std::vector<std::string> from;
  VertexState state = VertexState::waiting;
  /// All tasks that it has a part in; one task runs every operator of a fused chain.
  std::uint32_t tasks = 0;
  std::uint32_t tasks_finished = 0;
  /// Those of them that begin with it: over all operators, the tasks of the run.
  std::uint32_t tasks_begun = 0;
  std::uint32_t tasks_begun_finished = 0;
  std::uint32_t restarts = 0;
  std::int64_t rows_in = 0;
  std::int64_t rows_out = 0;
  std::int64_t bytes_in = 0;
  std::int64_t bytes_out = 0;
  double busy_s = 0;      ///< computing
  double blocked_s = 0;   ///< had output and no room for it
  double idle_s = 0;      ///< had no input
  double queue_fill = 0;  ///< 0..1, the fullest input channel
};

void each_field(auto& field, Is<VertexView> auto& vertex) {
  field("id", vertex.id);
  field("op", vertex.op);
  field("from", vertex.from);
  field("state", vertex.state);
  field("tasks", vertex.tasks);
  field("tasks_finished", vertex.tasks_finished);
  field("tasks_begun", vertex.tasks_begun, Presence::added);
  field("tasks_begun_finished", vertex.tasks_begun_finished, Presence::added);
  field("restarts", vertex.restarts);
  field("rows_in", vertex.rows_in);
  field("rows_out", vertex.rows_out);
  field("bytes_in", vertex.bytes_in);
  field("bytes_out", vertex.bytes_out);
  field("busy_s", vertex.busy_s);
  field("blocked_s", vertex.blocked_s);
  field("idle_s", vertex.idle_s);
  field("queue_fill", vertex.queue_fill);
}

struct TaskView {
  static constexpr const char* schema = "Task";

  TaskId task;
  std::string name;  ///< the chain: "read > filter > aggregate.partial"
  TaskState state = TaskState::waiting;
  Attempt attempt;
  NodeId node;
  std::string reason;  ///< why it begins again, while it is to
};

void each_field(auto& field, Is<TaskView> auto& task) {
  field("stage", task.task.stage);
  field("subtask", task.task.subtask);
  field("name", task.name);
  field("state", task.state);
  field("attempt", task.attempt);
  field("node", task.node);
  field("reason", task.reason, Presence::optional);
}

struct RunView {
  static constexpr const char* schema = "Run";

  RunId id;
  RunUid uid;  ///< unique for ever; the marker in what the run has written begins with it
  JobName job;
  RunState state = RunState::queued;
  std::string plan_hash;
  std::optional<WallTime> submitted, started, finished;
  Attempt attempt;
  std::uint32_t task_restarts = 0;  ///< attempts after the first of each task
  std::string error;                ///< the one cause, where it failed
  std::string hint;                 ///< and what to do about it
  std::string reason;               ///< why parts of it begin again, while they do
  std::int64_t rows_committed = 0;
  std::uint32_t tasks = 0;
  std::uint32_t tasks_finished = 0;
  std::vector<VertexView> vertices;
  std::vector<TaskView> task_list;
  /// From the moment a node was lost to the moment all its work had been done again; the longest.
  std::optional<double> recovered_in_s;
};

void each_field(auto& field, Is<RunView> auto& run) {
  field("id", run.id);
  field("uid", run.uid, Presence::added);
  field("job", run.job);
  field("state", run.state);
  field("plan_hash", run.plan_hash);
  field("attempt", run.attempt);
  field("tasks", run.tasks);
  field("tasks_finished", run.tasks_finished);
  field("task_restarts", run.task_restarts);
  field("rows_committed", run.rows_committed);
  field("submitted", run.submitted, Presence::optional);
  field("started", run.started, Presence::optional);
  field("finished", run.finished, Presence::optional);
  field("error", run.error, Presence::optional);
  field("hint", run.hint, Presence::optional);
  field("reason", run.reason, Presence::optional);
  field("recovered_in_s", run.recovered_in_s, Presence::optional);
  field("vertices", run.vertices);
  field("task_list", run.task_list);
}

struct JobView {
  static constexpr const char* schema = "Job";

  JobName name;
  std::string version;  ///< plan hash
  std::optional<RunState> last_state;
  std::optional<WallTime> applied;
  std::optional<RunId> last_run;
};

void each_field(auto& field, Is<JobView> auto& job) {
  field("name", job.name);
  field("version", job.version);
  field("last_state", job.last_state);
  field("applied", job.applied, Presence::optional);
  field("last_run", job.last_run, Presence::optional);
}

struct NodeView {
  static constexpr const char* schema = "Node";

  NodeId id;
  std::string address;
  Incarnation incarnation;
  NodeState state = NodeState::silent;
  std::string reason;  ///< why it rests, or is on trial; else empty
  std::uint32_t slots = 0;
  std::uint32_t slots_used = 0;
};

void each_field(auto& field, Is<NodeView> auto& node) {
  field("id", node.id);
  field("address", node.address);
  field("incarnation", node.incarnation);
  field("state", node.state);
  field("reason", node.reason, Presence::added);
  field("slots", node.slots);
  field("slots_used", node.slots_used);
}

/// One thing that happened, as the durable event log has it. `sequence` only grows.
struct EventView {
  static constexpr const char* schema = "Event";

  std::uint64_t sequence = 0;
  WallTime at;
  log::Level level = log::Level::info;
  std::string text;
  std::optional<RunId> run;
};

void each_field(auto& field, Is<EventView> auto& event) {
  field("sequence", event.sequence);
  field("at", event.at);
  field("level", event.level);
  field("text", event.text);
  field("run", event.run, Presence::optional);
}

/// What a print sink has committed: a table, in Arrow's IPC stream format.
struct OutputView {
  static constexpr const char* schema = "Output";

  std::string vertex;
  std::string title;
  std::int64_t rows_in_all = 0;  ///< of which `ipc` holds the first
  std::string ipc;
};

void each_field(auto& field, Is<OutputView> auto& output) {
  field("vertex", output.vertex);
  field("title", output.title);
  field("rows_in_all", output.rows_in_all);
  field("ipc", Base64{output.ipc});
}

}  // namespace troupe
