#include "runtime/base/json.hpp"
#include "runtime/base/near.hpp"
#include "runtime/graph/bound_graph.hpp"
#include "runtime/graph/graph_check.hpp"
#include "runtime/graph/output_check.hpp"
#include "runtime/graph/task_graph.hpp"

#include <arrow/type.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

namespace troupe {
namespace {

/// Plans one vertex after the other, in the order of the graph.
class VertexPlanner {
 public:
  VertexPlanner(const JobGraph& graph, const OperatorRegistry& registry, std::uint32_t parallelism)
      : graph_(graph),
        registry_(registry),
        parallelism_(graph.settings.parallelism.value_or(parallelism)) {
    bound_.plans.resize(graph.vertices.size());
    bound_.producers.resize(graph.vertices.size());
    bound_.consumers.resize(graph.vertices.size());
    for (const JobVertex& reader : graph.vertices) {
      for (const JobInput& input : reader.inputs) {
        if (!input.port.empty()) ports_read_[input.from].insert(input.port);
      }
    }
  }

  BoundGraph run() {
    for (std::size_t i = 0; i < graph_.vertices.size(); ++i) {
      connect(i);
      plan(i);
      places_.emplace(graph_.vertices[i].id, i);
    }
    return std::move(bound_);
  }

 private:
  void report(Error error) { bound_.errors.push_back(std::move(error)); }

  void connect(std::size_t index) {
    for (const JobInput& input : graph_.vertices[index].inputs) {
      const std::size_t producer = places_.at(input.from);
      bound_.producers[index].push_back(producer);
      bound_.consumers[producer].push_back(index);
    }
  }

  void plan(std::size_t index) {
    const JobVertex& vertex = graph_.vertices[index];
    const OperatorKind* kind = registry_.find(vertex.op);
    if (!kind) {
      return report(make_error(ErrorCode::not_found, "there is no operator kind '{}'", vertex.op)
                        .at(vertex.id + ".op"));
    }
    std::vector<Error> mistakes = Options::check(kind->description(), *vertex.with);
    for (Error& mistake : mistakes) report(mistake.at(vertex.id + ".with"));
    std::vector<PlanInput> inputs;
    if (!mistakes.empty() || !gather_inputs(index, *kind, inputs)) return;
    Result<OperatorPlan> plan = plan_one(vertex, *kind, inputs);
    if (!plan) return report(plan.error());
    bound_.plans[index] = *std::move(plan);
  }

  /// False if a producer is broken, or has no such output.
  bool gather_inputs(std::size_t index, const OperatorKind& kind, std::vector<PlanInput>& inputs) {
    const JobVertex& vertex = graph_.vertices[index];
    const OperatorDescription& told = kind.description();
    const int count = static_cast<int>(vertex.inputs.size());
    if (count < told.inputs_min || (told.inputs_max >= 0 && count > told.inputs_max)) {
      report(make_error(ErrorCode::invalid_argument, "'{}' cannot have {} inputs", vertex.op, count)
                 .at(vertex.id + ".from"));
      return false;
    }
    for (std::size_t i = 0; i < vertex.inputs.size(); ++i) {
      const std::optional<OperatorPlan>& plan = bound_.plans[bound_.producers[index][i]];
      if (!plan) return false;
      const std::string place = fmt::format("{}.from.{}", vertex.id, i);
      const std::optional<PlanPort> port = plan->port(vertex.inputs[i].port);
      if (!port) {
        report(make_error(ErrorCode::not_found, "'{}' has no output '{}'", vertex.inputs[i].from,
                          vertex.inputs[i].port)
                   .at(place));
        return false;
      }
      const Phase& phase = plan->phases[static_cast<std::size_t>(port->phase)];
      const Flow flow = phase.flow(port->port);
      if (told.role == OperatorRole::transform && flow.stream && !told.streams) {
        report(needs_tables(vertex, i).at(place));
        return false;
      }
      if (told.role == OperatorRole::transform && flow.changes && !told.changes) {
        report(needs_appends(vertex, i).at(place));
        return false;
      }
      inputs.push_back({phase.outputs[static_cast<std::size_t>(port->port)], plan->rows,
                        plan->bytes, plan->rows_at_most, flow, plan->endless});
    }
    return true;
  }

  static Error needs_tables(const JobVertex& vertex, std::size_t input) {
    Error error = make_error(ErrorCode::unsupported,
                             "'{}' needs all rows of its input, and the stream '{}' goes on",
                             vertex.op, vertex.inputs[input].from);
    error.hint = "`top` keeps the first rows of each key of a stream; else take mode batch";
    return error;
  }

  static Error needs_appends(const JobVertex& vertex, std::size_t input) {
    Error error = make_error(ErrorCode::unsupported,
                             "'{}' needs rows that stay as they are, and '{}' takes rows back",
                             vertex.op, vertex.inputs[input].from);
    error.hint =
        "group by the columns of a window before it, so that rows come once they are final; or "
        "make the weight of rows a column (op: changes)";
    return error;
  }

  /// The phases of a sink that takes no changes, behind those that wait until the stream has ended
  /// and hand over the rows that are left.
  Result<OperatorPlan> plan_sink(const OperatorKind& kind, const Options& options,
                                 std::vector<PlanInput> inputs, const PlanContext& context) {
    const OperatorKind* rows_left = registry_.find("materialize");
    ENSURE(rows_left, "no operator 'materialize' for a sink that takes no changes");
    OperatorPlan before = TRY(rows_left->plan(
        TRY(Options::make(rows_left->description(), Json::object())), inputs, context));
    inputs.front().schema = before.output();
    inputs.front().flow = before.phases.back().flow(0);
    OperatorPlan plan = TRY(kind.plan(options, inputs, context));
    const int moved = static_cast<int>(before.phases.size());
    for (Phase& phase : plan.phases) {
      for (PhaseInput& input : phase.inputs) {
        const bool first = input.origin == PhaseInput::Origin::input;
        input.origin = PhaseInput::Origin::phase;
        input.index = first ? moved - 1 : input.index + moved;
      }
    }
    plan.phases.insert(plan.phases.begin(), std::make_move_iterator(before.phases.begin()),
                       std::make_move_iterator(before.phases.end()));
    return plan;
  }

  Result<OperatorPlan> plan_kind(const OperatorKind& kind, const Options& options,
                                 const std::vector<PlanInput>& inputs, const PlanContext& context) {
    const OperatorDescription& told = kind.description();
    const bool sink = told.role == OperatorRole::sink;
    if (sink && inputs.front().flow.changes && !kind.takes_changes(options)) {
      return plan_sink(kind, options, inputs, context);
    }
    OperatorPlan plan = TRY(kind.plan(options, inputs, context));
    if (!told.streams) plan.take_off_hidden(inputs);
    return plan;
  }

  /// No column of a user has a name that a hidden one could have.
  static Result<> check_names(const OperatorPlan& plan) {
    if (plan.phases.back().outputs.empty()) return {};
    for (const std::string& name : plan.output()->field_names()) {
      if (!name.starts_with(hidden_prefix)) continue;
      Error error =
          make_error(ErrorCode::invalid_argument,
                     "a column cannot be called '{}': names with '#' in front are ours", name);
      error.hint = "give it another name in a select, or in the file";
      return error;
    }
    return {};
  }

  /// A source's rows get their event time; in a streaming job, that makes it a stream.
  Result<> add_event_time(const JobVertex& vertex, OperatorPlan& plan) const {
    const TimeSettings& wanted = *vertex.event_time;
    auto value = Expression::bind(wanted.value, plan.output());
    if (!value) return value.error().at("value");
    if (value->type()->id() != arrow::Type::TIMESTAMP) {
      Error error = make_error(ErrorCode::invalid_argument, "the event time is {}, not a timestamp",
                               value->type()->ToString());
      error.hint = "CAST it, or add to one: TIMESTAMP '1970-01-01' + ms * INTERVAL '1 millisecond'";
      return error.at("value");
    }
    Phase& phase = plan.phases.back();
    phase.event_time = std::make_shared<const EventTimePlan>(EventTimePlan{
        *value, std::chrono::duration_cast<EventTime::duration>(wanted.max_out_of_order),
        wanted.idle_after});
    phase.flows = {{.stream = graph_.settings.mode == JobMode::streaming, .timed = true}};
    return {};
  }

  Result<OperatorPlan> plan_one(const JobVertex& vertex, const OperatorKind& kind,
                                const std::vector<PlanInput>& inputs) {
    PlanContext context;
    context.parallelism = vertex.parallelism.value_or(parallelism_);
    context.projection = vertex.projection;
    context.predicate = vertex.predicate;
    const auto read = ports_read_.find(vertex.id);
    if (read != ports_read_.end()) context.ports_read = read->second;
    context.resolved = vertex.resolved;
    context.stream = vertex.event_time && graph_.settings.mode == JobMode::streaming;
    context.files = &registry_.files();
    const Result<Options> options = Options::make(kind.description(), *vertex.with);
    if (!options) return options.error().at(vertex.id + ".with");
    Result<OperatorPlan> plan = plan_kind(kind, *options, inputs, context);
    if (!plan) {
      const std::string place = plan.error().path.empty() ? ".from" : ".with";
      return plan.error().at(vertex.id + (inputs.empty() && place == ".from" ? "" : place));
    }
    // An estimate from a bound is a bound itself, whatever the operator says.
    ENSURE(!plan->phases.empty(), "'{}' plans no phase", vertex.op);
    for (const PlanInput& input : inputs) {
      plan->rows_at_most |= input.rows_at_most;
      plan->endless |= input.endless;
    }
    if (const Result<> named = check_names(*plan); !named) return named.error().at(vertex.id);
    if (vertex.event_time) {
      const Result<> timed = add_event_time(vertex, *plan);
      if (!timed) return timed.error().at(vertex.id + ".event_time");
    }
    return plan;
  }

  const JobGraph& graph_;
  const OperatorRegistry& registry_;
  const std::uint32_t parallelism_;
  std::map<std::string, std::size_t> places_;
  std::map<std::string, std::set<std::string>> ports_read_;  ///< by producer
  BoundGraph bound_;
};

}  // namespace

BoundGraph plan_vertices(const JobGraph& graph, const OperatorRegistry& registry,
                         std::uint32_t parallelism) {
  return VertexPlanner(graph, registry, parallelism).run();
}

std::vector<Error> bind(JobGraph& graph, const OperatorRegistry& registry,
                        const std::set<std::string>& whole) {
  if (const Result<> formed = well_formed(graph); !formed) return {formed.error()};
  // A graph may be bound twice. What an earlier push-down left must not narrow the schemas now.
  for (JobVertex& vertex : graph.vertices) {
    vertex.projection.reset();
    vertex.predicate.clear();
  }
  BoundGraph bound = plan_vertices(graph, registry, 1);
  for (std::size_t i = 0; i < graph.vertices.size(); ++i) {
    const bool source = graph.vertices[i].inputs.empty();
    // Kept in the graph, so that no node has to look at the files again, or finds other columns.
    if (source && bound.plans[i]) graph.vertices[i].resolved = bound.plans[i]->output();
  }
  for (Error& mistake : check_outputs_apart(registry.files(), graph, bound))
    bound.errors.push_back(mistake);
  if (bound.ok()) push_down(graph, bound, registry, whole);
  return std::move(bound.errors);
}

Result<std::map<std::string, SchemaPtr>> schemas_of(const JobGraph& graph,
                                                    const OperatorRegistry& registry) {
  TRY(well_formed(graph));
  const BoundGraph bound = plan_vertices(graph, registry, 1);
  if (!bound.ok()) return bound.errors.front();
  std::map<std::string, SchemaPtr> schemas;
  for (std::size_t i = 0; i < graph.vertices.size(); ++i) {
    const std::vector<SchemaPtr>& outputs = bound.plans[i]->phases.back().outputs;
    if (!outputs.empty()) schemas.emplace(graph.vertices[i].id, outputs.front());
  }
  return schemas;
}

}  // namespace troupe
