#pragma once

#include "deploy/cli/output.hpp"
#include "runtime/control/views.hpp"

#include <string>

namespace troupe {

// Draws a run for people, as text. Programs read the API's JSON.

/// One line: "run 7  flights  SUCCEEDED  1.2 s  8 of 8 tasks".
std::string run_headline(const RunView& run);

/// The graph with its numbers: each operator below its first input, other inputs by name, and the
/// share of its time that it is busy or waits. Each task counts once, at the first operator of its
/// chain; a `fused` operator runs in the tasks of an operator before it. So the numbers add up to
/// the headline's.
///
///     flights             read.csv     finished    2/2     336,776 rows  91 % busy
///     └─ late             filter       finished  fused      98,110 rows   4 % busy
///        └─ by_carrier    aggregate    running     1/2          16 rows   waits 80 % for input
std::string run_graph(const RunView& run, bool colour);

/// "`flights` is busy 91 % of its time, and 2 operators wait for it"; empty if no operator stands
/// out.
std::string bottleneck(const RunView& run);

/// "epoch 41 is committed, 0.6 s ago; state 1.2 MiB"; empty for a batch run.
std::string run_position(const RunView& run);

/// The one line shown while a run goes on: "running 5/8 tasks  1,203,332 rows  2.1 M rows/s  1.4
/// s".
std::string run_progress(const RunView& run, double seconds);

/// "2026-11-22T18:05:00Z".
std::string short_time(WallTime time);

/// The epochs of a run, with how long their parts took.
TextTable checkpoints_table(const std::vector<CheckpointView>& checkpoints);
TextTable runs_table(const std::vector<RunView>& runs);
/// The tasks with their nodes, one per row.
TextTable tasks_table(const RunView& run);
/// "tasks by node: a 3, b 2"; empty before there are any.
std::string run_nodes(const RunView& run);

}  // namespace troupe
