#pragma once

#include "runtime/coordinator/coordinator_machine.hpp"
#include "runtime/graph/task_graph.hpp"
#include "runtime/os/random.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace troupe::sim {

/// A row of the model: a number that counts for a key.
struct ModelRow {
  std::uint32_t key = 0;
  std::uint64_t value = 0;
};
using Rows = std::vector<ModelRow>;
/// What rows add up to, by key: the only thing that is compared, since every step of a model job is
/// linear. A row that is lost, doubled or stale changes it; routing and order do not.
using Totals = std::map<std::uint32_t, std::uint64_t>;

/// What the tasks of one stage do. A stage without in-edges reads its splits, one without
/// out-edges is a sink.
struct ModelStage {
  /// Rows are added up by key and leave at the end of the input; else each leaves at once.
  bool sums = false;
  std::uint64_t factor = 1;  ///< values are multiplied by it
  /// Rows leave for another consumer in each attempt: a producer that is not deterministic.
  bool scatters = false;
};

/// A job small enough to know its answer: a random graph over numbers, some of whose tasks fail on
/// purpose.
struct ModelJob {
  std::string plan;  ///< stands for the bytes of a plan
  TaskGraph graph;
  std::vector<ModelStage> stages;
  std::uint32_t parallelism = 2;
  /// Tasks that fail once, and how.
  std::map<TaskId, FailureClass> fail_once;
  /// A task that always fails as the user's mistake: the run must fail with it.
  std::optional<TaskId> always_fails;

  /// What each sink vertex must show.
  std::map<std::string, Totals> expected() const;
};

ModelJob make_model_job(std::uint64_t number, Random& random);
Submission submission_of(const ModelJob& job, const std::string& key);

Rows rows_of(const Split& split);
std::string vertex_of(StageId stage);
/// The partition of `rows` that consumer `to` of `edge` gets. `chance` matters where `scatters`.
std::vector<Rows> partition(const Rows& rows, const TaskEdge& edge, const TaskGraph& graph,
                            std::uint32_t from, std::uint64_t chance);
PartitionSummary summary_of(const Rows& rows);
void add(Totals& totals, const Rows& rows);
std::uint64_t mix(std::uint64_t value);

}  // namespace troupe::sim
