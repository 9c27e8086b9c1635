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
  /// Kept on disk by the producer's node until the run ends, read by the consumer afterwards. A
  /// pipelined edge joins both ends into one region.
  bool blocking = false;
  /// Taken as it comes, and held by the consumer until it wants it: the edge would jam the run.
  bool early = false;
  SchemaPtr schema;
};

/// A fused chain of phases, run by `parallelism` subtasks (tasks). The first link is a source, or
/// an operator fed by edges; the last may be a sink.
struct Stage {
  StageId id;
  std::vector<ChainLink> chain;
  std::uint32_t parallelism = 1;
  /// For a source stage: what each subtask reads, filled in when the run starts.
  std::vector<std::vector<Split>> splits;
};

/// The physical graph: derived from a bound JobGraph by every node that needs it, always the same
/// for the same `PlanTarget`, so only the JobGraph travels.
struct TaskGraph {
  std::vector<Stage> stages;  ///< producers before consumers
  std::vector<TaskEdge> edges;

  const Stage& stage(StageId id) const { return stages.at(id.value()); }
};

/// The cluster a plan is made for.
struct PlanTarget {
  std::uint32_t parallelism = 2;  ///< subtasks of a stage, unless the job or vertex says otherwise
  /// True where a lost node must not restart the whole run: edges whose consumer needs all its
  /// input are then kept on disk. With a single executor process nothing survives its death, and
  /// rows move by pointer; only an edge that would otherwise jam the run is kept there too.
  bool keep_blocking_edges = false;
};

/// Checks the graph against the registry, finds source schemas, pushes projections and predicates
/// into sources. All mistakes at once: each error's path is "<vertex>.with.<parameter>...",
/// "<vertex>.from", "<vertex>.op". May block (source headers). `graph` is changed only where there
/// is no mistake. Vertices in `whole` keep all columns and rows of their output, whatever others
/// need of it: somebody will look at it.
std::vector<Error> bind(JobGraph& graph, const OperatorRegistry& registry,
                        const std::set<std::string>& whole = {});

/// The output schema of every vertex of a bound graph that has an output, by id; what tests in the
/// file and `explain` need.
Result<std::map<std::string, SchemaPtr>> schemas_of(const JobGraph& graph,
                                                    const OperatorRegistry& registry);

/// The physical graph of a bound job. Splits are empty; `assign_splits` fills them. Where an edge
/// has to be kept although the target keeps none, the region around it could not run (it would wait
/// for itself): such a job is planned with all blocking edges kept.
Result<TaskGraph> plan_tasks(const JobGraph& graph, const OperatorRegistry& registry,
                             const PlanTarget& target);

/// Asks every source for its splits and deals them out, largest first to the least loaded subtask;
/// the same input gives the same deal. Blocks.
Result<> assign_splits(TaskGraph& graph);

}  // namespace troupe
