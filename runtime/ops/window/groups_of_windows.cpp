#include "runtime/ops/window/window_plan.hpp"
#include "runtime/ops/window/window_state.hpp"

#include <arrow/type.h>

namespace troupe {
namespace {

/// Each moment is a window of its own.
constexpr WindowSpan moment{.size = 1, .slide = 1, .slice = 1};

Phase assign_phase(const std::string& name, const SlicedAggregation& plan) {
  Phase phase;
  phase.name = name + ".assign";
  phase.inputs = {PhaseInput{}};
  phase.outputs = {plan.assigned};
  phase.flows = {{.stream = true}};
  phase.make_operator = [] { return make_assign_windows(moment, false); };
  return phase;
}

Phase partial_phase(const std::string& name, const SlicedAggregation& plan) {
  Phase phase;
  phase.name = name + ".partial";
  phase.inputs = {PhaseInput{.origin = PhaseInput::Origin::phase, .index = 0}};
  phase.outputs = {plan.by_slice->partial};
  phase.flows = {{.stream = true}};
  phase.make_operator = [by_slice = plan.by_slice] { return make_partial_aggregate(by_slice); };
  return phase;
}

Phase close_phase(const std::string& name, const SlicedAggregation& plan, const Flow& flow) {
  PhaseInput input{.origin = PhaseInput::Origin::phase, .index = 1, .exchange = ExchangeKind::hash};
  for (std::size_t i = 1; i <= plan.by_window->key_count(); ++i) {
    input.keys.push_back(static_cast<int>(i));  // the slice is in front
  }
  Phase phase;
  phase.name = name + ".close";
  phase.inputs = {std::move(input)};
  phase.outputs = {plan.by_window->select.output};
  phase.flows = {flow};
  phase.state = {slices_table(moment, plan.by_slice), closed_table()};
  phase.make_operator = [by_window = plan.by_window,
                         output = with_hidden(phase.outputs.front(), flow),
                         slices = phase.state.front()] {
    return make_close_windows(moment, by_window, output, false, slices);
  };
  return phase;
}

/// Window columns among the keys, by the names that they have now.
Flow flow_of(const Aggregation& plan, const PlanInput& input) {
  Flow flow = input.flow;
  flow.windows.clear();
  for (std::size_t i = 0; i < plan.key_count(); ++i) {
    const int column = plan.select.key_values[i].as_column();
    if (column < 0) continue;
    const WindowColumn* window = find_window(input.flow, input.schema->field(column)->name());
    if (window == nullptr) continue;
    flow.windows.push_back({plan.select.keys->field(static_cast<int>(i))->name(), window->to_time});
  }
  return flow;
}

}  // namespace

Result<SlicedAggregation> SlicedAggregation::make(std::vector<NamedText> keys,
                                                  const std::vector<NamedText>& select,
                                                  const SchemaPtr& input) {
  SlicedAggregation plan;
  plan.by_window = TRY(Aggregation::make(TRY(bind_aggregates(keys, select, input))));
  arrow::FieldVector fields = input->fields();
  fields.push_back(arrow::field(slice_column, arrow::timestamp(arrow::TimeUnit::MICRO), false));
  plan.assigned = arrow::schema(std::move(fields));
  keys.insert(keys.begin(), {slice_column, fmt::format("\"{}\"", slice_column)});
  plan.by_slice = TRY(Aggregation::make(TRY(bind_aggregates(keys, select, plan.assigned))));
  return plan;
}

Result<SlicedAggregation> SlicedAggregation::of_sessions(const std::vector<NamedText>& keys,
                                                         std::vector<NamedText> select,
                                                         const SchemaPtr& input) {
  select.push_back({"#first", fmt::format("min(\"{}\")", at_column)});
  select.push_back({"#last", fmt::format("max(\"{}\")", at_column)});
  arrow::FieldVector fields = input->fields();
  fields.push_back(arrow::field(at_column, arrow::timestamp(arrow::TimeUnit::MICRO), false));
  return make(keys, select, arrow::schema(std::move(fields)));
}

Result<OperatorPlan> plan_groups_of_windows(const std::string& name,
                                            const std::vector<NamedText>& group_by,
                                            const std::vector<NamedText>& select,
                                            const PlanInput& input, std::string detail) {
  const auto plan = TRY(SlicedAggregation::make(group_by, select, input.schema));
  OperatorPlan planned;
  planned.phases = {assign_phase(name, plan), partial_phase(name, plan),
                    close_phase(name, plan, flow_of(*plan.by_window, input))};
  planned.phases.back().detail = std::move(detail);
  planned.needs = [columns = columns_read(*plan.by_window)](const std::vector<int>&) {
    return std::vector<std::vector<int>>{columns};
  };
  return planned;
}

}  // namespace troupe
