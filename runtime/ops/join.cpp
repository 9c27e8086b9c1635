#include "runtime/operator/operator_kind.hpp"
#include "runtime/ops/join/join_operator.hpp"
#include "runtime/ops/join/join_plan.hpp"
#include "runtime/ops/join/stream_join.hpp"

#include <arrow/type.h>
#include <fmt/format.h>

#include <map>

namespace troupe {
namespace {

/// A right side up to this size is sent whole to every subtask of the left one, whose rows then
/// stay where they are.
constexpr std::int64_t broadcast_rows_max = 1'000'000;
constexpr std::int64_t broadcast_bytes_max = 64 << 20;

JoinType join_type(const std::string& word) {
  static const std::map<std::string, JoinType> types = {
      {"inner", JoinType::inner}, {"left", JoinType::left}, {"right", JoinType::right},
      {"full", JoinType::full},   {"semi", JoinType::semi}, {"anti", JoinType::anti}};
  return types.at(word);
}

/// Rows of the right side that a row of the left side meets are taken to be about one.
std::optional<std::int64_t> estimate(JoinType type, const std::vector<PlanInput>& inputs) {
  if (type == JoinType::right) return inputs[1].rows;
  if (type != JoinType::full) return inputs[0].rows;
  if (!inputs[0].rows || !inputs[1].rows) return std::nullopt;
  return *inputs[0].rows + *inputs[1].rows;
}

class JoinKind final : public OperatorKind {
 public:
  const OperatorDescription& description() const override { return description_; }

  Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>& inputs,
                            const PlanContext& context) const override {
    const SchemaPtr& left = inputs[0].schema;
    const SchemaPtr& right = inputs[1].schema;
    TRY(check_flows(options, inputs));
    const auto pairs = TRY(bind_join_keys(options, left, right));
    const bool streams = inputs[1].flow.stream;
    const Flow left_flow = inputs[0].flow.stream ? inputs[0].flow : Flow();
    auto spec = std::make_shared<JoinSpec>();
    spec->type = join_type(options.text("type"));

    OperatorPlan plan;
    const auto [left_side, right_side, output] =
        TRY(prepare_join(*spec, inputs, {left_flow, streams ? inputs[1].flow : Flow()}, pairs,
                         options, context, plan.phases));
    if (streams) {
      plan.phases.push_back(
          TRY(stream_join_phase(spec, {left_side, right_side}, {inputs[0], inputs[1]}, pairs, {})));
      plan.phases.back().detail =
          fmt::format("{}, {}", options.text("type"), join_keys_text(options));
    } else {
      const bool broadcast = TRY(broadcasts(options, *spec, inputs, context));
      plan.phases.push_back(table_phase(spec, left_side, right_side,
                                        with_columns(left_flow, *spec->schema), broadcast));
      plan.phases.back().detail =
          fmt::format("{}, {}, {}", options.text("type"), broadcast ? "broadcast" : "hash",
                      join_keys_text(options));
    }
    if (!left_flow.stream) plan.take_off_hidden(inputs);
    plan.rows = estimate(spec->type, inputs);
    plan.needs = needs_of_join(output, pairs);
    return plan;
  }

 private:
  /// Streams meet streams, and tables to their right.
  static Result<> check_flows(const Options& options, const std::vector<PlanInput>& inputs) {
    const bool left = inputs[0].flow.stream, right = inputs[1].flow.stream;
    const std::string strategy = options.text("strategy");
    if (left && strategy == "broadcast") {
      return make_error(ErrorCode::unsupported, "a join of a stream is not broadcast")
          .at("strategy");
    }
    if (left == right) return {};
    if (right) {
      Error error =
          make_error(ErrorCode::unsupported,
                     "a join reads all of its right input first, and this stream goes on");
      error.hint = "exchange the two: from: [stream, table]";
      return error;
    }
    const JoinType type = join_type(options.text("type"));
    if (type != JoinType::right && type != JoinType::full) return {};
    Error error = make_error(ErrorCode::unsupported,
                             "a {} join of a stream with a table never knows which rows of the "
                             "table have no partner",
                             options.text("type"));
    error.hint = "take inner, left, semi or anti";
    return error.at("type");
  }

  /// The right side is a table, held in memory; so is a left one, or it is a stream of that flow.
  static Phase table_phase(const std::shared_ptr<JoinSpec>& spec, const JoinSide& left,
                           const JoinSide& right, const Flow& flow, bool broadcast) {
    Phase phase;
    phase.name = "join";
    phase.inputs = {left.from, right.from};
    phase.inputs[0].exchange = broadcast ? ExchangeKind::forward : ExchangeKind::hash;
    phase.inputs[1].exchange = broadcast ? ExchangeKind::broadcast : ExchangeKind::hash;
    if (!broadcast) {
      phase.inputs[0].keys = spec->left_keys;
      phase.inputs[1].keys = spec->right_keys;
    }
    phase.inputs[1].blocking = true;
    phase.inputs[0].may_be_early = !flow.stream;
    phase.outputs = {spec->schema};
    if (flow.stream) {
      phase.flows = {flow};
      phase.state = JoinOperator::tables(*spec);
      spec->stream = true;
      for (int i = 0; i < hidden_columns(flow); ++i) {
        spec->columns.push_back({.from_left = true, .index = left.schema->num_fields() + i});
      }
      spec->schema = with_hidden(spec->schema, flow);
    }
    phase.make_operator =
        [spec = std::shared_ptr<const JoinSpec>(spec)]() -> Result<std::unique_ptr<Operator>> {
      return std::make_unique<JoinOperator>(spec);
    };
    return phase;
  }

  /// Whether every subtask gets the whole right side. A row of it may then be without a partner in
  /// one subtask and have one in another, so joins that keep those rows are never broadcast.
  static Result<bool> broadcasts(const Options& options, const JoinSpec& spec,
                                 const std::vector<PlanInput>& inputs, const PlanContext& context) {
    const std::string strategy = options.text("strategy");
    const PlanInput& right = inputs[1];
    // By key, the table is state of its subtasks as any other.
    if (inputs[0].flow.stream) return false;
    if (strategy == "broadcast" && spec.keeps_right()) {
      return make_error(
                 ErrorCode::invalid_argument,
                 "a {} join cannot be broadcast: no subtask alone knows which rows of the right "
                 "input have no partner",
                 options.text("type"))
          .at("strategy");
    }
    if (strategy != "auto" || spec.keeps_right()) return strategy == "broadcast";
    if (context.parallelism == 1) return true;
    return right.rows && *right.rows <= broadcast_rows_max &&
           right.bytes.value_or(0) <= broadcast_bytes_max;
  }

  const OperatorDescription description_ = {
      .name = "join",
      .summary = "Joins two inputs, left and right, on equal keys.",
      .inputs_min = 2,
      .inputs_max = 2,
      .parameters =
          [] {
            std::vector<Parameter> parameters = join_key_parameters();
            parameters.push_back(
                {.name = "type",
                 .type = ParameterType::choice,
                 .help = "Which rows without a partner are kept. `semi` and `anti` give the left "
                         "rows that have or have not a partner, once each, without columns of the "
                         "right.",
                 .default_value = "\"inner\"",
                 .choices = {"inner", "left", "right", "full", "semi", "anti"}});
            parameters.push_back(join_suffix_parameter());
            parameters.push_back(
                {.name = "strategy",
                 .type = ParameterType::choice,
                 .help = "`broadcast` sends the whole right input to every subtask, `hash` sends "
                         "both inputs by key. `auto` broadcasts where the right input is known to "
                         "have at most 1,000,000 rows and 64 MiB.",
                 .default_value = "\"auto\"",
                 .choices = {"auto", "broadcast", "hash"}});
            return parameters;
          }(),
      .example =
          "op: join\n"
          "from: [flights, airlines]\n"
          "with: {using: [carrier], type: left}\n",
      .notes =
          "The right input is held in memory and goes to disk where the memory of the job "
          "does not suffice: let it be the smaller one. Null keys never match; -0 equals 0 "
          "and NaN equals NaN, as in PostgreSQL. A stream joins a table to its right, which is "
          "read first, or another stream. Where a key is a column of windows of the same length "
          "on both sides, two streams are joined window by window; else each keeps all its rows, "
          "and rows that leave without a partner are taken back when one comes. See "
          "`join.interval` for rows that are near in time.",
      .streams = true,
      .changes = true,
  };
};

}  // namespace

void register_join(OperatorRegistry& registry) { registry.add(std::make_unique<JoinKind>()); }

}  // namespace troupe
