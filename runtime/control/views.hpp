#pragma once

#include "runtime/base/fields.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"
#include "runtime/control/view_states.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace troupe {

// Views: the answers that clients see. `schema` is the name of a view in the API's contract.

/// One operator of a run, for people: sums over its subtasks.
struct VertexView {
  static constexpr const char* schema = "Vertex";

  std::string id;
  std::string op;
  std::vector<std::string> from;
  VertexState state = VertexState::waiting;
  /// All tasks that run it; one task runs every operator of a fused chain.
  std::uint32_t tasks = 0;
  std::uint32_t tasks_finished = 0;
  /// Those of them whose chain begins with it. Summed over all operators: the tasks of the run.
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
  // In streams.
  std::optional<WallTime> watermark;  ///< the event time of the task that is furthest behind
  std::optional<double> lag_s;        ///< how far that is behind now
  std::int64_t rows_late = 0;         ///< dropped, for their windows were closed
  std::int64_t state_bytes =
      0;  ///< of the tasks that begin with it: what they would be restored from

  static constexpr auto fields() {
    return std::tuple{
        field("id", &VertexView::id),
        field("op", &VertexView::op),
        field("from", &VertexView::from),
        field("state", &VertexView::state),
        field("tasks", &VertexView::tasks),
        field("tasks_finished", &VertexView::tasks_finished),
        field("tasks_begun", &VertexView::tasks_begun, Presence::added),
        field("tasks_begun_finished", &VertexView::tasks_begun_finished, Presence::added),
        field("restarts", &VertexView::restarts),
        field("rows_in", &VertexView::rows_in),
        field("rows_out", &VertexView::rows_out),
        field("bytes_in", &VertexView::bytes_in),
        field("bytes_out", &VertexView::bytes_out),
        field("busy_s", &VertexView::busy_s),
        field("blocked_s", &VertexView::blocked_s),
        field("idle_s", &VertexView::idle_s),
        field("queue_fill", &VertexView::queue_fill),
        field("watermark", &VertexView::watermark, Presence::optional),
        field("lag_s", &VertexView::lag_s, Presence::optional),
        field("rows_late", &VertexView::rows_late, Presence::added),
        field("state_bytes", &VertexView::state_bytes, Presence::added)};
  }
};

struct TaskView {
  static constexpr const char* schema = "Task";

  TaskId task;
  std::string name;  ///< the chain: "read > filter > aggregate.partial"
  TaskState state = TaskState::waiting;
  Attempt attempt;
  NodeId node;
  std::string reason;  ///< while it waits to run again: why

  static constexpr auto fields() {
    return std::tuple{spread_field("task", &TaskView::task),
                      field("name", &TaskView::name),
                      field("state", &TaskView::state),
                      field("attempt", &TaskView::attempt),
                      field("node", &TaskView::node),
                      field("reason", &TaskView::reason, Presence::optional)};
  }
};

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
  std::string error;                ///< the one cause, if it failed
  std::string hint;                 ///< what to do about it
  std::string reason;               ///< while parts of it run again, or its commit waits: why
  std::int64_t rows_committed = 0;
  std::uint32_t tasks = 0;
  std::uint32_t tasks_finished = 0;
  std::vector<VertexView> vertices;
  std::vector<TaskView> task_list;
  /// The longest time from the loss of a node until all its work had been done again.
  std::optional<double> recovered_in_s;
  std::optional<RunId> resumes;  ///< goes on from the last epoch of that run
  // Of a streaming run.
  std::optional<Epoch> epoch;         ///< the last one that is committed
  std::optional<double> epoch_age_s;  ///< since then; how far behind its output is, while it runs

  static constexpr auto fields() {
    return std::tuple{field("id", &RunView::id),
                      field("uid", &RunView::uid, Presence::added),
                      field("resumes", &RunView::resumes, Presence::optional),
                      field("job", &RunView::job),
                      field("state", &RunView::state),
                      field("plan_hash", &RunView::plan_hash),
                      field("attempt", &RunView::attempt),
                      field("tasks", &RunView::tasks),
                      field("tasks_finished", &RunView::tasks_finished),
                      field("task_restarts", &RunView::task_restarts),
                      field("rows_committed", &RunView::rows_committed),
                      field("submitted", &RunView::submitted, Presence::optional),
                      field("started", &RunView::started, Presence::optional),
                      field("finished", &RunView::finished, Presence::optional),
                      field("error", &RunView::error, Presence::optional),
                      field("hint", &RunView::hint, Presence::optional),
                      field("reason", &RunView::reason, Presence::optional),
                      field("recovered_in_s", &RunView::recovered_in_s, Presence::optional),
                      field("epoch", &RunView::epoch, Presence::optional),
                      field("epoch_age_s", &RunView::epoch_age_s, Presence::optional),
                      field("vertices", &RunView::vertices),
                      field("task_list", &RunView::task_list)};
  }
};

/// One epoch of a streaming run. Times of its parts are there as far as it came.
struct CheckpointView {
  static constexpr const char* schema = "Checkpoint";

  Epoch epoch;
  EpochState state = EpochState::started;
  std::optional<WallTime> started, published, committed;
  /// Of the slowest task: from its first barrier to its last one, and from there until its state
  /// was durable.
  std::optional<double> aligned_s, written_s;
  std::optional<double> acknowledged_s;  ///< from the beginning until all tasks had
  std::optional<double> copied_s;        ///< from there until its state was on two nodes
  std::optional<double> commit_s;        ///< from being published until all sinks had committed
  std::int64_t state_bytes = 0;          ///< that its tasks would be restored from
  std::int64_t rows = 0;                 ///< that it makes visible
  std::string reason;                    ///< it was given up: why

  static constexpr auto fields() {
    using Self = CheckpointView;
    return std::tuple{field("epoch", &Self::epoch),
                      field("state", &Self::state),
                      field("started", &Self::started, Presence::optional),
                      field("published", &Self::published, Presence::optional),
                      field("committed", &Self::committed, Presence::optional),
                      field("aligned_s", &Self::aligned_s, Presence::optional),
                      field("written_s", &Self::written_s, Presence::optional),
                      field("acknowledged_s", &Self::acknowledged_s, Presence::optional),
                      field("copied_s", &Self::copied_s, Presence::optional),
                      field("commit_s", &Self::commit_s, Presence::optional),
                      field("state_bytes", &Self::state_bytes),
                      field("rows", &Self::rows),
                      field("reason", &Self::reason, Presence::optional)};
  }
};

struct JobView {
  static constexpr const char* schema = "Job";

  JobName name;
  std::string version;  ///< plan hash
  std::optional<RunState> last_state;
  std::optional<WallTime> applied;
  std::optional<RunId> last_run;

  static constexpr auto fields() {
    return std::tuple{field("name", &JobView::name), field("version", &JobView::version),
                      field("last_state", &JobView::last_state),
                      field("applied", &JobView::applied, Presence::optional),
                      field("last_run", &JobView::last_run, Presence::optional)};
  }
};

struct NodeView {
  static constexpr const char* schema = "Node";

  NodeId id;
  std::string address;
  Incarnation incarnation;
  NodeState state = NodeState::silent;
  std::string reason;  ///< why it rests, or is on trial; else empty
  std::uint32_t slots = 0;
  std::uint32_t slots_used = 0;

  static constexpr auto fields() {
    return std::tuple{field("id", &NodeView::id),
                      field("address", &NodeView::address),
                      field("incarnation", &NodeView::incarnation),
                      field("state", &NodeView::state),
                      field("reason", &NodeView::reason, Presence::added),
                      field("slots", &NodeView::slots),
                      field("slots_used", &NodeView::slots_used)};
  }
};

/// One entry of the durable event log. `sequence` only grows.
struct EventView {
  static constexpr const char* schema = "Event";

  std::uint64_t sequence = 0;
  WallTime at;
  log::Level level = log::Level::info;
  std::string text;
  std::optional<RunId> run;

  static constexpr auto fields() {
    return std::tuple{field("sequence", &EventView::sequence), field("at", &EventView::at),
                      field("level", &EventView::level), field("text", &EventView::text),
                      field("run", &EventView::run, Presence::optional)};
  }
};

/// Bytes that are no text; JSON has them as base64.
struct Binary {
  std::string bytes;
};

/// A table that a print sink has committed, in Arrow's IPC stream format.
struct OutputView {
  static constexpr const char* schema = "Output";

  std::string vertex;
  std::string title;
  std::int64_t rows_in_all = 0;  ///< of which `ipc` holds the first
  Binary ipc;

  static constexpr auto fields() {
    return std::tuple{field("vertex", &OutputView::vertex), field("title", &OutputView::title),
                      field("rows_in_all", &OutputView::rows_in_all),
                      field("ipc", &OutputView::ipc)};
  }
};

}  // namespace troupe
