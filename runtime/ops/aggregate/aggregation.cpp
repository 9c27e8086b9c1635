#include "runtime/ops/aggregate/aggregation.hpp"

#include "runtime/ops/aggregate/grouper.hpp"

#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace troupe {

namespace {

using Kinds = std::vector<AccumulatorKind>;

/// What a call is made of, for an argument of that type; count last, where there is one.
Result<Kinds> kinds_of(const AggregateCall& call, const std::shared_ptr<arrow::DataType>& type) {
  using enum AccumulatorKind;
  const bool integer = type && arrow::is_integer(type->id());
  const bool decimal = type && type->id() == arrow::Type::DECIMAL128;
  const AccumulatorKind sum = integer ? integer_sum : decimal ? decimal_sum : float_sum;
  const bool number =
      integer || decimal ||
      (type && (type->id() == arrow::Type::FLOAT || type->id() == arrow::Type::DOUBLE));
  switch (call.function) {
    case AggregateFunction::count_rows:
    case AggregateFunction::count:
      return Kinds{count};
    case AggregateFunction::percentile:
    case AggregateFunction::text_joined:
      return Kinds{list};
    case AggregateFunction::count_distinct:
      return Kinds{distinct};
    case AggregateFunction::min:
      return Kinds{min};
    case AggregateFunction::max:
      return Kinds{max};
    case AggregateFunction::sum:
    case AggregateFunction::avg:
      if (number && call.distinct) return Kinds{distinct_sums};
      if (number) return Kinds{sum, count};
      break;
    case AggregateFunction::stddev:
    case AggregateFunction::stddev_pop:
    case AggregateFunction::var_samp:
    case AggregateFunction::var_pop:
      if (number && !decimal && call.distinct) return Kinds{distinct_sums};
      if (number && !decimal) return Kinds{sum, integer ? integer_squares : float_squares, count};
      break;
  }
  return make_error(ErrorCode::unsupported, "no sum of values of type {}", type->ToString());
}

/// Equality of expressions, by the function that knows it.
bool same_input(const Aggregation::Input& a, const Aggregation::Input& b) {
  const auto call = [](const Aggregation::Input& input) {
    return AggregateCall{
        .function = AggregateFunction::count, .argument = input.argument, .filter = input.filter};
  };
  return same_call(call(a), call(b));
}

std::size_t input_of(Aggregation& plan, const AggregateCall& call) {
  const Aggregation::Input wanted{call.argument, call.filter};
  const auto found = std::find_if(plan.inputs.begin(), plan.inputs.end(),
                                  [&](const auto& input) { return same_input(input, wanted); });
  if (found != plan.inputs.end()) return found - plan.inputs.begin();
  plan.inputs.push_back(wanted);
  return plan.inputs.size() - 1;
}

std::size_t part_of(Aggregation& plan, const Aggregation::Part& wanted) {
  for (std::size_t i = 0; i < plan.parts.size(); ++i) {
    if (plan.parts[i].kind == wanted.kind && plan.parts[i].input == wanted.input) return i;
  }
  plan.parts.push_back(wanted);
  return plan.parts.size() - 1;
}

Result<> take_apart(Aggregation& plan, const AggregateCall& call) {
  const auto type = call.argument ? logical_type(call.argument->type()) : nullptr;
  const std::size_t input = input_of(plan, call);
  std::vector<std::size_t> parts;
  for (AccumulatorKind kind : TRY(kinds_of(call, type))) {
    parts.push_back(part_of(plan, {kind, input, type}));
  }
  plan.parts_of_calls.push_back(std::move(parts));
  return {};
}

/// What is computed of the input's rows: keys, arguments and filters.
std::vector<Expression> expressions_read(const Aggregation& plan) {
  std::vector<Expression> read = plan.select.key_values;
  for (const Aggregation::Input& input : plan.inputs) {
    if (input.argument) read.push_back(*input.argument);
    if (input.filter) read.push_back(*input.filter);
  }
  return read;
}

Phase partial_phase(const std::string& name, const std::shared_ptr<const Aggregation>& plan) {
  Phase phase;
  phase.name = name + ".partial";
  phase.inputs = {PhaseInput{}};
  phase.outputs = {plan->partial};
  phase.make_operator = [plan] { return make_partial_aggregate(plan); };
  return phase;
}

Phase final_phase(const std::string& name, const std::shared_ptr<const Aggregation>& plan) {
  PhaseInput input{.origin = PhaseInput::Origin::phase, .blocking = true};
  Phase phase;
  phase.name = name + ".final";
  if (plan->key_count() == 0) {
    input.exchange = ExchangeKind::gather;
    phase.parallelism_max = 1;
  } else {
    input.exchange = ExchangeKind::hash;
    for (std::size_t i = 0; i < plan->key_count(); ++i) input.keys.push_back(static_cast<int>(i));
  }
  phase.inputs = {std::move(input)};
  phase.outputs = {plan->select.output};
  phase.make_operator = [plan, name = phase.name] { return make_final_aggregate(plan, name); };
  return phase;
}

}  // namespace

Result<std::shared_ptr<const Aggregation>> Aggregation::make(AggregateSelect select, bool counted) {
  auto plan = std::make_shared<Aggregation>();
  plan->select = std::move(select);
  std::vector<std::shared_ptr<arrow::DataType>> key_types;
  for (std::size_t i = 0; i < plan->key_count(); ++i) {
    key_types.push_back(logical_type(plan->select.keys->field(static_cast<int>(i))->type()));
  }
  TRY(Grouper::make(key_types));
  for (const AggregateCall& call : plan->select.calls) TRY(take_apart(*plan, call));
  if (counted) {
    const AggregateCall rows{.function = AggregateFunction::count_rows};
    plan->rows_part = part_of(*plan, {AccumulatorKind::count, input_of(*plan, rows), nullptr});
  }
  plan->read_together = std::make_shared<const ExpressionSet>(expressions_read(*plan));

  arrow::FieldVector fields = plan->select.keys->fields();
  for (const Part& part : plan->parts) {
    const auto accumulator = TRY(Accumulator::make(part.kind, part.type));
    fields.push_back(arrow::field(fmt::format("#{}.{}", part.input, to_string(part.kind)),
                                  accumulator->state_type()));
  }
  plan->partial = arrow::schema(std::move(fields));
  return std::shared_ptr<const Aggregation>(std::move(plan));
}

std::vector<NamedText> texts_of(const Options& options, const std::string& parameter) {
  return options.has(parameter) ? options.named(parameter) : std::vector<NamedText>();
}

std::string detail_of(const std::vector<NamedText>& group_by,
                      const std::vector<NamedText>& select) {
  std::vector<std::string> keys, values;
  for (const NamedText& key : group_by) keys.push_back(key.name);
  for (const NamedText& value : select) {
    values.push_back(fmt::format("{}: {}", value.name, value.text));
  }
  const std::string what = fmt::format("{}", fmt::join(values, ", "));
  if (keys.empty()) return what;
  return fmt::format("group by {}{}{}", fmt::join(keys, ", "), what.empty() ? "" : ": ", what);
}

std::vector<int> columns_read(const Aggregation& plan) {
  std::set<int> columns;
  for (const Expression& expression : expressions_read(plan)) {
    columns.insert(expression.columns().begin(), expression.columns().end());
  }
  return {columns.begin(), columns.end()};
}

OperatorPlan plan_aggregation(const std::string& name, std::shared_ptr<const Aggregation> plan,
                              const PlanInput& input, std::string detail) {
  OperatorPlan planned;
  planned.phases = {partial_phase(name, plan), final_phase(name, plan)};
  planned.phases.back().detail = std::move(detail);
  if (plan->key_count() == 0) planned.rows = 1;
  // How many groups there are nobody knows; that there are no more than rows everybody does.
  if (plan->key_count() > 0) planned.rows = input.rows;
  planned.needs = [columns = columns_read(*plan)](const std::vector<int>&) {
    return std::vector<std::vector<int>>{columns};
  };
  return planned;
}

}  // namespace troupe
