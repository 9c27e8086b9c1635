#include "runtime/operator/operator_kind.hpp"
#include "runtime/ops/join/join_plan.hpp"
#include "runtime/ops/join/stream_join.hpp"

#include <arrow/type.h>
#include <fmt/format.h>

namespace troupe {
namespace {

Result<Expression> bind_bound(const Options& options, const char* name, const SchemaPtr& left) {
  auto bound = Expression::bind(options.text(name), left);
  if (!bound) return bound.error().at(name);
  const auto& type = *bound->type();
  if (type.id() == arrow::Type::TIMESTAMP &&
      static_cast<const arrow::TimestampType&>(type).unit() == arrow::TimeUnit::MICRO) {
    return *std::move(bound);
  }
  Error error = make_error(ErrorCode::invalid_argument, "'{}' is {}, and not a timestamp", name,
                           type.ToString());
  error.hint = "CAST it, or add to one: TIMESTAMP '1970-01-01' + ms * INTERVAL '1 millisecond'";
  return error.at(name);
}

Result<JoinInterval> bind_interval(const Options& options, const SchemaPtr& left) {
  const auto back = std::chrono::duration_cast<EventTime::duration>(options.duration("reach_back"));
  auto from = TRY(bind_bound(options, "from", left));
  auto to = TRY(bind_bound(options, "to", left));
  return JoinInterval{std::move(from), std::move(to), back.count()};
}

/// Both have an event time, and none takes rows back.
Result<> check_flows(const std::vector<PlanInput>& inputs) {
  for (std::size_t i = 0; i < 2; ++i) {
    const Flow& flow = inputs[i].flow;
    if (flow.timed && !flow.changes && flow.stream == inputs[0].flow.stream) continue;
    Error error = make_error(ErrorCode::invalid_argument,
                             "both inputs need event times, and rows that are not taken back: "
                             "input {} is a {}",
                             i + 1, to_string(flow));
    error.hint = "give their sources one: event_time: {value: <SQL>}";
    return error;
  }
  return {};
}

class JoinIntervalKind final : public OperatorKind {
 public:
  const OperatorDescription& description() const override { return description_; }

  Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>& inputs,
                            const PlanContext& context) const override {
    TRY(check_flows(inputs));
    const SchemaPtr& left = inputs[0].schema;
    const SchemaPtr& right = inputs[1].schema;
    const auto pairs = TRY(bind_join_keys(options, left, right));
    const JoinInterval interval = TRY(bind_interval(options, left));
    auto spec = std::make_shared<JoinSpec>();
    OperatorPlan plan;
    const auto [left_side, right_side, output] = TRY(prepare_join(
        *spec, inputs, {inputs[0].flow, inputs[1].flow}, pairs, options, context, plan.phases));
    plan.phases.push_back(TRY(
        stream_join_phase(spec, {left_side, right_side}, {inputs[0], inputs[1]}, pairs, interval)));
    plan.phases.back().detail = fmt::format("{}, from {} to {}", join_keys_text(options),
                                            interval.from.text(), interval.to.text());
    std::set<int> bounds(interval.from.columns().begin(), interval.from.columns().end());
    bounds.insert(interval.to.columns().begin(), interval.to.columns().end());
    plan.needs = needs_of_join(output, pairs, bounds);
    return plan;
  }

 private:
  const OperatorDescription description_ = {
      .name = "join.interval",
      .summary =
          "Joins two inputs on equal keys, where the right row's event time is in a span "
          "that the left row tells.",
      .inputs_min = 2,
      .inputs_max = 2,
      .parameters =
          [] {
            std::vector<Parameter> parameters = join_key_parameters();
            parameters.push_back({.name = "from",
                                  .type = ParameterType::expression,
                                  .help = "When the span begins: a timestamp over the columns of "
                                          "the left input. Both bounds are part of it.",
                                  .required = true});
            parameters.push_back({.name = "to",
                                  .type = ParameterType::expression,
                                  .help = "When it ends, likewise.",
                                  .required = true});
            parameters.push_back({.name = "reach_back",
                                  .type = ParameterType::duration,
                                  .help = "How far 'from' may lie before the event time of its "
                                          "row: so long are right rows kept. A row whose span "
                                          "begins earlier is an error.",
                                  .default_value = "\"0s\""});
            parameters.push_back(join_suffix_parameter());
            return parameters;
          }(),
      .example =
          "op: join.interval\nfrom: [auctions, bids]\nwith:\n  keys: {id: auction}\n"
          "  from: opened\n  to: expires\n",
      .notes =
          "Both inputs need event times (`event_time` of their sources). A row of the left "
          "input is kept until the watermark has passed its span, one of the right input "
          "until it has passed its time by 'reach_back'. The rows have the later one of both "
          "event times. Null keys and bounds match nothing.",
      .streams = true,
  };
};

}  // namespace

void register_join_interval(OperatorRegistry& registry) {
  registry.add(std::make_unique<JoinIntervalKind>());
}

}  // namespace troupe
