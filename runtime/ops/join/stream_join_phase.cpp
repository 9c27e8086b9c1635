#include "runtime/ops/join/stream_join.hpp"
#include "runtime/ops/join/window_join.hpp"

#include <arrow/type.h>

#include <algorithm>

namespace troupe {
namespace {

const WindowColumn* window_of(const PlanInput& input, const JoinKey& key) {
  if (key.column < 0) return nullptr;
  return find_window(input.flow, input.schema->field(key.column)->name());
}

/// Rows with the same key then have the same event time.
bool by_window(const std::vector<JoinKeyPair>& pairs, const std::array<PlanInput, 2>& inputs) {
  return std::ranges::any_of(pairs, [&](const JoinKeyPair& pair) {
    const WindowColumn* left = window_of(inputs[0], pair.left);
    const WindowColumn* right = window_of(inputs[1], pair.right);
    return left != nullptr && right != nullptr && left->to_time == right->to_time;
  });
}

Phase phase_of(const std::array<JoinSide, 2>& sides, const SchemaPtr& output) {
  Phase phase;
  for (const JoinSide& side : sides) {
    phase.inputs.push_back(side.from);
    phase.inputs.back().exchange = ExchangeKind::hash;
    phase.inputs.back().keys = side.keys;
  }
  phase.outputs = {output};
  return phase;
}

/// Columns of the left windows keep their names; the right ones are named where the columns are.
Flow flow_of_windows(const JoinSpec& join, const std::array<JoinSide, 2>& sides,
                     const std::array<PlanInput, 2>& inputs) {
  Flow flow{.stream = true, .timed = true};
  for (std::size_t i = 0; i < join.columns.size(); ++i) {
    const JoinSpec::Column& column = join.columns[i];
    const std::size_t side = column.from_left ? 0 : 1;
    // A row without a partner has null there.
    if (side == 0 ? join.keeps_right() && column.right_key < 0 : join.keeps_left()) continue;
    const auto& name = sides[side].schema->field(column.index)->name();
    const WindowColumn* window = find_window(inputs[side].flow, name);
    if (window == nullptr) continue;
    flow.windows.push_back({join.schema->field(static_cast<int>(i))->name(), window->to_time});
  }
  return flow;
}

Result<Phase> window_join_phase(std::shared_ptr<const JoinSpec> join,
                                const std::array<JoinSide, 2>& sides,
                                const std::array<PlanInput, 2>& inputs) {
  auto spec = std::make_shared<WindowJoinSpec>();
  Phase phase = phase_of(sides, join->schema);
  phase.name = "join.windows";
  phase.flows = {flow_of_windows(*join, sides, inputs)};
  spec->left = TRY(RowsByTime::table("left", sides[0].schema, sides[0].keys));
  spec->right = TRY(RowsByTime::table("right", sides[1].schema, sides[1].keys));
  spec->output = with_hidden(join->schema, phase.flows.front());
  spec->join = std::move(join);
  phase.state = {spec->left, spec->right};
  phase.make_operator = [spec] { return make_window_join(spec); };
  return phase;
}

}  // namespace

Result<Phase> stream_join_phase(std::shared_ptr<const JoinSpec> join,
                                const std::array<JoinSide, 2>& sides,
                                const std::array<PlanInput, 2>& inputs,
                                const std::vector<JoinKeyPair>& pairs,
                                std::optional<JoinInterval> interval) {
  if (!interval && by_window(pairs, inputs)) return window_join_phase(join, sides, inputs);
  const auto spec =
      TRY(StreamJoinSpec::make(join, sides, {inputs[0].flow, inputs[1].flow}, std::move(interval)));
  Phase phase = phase_of(sides, join->schema);
  phase.name = spec->interval ? "join.interval" : "join.streams";
  phase.flows = {spec->flow};
  phase.state = {spec->sides[0].table, spec->sides[1].table};
  phase.make_operator = [spec] { return make_stream_join(spec); };
  return phase;
}

}  // namespace troupe
