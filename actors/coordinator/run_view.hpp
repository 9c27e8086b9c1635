#pragma once

#include "runtime/control/views.hpp"
#include "runtime/coordinator/errands.hpp"
#include "runtime/decision/records.hpp"
#include "runtime/run/run_machine.hpp"

namespace troupe {

/// What is known of a run, wherever it is known from: its machine while it is worked on, its rows
/// afterwards.
struct RunFacts {
  const RunRecord& made;
  RunState state;
  std::optional<Error> cause;
  const JobGraph& job;
  const TaskTopology* topology;  ///< null before the run is planned
  std::map<TaskId, TaskStatus> tasks;
  std::optional<Duration> recovered_in;
  std::int64_t rows_committed = 0;
  std::optional<WallTime> submitted, started, finished;
  // Of a streaming run; the age where it is worked on.
  std::optional<Epoch> epoch = {};  ///< the last one that is committed
  std::optional<Duration> epoch_age = {};
  WallTime now = {};  ///< what lags are told against
  std::string waits;  ///< what its commit waits for, and for how long; empty where it does not
};

/// "committing 'out' has failed for 12 s, 5 times, and is tried until it is done: ..."
std::string in_words(const CommitWait& wait, Instant now);
/// "the commit of 'out' has waited for 12 s for an executor", or whose answer is missing
std::string in_words(const Errands::Wait& wait, Instant now);

/// The facts as a person wants to see them: sums over subtasks, states in words. Pure.
RunView view_of(const RunFacts& facts);

/// What went into an operator and what came out of it, whatever its phases pass among themselves:
/// of a task's counters, rows in where its stage holds the vertex' first phase, rows and bytes out
/// where it holds the last one. One entry a vertex.
std::vector<VertexCounters> outer_counters(const TaskGraph& graph, StageId stage,
                                           const TaskCounters& counters);

/// The tasks of a run from its rows, each with its last attempt.
std::map<TaskId, TaskStatus> tasks_of(const RunImage& image);

}  // namespace troupe
