#include "runtime/ops/sort/sort_plan.hpp"

#include <algorithm>
#include <set>

namespace troupe {
namespace {

class SortKind final : public OperatorKind {
 public:
  const OperatorDescription& description() const override { return description_; }

  Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>& inputs,
                            const PlanContext& context) const override {
    const PlanInput& input = inputs.front();
    auto terms = TRY(bind_order_terms(options.list("by"), input.schema, "by"));
    std::optional<std::int64_t> limit;
    if (options.has("limit")) limit = options.integer("limit");

    OperatorPlan plan;
    plan.rows = input.rows;
    plan.bytes = input.bytes;
    if (limit) {
      plan.rows = std::min(*limit, input.rows.value_or(*limit));
      plan.bytes = std::nullopt;
    }
    plan.needs = [read = columns_read(terms)](const std::vector<int>& output) {
      std::set<int> needed = read;
      needed.insert(output.begin(), output.end());
      return std::vector<std::vector<int>>{{needed.begin(), needed.end()}};
    };
    plan.phases = sort_phases(std::move(terms), limit, input, context);
    return plan;
  }

 private:
  const OperatorDescription description_ = {
      .name = "sort",
      .summary = "Puts all rows in order, or keeps the first of them.",
      .parameters = {{.name = "by",
                      .type = ParameterType::order,
                      .help = "What to order by, most significant first: columns or expressions, "
                              "each with `asc` or `desc` and `nulls first` or `nulls last`.",
                      .required = true},
                     {.name = "limit",
                      .type = ParameterType::integer,
                      .help = "Only the first so many rows in this order.",
                      .min = 1,
                      .max = 1e15}},
      .example =
          "op: sort\n"
          "from: flights\n"
          "with: {by: [delay desc nulls last, distance], limit: 100}\n",
      .notes =
          "As in PostgreSQL, nulls come last in ascending and first in descending order, NaN "
          "comes after all numbers, and text is ordered by its bytes. Rows with equal keys "
          "come in any order. Files written after a sort are in order from part to part.",
  };
};

}  // namespace

void register_sort(OperatorRegistry& registry) { registry.add(std::make_unique<SortKind>()); }

}  // namespace troupe
