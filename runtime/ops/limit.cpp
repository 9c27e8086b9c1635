#include "runtime/operator/operator_kind.hpp"
#include "runtime/ops/limit_operator.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace troupe {
namespace {

class LimitKind final : public OperatorKind {
 public:
  const OperatorDescription& description() const override { return description_; }

  Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>& inputs,
                            const PlanContext&) const override {
    const std::int64_t rows = options.integer("rows");
    const std::int64_t offset = options.integer("offset");
    const PlanInput& input = inputs.front();

    // Each subtask passes on no more than the whole could need; one subtask then counts exactly.
    Phase local;
    local.name = "limit.local";
    local.inputs = {PhaseInput{}};
    local.outputs = {input.schema};
    local.make_operator = [rows, offset]() -> Result<std::unique_ptr<Operator>> {
      return std::make_unique<LimitOperator>(rows + offset, 0);
    };
    Phase final_phase = local;
    final_phase.name = "limit.final";
    final_phase.inputs = {
        PhaseInput{.origin = PhaseInput::Origin::phase, .exchange = ExchangeKind::gather}};
    final_phase.parallelism_max = 1;
    final_phase.detail = offset == 0 ? fmt::format("{} rows", rows)
                                     : fmt::format("{} rows after the first {}", rows, offset);
    final_phase.make_operator = [rows, offset]() -> Result<std::unique_ptr<Operator>> {
      return std::make_unique<LimitOperator>(rows, offset);
    };

    OperatorPlan plan;
    plan.phases = {std::move(local), std::move(final_phase)};
    plan.rows = input.rows ? std::clamp<std::int64_t>(*input.rows - offset, 0, rows) : rows;
    plan.needs = [](const std::vector<int>& output) {
      return std::vector<std::vector<int>>{output};
    };
    return plan;
  }

 private:
  const OperatorDescription description_ = {
      .name = "limit",
      .summary = "Passes on the first rows and ends the job's work on the others early.",
      .parameters = {{.name = "rows",
                      .type = ParameterType::integer,
                      .help = "How many rows to pass on.",
                      .required = true,
                      .min = 0,
                      .max = 1e15},
                     {.name = "offset",
                      .type = ParameterType::integer,
                      .help = "How many rows to drop before them.",
                      .default_value = "0",
                      .min = 0,
                      .max = 1e15}},
      .example = "op: limit\nfrom: flights\nwith: {rows: 1000}\n",
      .notes =
          "After `sort` these are the first rows in its order. Otherwise the number of rows is "
          "exact, but which rows they are is not defined.",
  };
};

}  // namespace

void register_limit(OperatorRegistry& registry) { registry.add(std::make_unique<LimitKind>()); }

}  // namespace troupe
