#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"
#include "runtime/graph/job_graph.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// One operator of a run as a person wants to see it: sums over its subtasks.
struct VertexView {
  std::string id;
  std::string op;
  std::vector<std::string> from;
  std::string state;  ///< waiting, running, finished, failed, cancelled
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

struct TaskView {
  TaskId task;
  std::string name;  ///< the chain: "read > filter > aggregate.partial"
  std::string state;
  Attempt attempt;
  NodeId node;
  std::string reason;  ///< why it begins again, while it is to
};

struct RunView {
  RunId id;
  RunUid uid;  ///< unique for ever; the marker in what the run has written begins with it
  JobName job;
  std::string state;  ///< protocols: QUEUED ... SUCCEEDED
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

struct JobView {
  JobName name;
  std::string version;  ///< plan hash
  std::optional<WallTime> applied;
  std::optional<RunId> last_run;
  std::string last_state;
};

struct NodeView {
  NodeId id;
  std::string address;
  Incarnation incarnation;
  std::string state;   ///< silent, adopting, live, resting, suspect, gone
  std::string reason;  ///< why it rests, or is on trial; else empty
  std::uint32_t slots = 0;
  std::uint32_t slots_used = 0;
};

/// One thing that happened, as the durable event log has it. `sequence` only grows.
struct EventView {
  std::uint64_t sequence = 0;
  WallTime at;
  std::optional<RunId> run;
  std::string level;  ///< info, warn, error
  std::string text;
};

/// What a print sink has committed: a table, in Arrow's IPC stream format.
struct OutputView {
  std::string vertex;
  std::string title;
  std::int64_t rows_in_all = 0;  ///< of which `ipc` holds the first
  std::string ipc;
};

struct SubmitOptions {
  /// The same key gives the same run, however often it is sent.
  std::string idempotency_key;
  /// What the user wrote, kept with the job's version.
  std::string descriptor_text;
  std::string submitted_by;
};

/// What a client may ask of the cluster: one interface for the gateway, for `troupe run` and for a
/// service that embeds a node. Calls return at once and may come from any thread; answers arrive on
/// a thread of the node, exactly once (as `unavailable` where the coordinator ends first).
class Control {
 public:
  template <class T>
  using Answer = std::function<void(Result<T>)>;

  virtual ~Control() = default;
  /// Stores a version of a job; nothing runs. The same plan again changes nothing.
  virtual void apply(JobGraph graph, SubmitOptions options, Answer<JobView> answer) = 0;
  /// Starts a run of a bound graph. Answered when the run is durable, before it starts.
  virtual void submit(JobGraph graph, SubmitOptions options, Answer<RunId> answer) = 0;
  /// Starts a run of the stored version of a job.
  virtual void start(JobName job, SubmitOptions options, Answer<RunId> answer) = 0;
  virtual void cancel(RunId run, std::string reason, Answer<RunView> answer) = 0;
  virtual void show(RunId run, Answer<RunView> answer) = 0;
  /// As `show`, but answered when the run has ended, however long that takes.
  virtual void await_end(RunId run, Answer<RunView> answer) = 0;
  /// The newest first; all jobs where `job` is empty. The next page has `before` the last run of
  /// this one.
  virtual void runs(std::optional<JobName> job, std::optional<RunId> before, std::uint32_t limit,
                    Answer<std::vector<RunView>> answer) = 0;
  virtual void jobs(Answer<std::vector<JobView>> answer) = 0;
  virtual void nodes(Answer<std::vector<NodeView>> answer) = 0;
  /// Events after `sequence`, oldest first, at most `limit`.
  virtual void events(std::optional<RunId> run, std::uint64_t sequence, std::uint32_t limit,
                      Answer<std::vector<EventView>> answer) = 0;
  virtual void output(RunId run, Answer<std::vector<OutputView>> answer) = 0;
};

}  // namespace troupe
