#include "runtime/data/key_group.hpp"
#include "runtime/graph/bound_graph.hpp"
#include "runtime/graph/graph_check.hpp"
#include "runtime/graph/jam.hpp"
#include "runtime/graph/keep_apart.hpp"
#include "runtime/graph/task_graph.hpp"
#include "runtime/graph/task_topology.hpp"

#include <algorithm>
#include <utility>

namespace troupe {
namespace {

/// An edge into a phase, before stages exist.
struct PhaseEdge {
  std::size_t from = 0;  ///< index of the producing phase
  int port = 0;
  ExchangeKind exchange = ExchangeKind::forward;
  std::vector<int> keys;
  bool own = false;           ///< between two phases of one operator
  bool waits = false;         ///< the consumer gives nothing before this input has ended
  bool may_be_early = false;  ///< the consumer can hold its rows
  bool kept = false;          ///< and it will be kept on disk
};

struct PhaseNode {
  std::size_t vertex = 0;
  Phase phase;
  std::vector<PhaseEdge> inputs;
  std::uint32_t parallelism = 1;
  std::size_t readers = 0;
  std::uint32_t stage = 0;
};

/// A stage may have this many subtasks however few its rows are; beyond that, each subtask shall
/// have about `rows_of_a_subtask` rows.
constexpr std::int64_t subtasks_for_any_rows = 64;
constexpr std::int64_t rows_of_a_subtask = 4096;

/// Makes stages of subtasks from the plans of vertices: concatenates their phases, gives each its
/// parallelism, settles the exchanges, fuses and numbers.
class TaskPlanner {
 public:
  TaskPlanner(const JobGraph& graph, BoundGraph bound, const PlanTarget& target)
      : graph_(graph), bound_(std::move(bound)), target_(target) {}

  TaskGraph run() {
    concatenate();
    for (PhaseNode& node : nodes_) {
      node.parallelism = parallelism_of(node);
      for (PhaseEdge& edge : node.inputs) settle(edge, node);
    }
    for (PhaseNode& node : nodes_) place(node);
    connect();
    prevent_jams(tasks_, inputs_);
    if (target_.keep_blocking_edges) keep_apart(tasks_);
    return std::move(tasks_);
  }

 private:
  void concatenate() {
    std::vector<std::size_t> firsts;  // by vertex: the index of its first phase
    for (std::size_t v = 0; v < bound_.plans.size(); ++v) {
      const std::size_t first = nodes_.size();
      for (const Phase& phase : bound_.plans[v]->phases) {
        PhaseNode node;
        node.vertex = v;
        for (const PhaseInput& input : phase.inputs) {
          node.inputs.push_back(resolve(v, first, firsts, input));
          ++nodes_[node.inputs.back().from].readers;
        }
        node.phase = phase;
        nodes_.push_back(std::move(node));
      }
      firsts.push_back(first);
    }
  }

  PhaseEdge resolve(std::size_t vertex, std::size_t first, const std::vector<std::size_t>& firsts,
                    const PhaseInput& input) const {
    PhaseEdge edge;
    const auto index = static_cast<std::size_t>(input.index);
    edge.own = input.origin == PhaseInput::Origin::phase;
    if (edge.own) {
      ENSURE(first + index < nodes_.size(), "a phase of '{}' reads a later one",
             graph_.vertices[vertex].id);
      edge.from = first + index;
      edge.port = input.port;
    } else {
      const std::size_t producer = bound_.producers[vertex].at(index);
      const auto port = bound_.plans[producer]->port(graph_.vertices[vertex].inputs[index].port);
      ENSURE(port, "'{}' reads an output that is not there", graph_.vertices[vertex].id);
      edge.from = firsts.at(producer) + static_cast<std::size_t>(port->phase);
      edge.port = port->port;
    }
    edge.exchange = input.exchange;
    edge.keys = input.keys;
    edge.waits = input.blocking;
    edge.may_be_early = input.may_be_early;
    return edge;
  }

  /// The parallelism that the vertex asks for; else its producers', if it could be fused with them;
  /// else the job's.
  std::uint32_t parallelism_of(const PhaseNode& node) const {
    const JobVertex& vertex = graph_.vertices[node.vertex];
    std::uint32_t wanted = graph_.settings.parallelism.value_or(target_.parallelism);
    std::optional<std::uint32_t> inherited;
    bool own = false;
    bool alike = true;
    for (const PhaseEdge& edge : node.inputs) {
      if (edge.exchange == ExchangeKind::gather) return 1;
      if (edge.exchange != ExchangeKind::forward) continue;
      alike = alike &&
              inherited.value_or(nodes_[edge.from].parallelism) == nodes_[edge.from].parallelism;
      inherited = nodes_[edge.from].parallelism;
      own = own || edge.own;
    }
    // Phases of one operator that a forward edge joins keep one parallelism, also if the vertex
    // asks for another: else the edge would become an exchange.
    wanted = inherited && alike ? *inherited : std::min(wanted, of_use(node));
    if (vertex.parallelism && !own) wanted = std::min(*vertex.parallelism, of_use(node));
    wanted = std::min(wanted, node.phase.parallelism_max.value_or(wanted));
    return std::clamp<std::uint32_t>(wanted, 1, key_groups_default);
  }

  /// The number of subtasks that the rows of a phase can keep busy; no limit if the number of rows
  /// is unknown. An exchange has a channel for each pair of subtasks: at 1024 subtasks, a million
  /// of them for a few rows.
  std::uint32_t of_use(const PhaseNode& node) const {
    std::int64_t rows = 0;
    const std::vector<std::size_t>& inputs = bound_.producers[node.vertex];
    for (const std::size_t vertex : inputs.empty() ? std::vector{node.vertex} : inputs) {
      const auto& known = bound_.plans[vertex]->rows;
      if (!known) return key_groups_default;
      rows = std::max(rows, *known);
    }
    const std::int64_t busy = rows / rows_of_a_subtask;
    return static_cast<std::uint32_t>(
        std::clamp<std::int64_t>(busy, subtasks_for_any_rows, key_groups_default));
  }

  void settle(PhaseEdge& edge, const PhaseNode& node) const {
    const std::uint32_t from = nodes_[edge.from].parallelism;
    if (edge.exchange == ExchangeKind::forward) {
      // A forward edge is not kept, even if its consumer waits: subtasks restart pair by pair.
      if (from == node.parallelism) return;
      edge.exchange = node.parallelism == 1 ? ExchangeKind::gather : ExchangeKind::rebalance;
    }
    edge.kept = edge.waits && target_.keep_blocking_edges;
    // Between two single subtasks there is nothing to exchange. But a range producer calls
    // `emit_to`, which needs an exchange.
    const bool alone = from == 1 && node.parallelism == 1;
    if (alone && !edge.kept && edge.exchange != ExchangeKind::range) {
      edge.exchange = ExchangeKind::forward;
      edge.keys.clear();
    }
  }

  /// True if the phase runs in its producer's stage. The producer must have no other reader and no
  /// other output: a chain has one way through.
  bool fused(const PhaseNode& node) const {
    if (node.inputs.size() != 1) return false;
    const PhaseEdge& edge = node.inputs.front();
    const PhaseNode& producer = nodes_[edge.from];
    return edge.exchange == ExchangeKind::forward && !edge.kept && producer.readers == 1 &&
           producer.phase.outputs.size() == 1;
  }

  void place(PhaseNode& node) {
    if (fused(node)) {
      node.stage = nodes_[node.inputs.front().from].stage;
    } else {
      node.stage = static_cast<std::uint32_t>(tasks_.stages.size());
      Stage stage;
      stage.id = StageId(node.stage);
      stage.parallelism = node.parallelism;
      tasks_.stages.push_back(std::move(stage));
    }
    tasks_.stages[node.stage].chain.push_back({graph_.vertices[node.vertex].id, node.phase});
  }

  void connect() {
    for (const PhaseNode& node : nodes_) {
      if (fused(node)) continue;
      for (std::size_t i = 0; i < node.inputs.size(); ++i) {
        const PhaseEdge& from = node.inputs[i];
        const auto port = static_cast<std::size_t>(from.port);
        TaskEdge edge;
        edge.from = StageId(nodes_[from.from].stage);
        edge.from_port = from.port;
        edge.to = StageId(node.stage);
        edge.to_input = static_cast<int>(i);
        edge.exchange = from.exchange;
        edge.keys = from.keys;
        edge.blocking = from.kept;
        edge.flow = nodes_[from.from].phase.flow(from.port);
        edge.schema = with_hidden(nodes_[from.from].phase.outputs.at(port), edge.flow);
        tasks_.edges.push_back(std::move(edge));
        // In a cluster it is kept: then its reader restarts alone.
        inputs_.push_back({.waits = from.waits,
                           .may_be_early = from.may_be_early && !target_.keep_blocking_edges});
      }
    }
  }

  const JobGraph& graph_;
  BoundGraph bound_;
  const PlanTarget& target_;
  std::vector<PhaseNode> nodes_;
  TaskGraph tasks_;
  std::vector<EdgeEnd> inputs_;  ///< by edge
};

}  // namespace

Result<TaskGraph> plan_tasks(const JobGraph& graph, const OperatorRegistry& registry,
                             const PlanTarget& target) {
  ENSURE(target.parallelism > 0, "a plan for a cluster without slots");
  TRY(well_formed(graph));
  const BoundGraph bound = plan_vertices(graph, registry, target.parallelism);
  if (!bound.ok()) return bound.errors.front();
  // The tables of a stream end, and it goes on: they are regions of their own, also in one process.
  const bool keep = target.keep_blocking_edges || graph.settings.mode == JobMode::streaming;
  TaskGraph tasks = TaskPlanner(graph, bound, {target.parallelism, keep}).run();
  // An edge that was kept against a jam may split a region so that it would wait for itself.
  if (keep || TaskTopology::make(tasks)) return tasks;
  return TaskPlanner(graph, bound, {target.parallelism, true}).run();
}

}  // namespace troupe
