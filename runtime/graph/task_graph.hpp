#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/graph/job_graph.hpp"
#include "runtime/operator/operator_kind.hpp"
#include "runtime/operator/source.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace troupe {

/// One phase of one vertex inside a stage.
struct ChainLink {
  std::string vertex;  ///< id in the JobGraph
  Phase phase;
};

/// Rows from every subtask of one stage to every subtask of another (forward: same subtask).
struct TaskEdge {
  StageId from;
  int from_port = 0;
  StageId to;
  int to_input = 0;  ///< input of the first operator of `to`'s chain
  ExchangeKind exchange = ExchangeKind::forward;
  std::vector<int> keys;
  /// The producer's node keeps the rows on disk until the run ends; the consumer reads them when
  /// the producer has ended. An edge that is not blocking, a pipelined one, joins both ends into
  /// one region.
  bool blocking = false;
  /// Taken as it comes, and held by the consumer until it wants it: the edge would jam the run.
  bool early = false;
  SchemaPtr schema;  ///< hidden columns included
  Flow flow;
};

/// A fused chain of phases; `parallelism` subtasks (tasks) run it. The first link is a source, or
/// an operator fed by edges; the last may be a sink.
struct Stage {
  StageId id;
  std::vector<ChainLink> chain;
  std::uint32_t parallelism = 1;
  /// Of a source stage: the splits of each subtask, filled in when the run starts.
  std::vector<std::vector<Split>> splits;
};

/// The physical graph. Every node that needs it derives it from the bound JobGraph; it is always
/// the same for the same `PlanTarget`, so only the JobGraph travels.
struct TaskGraph {
  std::vector<Stage> stages;  ///< producers before consumers
  std::vector<TaskEdge> edges;

  const Stage& stage(StageId id) const { return stages.at(id.value()); }
};

/// The cluster that a plan is made for.
struct PlanTarget {
  std::uint32_t parallelism = 2;  ///< subtasks of a stage, unless the job or vertex says otherwise
  /// True if a lost node must not restart the whole run: edges whose consumer needs all its input
  /// are then kept on disk. With a single executor process it is false, for nothing survives its
  /// death: rows move by pointer, and only an edge that would jam the run is kept.
  bool keep_blocking_edges = false;

  bool operator==(const PlanTarget&) const = default;
};

/// Checks the graph against the registry, finds source schemas, pushes projections and predicates
/// into sources. Reports all mistakes at once: each error's path is "<vertex>.with.<parameter>...",
/// "<vertex>.from", "<vertex>.op". May block (source headers). Pushes nothing down if there is a
/// mistake. Vertices in `whole` keep all columns and rows of their output, whatever others need of
/// it: a person or a test will look at it.
std::vector<Error> bind(JobGraph& graph, const OperatorRegistry& registry,
                        const std::set<std::string>& whole = {});

/// The output schema of every vertex of a bound graph that has an output, by id. For the tests in a
/// descriptor and for `explain`.
Result<std::map<std::string, SchemaPtr>> schemas_of(const JobGraph& graph,
                                                    const OperatorRegistry& registry);

/// The physical graph of a bound job. Splits are empty; `assign_splits` fills them. If an edge has
/// to be kept although the target keeps none, and a region would then wait for itself, the job is
/// planned with all blocking edges kept.
Result<TaskGraph> plan_tasks(const JobGraph& graph, const OperatorRegistry& registry,
                             const PlanTarget& target);

/// Asks every source for its splits and deals them out, largest first to the least loaded subtask;
/// the same input gives the same deal. Blocks.
Result<> assign_splits(TaskGraph& graph);

}  // namespace troupe
