#include "runtime/ops/aggregate/aggregation.hpp"
#include "runtime/ops/aggregate/updating_aggregate.hpp"
#include "runtime/ops/window/window_plan.hpp"

#include <arrow/type.h>

#include <algorithm>

namespace troupe {
namespace {

bool by_window(const AggregateSelect& select, const PlanInput& input) {
  return std::ranges::any_of(select.key_values, [&](const Expression& key) {
    const int column = key.as_column();
    return column >= 0 && find_window(input.flow, input.schema->field(column)->name()) != nullptr;
  });
}

Phase partial_phase(const std::string& name,
                    const std::shared_ptr<const UpdatingAggregation>& plan) {
  Phase phase;
  phase.name = name + ".partial";
  phase.inputs = {PhaseInput{}};
  phase.outputs = {plan->all->partial};
  phase.flows = {{.stream = true, .changes = plan->from_changes}};
  phase.make_operator = [plan] {
    return plan->from_changes ? make_states_of_rows(plan) : make_partial_aggregate(plan->all);
  };
  return phase;
}

Phase update_phase(const std::string& name,
                   const std::shared_ptr<const UpdatingAggregation>& plan) {
  PhaseInput input{.origin = PhaseInput::Origin::phase};
  Phase phase;
  phase.name = name + ".update";
  input.exchange = plan->keys.empty() ? ExchangeKind::gather : ExchangeKind::hash;
  if (plan->keys.empty()) phase.parallelism_max = 1;
  input.keys = plan->keys;
  phase.inputs = {std::move(input)};
  phase.outputs = {plan->all->select.output};
  phase.flows = {{.stream = true, .changes = plan->to_changes}};
  if (plan->to_changes) phase.flows.front().key = plan->all->select.keys->field_names();
  phase.state = {plan->groups};
  phase.state.insert(phase.state.end(), plan->values.begin(), plan->values.end());
  phase.make_operator = [plan] { return make_updating_aggregate(plan); };
  return phase;
}

}  // namespace

Result<OperatorPlan> plan_stream_aggregation(const std::string& name,
                                             const std::vector<NamedText>& group_by,
                                             const std::vector<NamedText>& select,
                                             const PlanInput& input, std::string detail) {
  AggregateSelect bound = TRY(bind_aggregates(group_by, select, input.schema));
  if (by_window(bound, input)) {
    return plan_groups_of_windows(name, group_by, select, input, std::move(detail));
  }
  const auto plan = TRY(UpdatingAggregation::make(std::move(bound), input.flow));
  OperatorPlan planned;
  planned.phases = {partial_phase(name, plan), update_phase(name, plan)};
  planned.phases.back().detail = std::move(detail);
  planned.needs = [columns = columns_read(*plan->all)](const std::vector<int>&) {
    return std::vector<std::vector<int>>{columns};
  };
  return planned;
}

}  // namespace troupe
