#include "runtime/ops/aggregate/aggregation.hpp"

namespace troupe {
namespace {

class AggregateKind final : public OperatorKind {
 public:
  const OperatorDescription& description() const override { return description_; }

  Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>& inputs,
                            const PlanContext&) const override {
    const std::vector<NamedText> group_by = texts_of(options, "group_by");
    const std::vector<NamedText> select = texts_of(options, "select");
    if (group_by.empty() && select.empty()) {
      return make_error(ErrorCode::invalid_argument, "give 'group_by', 'select' or both");
    }
    const PlanInput& input = inputs.front();
    const std::string detail = detail_of(group_by, select);
    if (input.flow.stream) {
      return plan_stream_aggregation("aggregate", group_by, select, input, detail);
    }
    AggregateSelect bound = TRY(bind_aggregates(group_by, select, input.schema));
    OperatorPlan plan =
        plan_aggregation("aggregate", TRY(Aggregation::make(std::move(bound))), input, detail);
    plan.take_off_hidden(inputs);
    return plan;
  }

 private:
  const OperatorDescription description_ = {
      .name = "aggregate",
      .summary = "Groups rows by key and computes one row for each group.",
      .parameters = {{.name = "group_by",
                      .type = ParameterType::expressions,
                      .help = "The key: a list of columns, or a map from names to SQL "
                              "expressions. Without it, all rows are one group."},
                     {.name = "select",
                      .type = ParameterType::aggregates,
                      .help = "What to compute: a map from names to SQL expressions over count, "
                              "sum, min, max, avg, stddev, variance, bool_and, bool_or, any_value, "
                              "median, percentile_cont and string_agg, with DISTINCT and FILTER."}},
      .example =
          "op: aggregate\nfrom: flights\nwith:\n  group_by: [carrier]\n"
          "  select: {flights: count(*), late: avg(delay)}\n",
      .notes =
          "Nulls are one group. Sums of integers and decimals are exact or an error; sums, "
          "averages and deviations of floats are computed exactly and rounded once, so they "
          "do not depend on the number of tasks or nodes. 'median', 'percentile_cont' and "
          "'string_agg' hold all values of a group in memory. Without 'group_by' there is one "
          "row even if there is no input. Over a stream, groups that have a column of a window in "
          "their key are put out once, when the window has ended; others are put out again and "
          "again, and their last row is taken back each time.",
      .streams = true,
      .changes = true,
  };
};

}  // namespace

void register_aggregate(OperatorRegistry& registry) {
  registry.add(std::make_unique<AggregateKind>());
}

}  // namespace troupe
