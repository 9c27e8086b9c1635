#include "runtime/graph/explain.hpp"

#include "runtime/base/json.hpp"
#include "runtime/graph/bound_graph.hpp"
#include "runtime/graph/task_topology.hpp"
#include "runtime/graph/told_columns.hpp"

#include <arrow/type.h>

#include <algorithm>

namespace troupe {
namespace {

Json header(const JobGraph& graph, const char* level) {
  return {{"job", graph.name.value()}, {"level", level}, {"hash", plan_hash(graph)}};
}

std::string reference(const JobInput& input) {
  return input.port.empty() ? input.from : fmt::format("{}.{}", input.from, input.port);
}

Json vertex_json(const JobVertex& vertex) {
  Json told = {{"id", vertex.id}, {"op", vertex.op}};
  for (const JobInput& input : vertex.inputs) told["from"].push_back(reference(input));
  if (!vertex.with->empty()) told["with"] = *vertex.with;
  if (vertex.parallelism) told["parallelism"] = *vertex.parallelism;
  if (vertex.event_time) told["event_time"] = vertex.event_time->value;
  return told;
}

Json columns_json(const arrow::Schema& schema) {
  Json columns = Json::array();
  for (const auto& field : schema.fields()) {
    columns.push_back({{"name", field->name()}, {"type", field->type()->ToString()}});
  }
  return columns;
}

Json names(const std::vector<int>& keys, const arrow::Schema& schema) {
  Json told = Json::array();
  for (const int key : keys) told.push_back(schema.field(key)->name());
  return told;
}

/// The columns and rows that a source reads, after push-down.
void add_pushed(Json& told, const JobVertex& vertex) {
  if (!vertex.inputs.empty()) return;
  const int all = vertex.resolved ? vertex.resolved->num_fields() : 0;
  if (vertex.projection) {
    told["reads"] = *vertex.projection;
    told["of_columns"] = all;
  }
  if (!vertex.predicate.empty()) told["predicate"] = vertex.predicate;
}

Json phase_json(const Phase& phase, const std::vector<SchemaPtr>& inputs,
                const OperatorPlan& plan) {
  Json told = {{"name", phase.name}};
  if (!phase.detail.empty()) told["detail"] = phase.detail;
  if (phase.parallelism_max) told["parallelism_max"] = *phase.parallelism_max;
  for (const PhaseInput& input : phase.inputs) {
    const bool own = input.origin == PhaseInput::Origin::phase;
    const auto index = static_cast<std::size_t>(input.index);
    const SchemaPtr& schema =
        own ? plan.phases[index].outputs[static_cast<std::size_t>(input.port)] : inputs[index];
    Json from = {{own ? "phase" : "input", input.index}, {"exchange", to_string(input.exchange)}};
    if (!input.keys.empty()) from["keys"] = names(input.keys, *schema);
    if (input.blocking) from["waits_for_all"] = true;
    told["inputs"].push_back(std::move(from));
  }
  return told;
}

Json plan_json(const JobGraph& graph, const BoundGraph& bound) {
  Json told = header(graph, "plan");
  for (std::size_t v = 0; v < graph.vertices.size(); ++v) {
    const JobVertex& vertex = graph.vertices[v];
    const OperatorPlan& plan = *bound.plans[v];
    Json one = vertex_json(vertex);
    add_pushed(one, vertex);
    if (plan.rows) one["rows"] = *plan.rows;
    if (plan.rows && plan.rows_at_most) one["rows_at_most"] = true;
    if (plan.bytes) one["bytes"] = *plan.bytes;
    if (!plan.phases.back().outputs.empty()) one["columns"] = columns_json(*plan.output());
    if (plan.phases.back().flow(0) != Flow()) one["flow"] = to_string(plan.phases.back().flow(0));
    std::vector<SchemaPtr> inputs;
    for (std::size_t i = 0; i < vertex.inputs.size(); ++i) {
      const OperatorPlan& producer = *bound.plans[bound.producers[v][i]];
      const PlanPort port = *producer.port(vertex.inputs[i].port);
      const Phase& phase = producer.phases[static_cast<std::size_t>(port.phase)];
      inputs.push_back(phase.outputs[static_cast<std::size_t>(port.port)]);
    }
    for (const Phase& phase : plan.phases) one["phases"].push_back(phase_json(phase, inputs, plan));
    told["operators"].push_back(std::move(one));
  }
  return told;
}

Json edge_json(const TaskGraph& tasks, const TaskEdge& edge) {
  Json told = {{"stage", edge.from.value()}, {"exchange", to_string(edge.exchange)}};
  if (!edge.keys.empty()) told["keys"] = names(edge.keys, *edge.schema);
  told["shuffled"] = edge.exchange != ExchangeKind::forward;
  told["kept_on_disk"] = edge.blocking;
  if (edge.flow != Flow()) told["flow"] = to_string(edge.flow);
  if (edge.early) told["held"] = true;
  const auto columns = told_columns(tasks, edge);
  if (!columns.empty()) told["tells_needed"] = columns;
  return told;
}

bool waits(const Phase& phase) {
  return std::any_of(phase.inputs.begin(), phase.inputs.end(),
                     [](const PhaseInput& input) { return input.blocking; });
}

Json link_json(const ChainLink& link, const JobGraph& graph) {
  Json told = {{"id", link.vertex}, {"phase", link.phase.name}};
  if (!link.phase.detail.empty()) told["detail"] = link.phase.detail;
  if (link.phase.make_source) add_pushed(told, *graph.find(link.vertex));
  if (waits(link.phase)) told["state"] = "holds what it needs of its input until the input ends";
  return told;
}

Json tasks_json(const JobGraph& graph, const TaskTopology& topology) {
  const TaskGraph& tasks = topology.graph();
  Json told = header(graph, "tasks");
  std::uint32_t total = 0;
  for (const Stage& stage : tasks.stages) {
    Json one = {{"stage", stage.id.value()},
                {"subtasks", stage.parallelism},
                {"regions", topology.regions_of(stage.id)}};
    for (const TaskEdge& edge : tasks.edges) {
      if (edge.to == stage.id) one["inputs"].push_back(edge_json(tasks, edge));
    }
    for (const ChainLink& link : stage.chain) one["chain"].push_back(link_json(link, graph));
    told["stages"].push_back(std::move(one));
    total += stage.parallelism;
  }
  told["tasks"] = total;
  return told;
}

}  // namespace

Result<ExplainLevel> parse_explain_level(std::string_view word) {
  if (word == "descriptor") return ExplainLevel::descriptor;
  if (word == "plan") return ExplainLevel::plan;
  if (word == "tasks") return ExplainLevel::tasks;
  return make_error(ErrorCode::invalid_argument, "no level '{}': descriptor, plan or tasks", word);
}

Result<Json> explain(const JobGraph& graph, const OperatorRegistry& registry,
                     const PlanTarget& target, ExplainLevel level) {
  if (level == ExplainLevel::descriptor) {
    Json told = header(graph, "descriptor");
    for (const JobVertex& vertex : graph.vertices) {
      told["operators"].push_back(vertex_json(vertex));
    }
    return told;
  }
  if (level == ExplainLevel::tasks) {
    return tasks_json(graph, TRY(TaskTopology::make(TRY(plan_tasks(graph, registry, target)))));
  }
  const BoundGraph bound = plan_vertices(graph, registry, target.parallelism);
  if (!bound.ok()) return bound.errors.front();
  return plan_json(graph, bound);
}

}  // namespace troupe
