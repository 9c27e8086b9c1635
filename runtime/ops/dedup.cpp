#include "runtime/ops/sort/first_rows.hpp"
#include "runtime/ops/sort/sort_plan.hpp"

namespace troupe {
namespace {

class DedupKind final : public OperatorKind {
 public:
  const OperatorDescription& description() const override { return description_; }

  Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>& inputs,
                            const PlanContext&) const override {
    const PlanInput& input = inputs.front();
    auto order = TRY(bind_order_terms(options.list("order_by"), input.schema, "order_by"));
    if (options.text("keep") == "last") {
      for (OrderTerm& term : order) {
        term.descending = !term.descending;
        term.nulls_first = !term.nulls_first;
      }
    }
    return plan_first_rows({.key = options.list("key"), .order = std::move(order)}, input);
  }

 private:
  const OperatorDescription description_ = {
      .name = "dedup",
      .summary = "Keeps one row of each key: the first or the last one in an order.",
      .parameters = {{.name = "key",
                      .type = ParameterType::columns,
                      .help = "Rows with the same values here are one and the same thing.",
                      .required = true},
                     {.name = "order_by",
                      .type = ParameterType::order,
                      .help = "In which order they came, such as a time: columns or expressions, "
                              "each with `asc` or `desc` and `nulls first` or `nulls last`.",
                      .required = true},
                     {.name = "keep",
                      .type = ParameterType::choice,
                      .help = "Which one stays.",
                      .default_value = R"("first")",
                      .choices = {"first", "last"}}},
      .example =
          "op: dedup\n"
          "from: orders\n"
          "with: {key: [order_id], order_by: [updated_at], keep: last}\n",
      .notes =
          "Nulls of a key are equal to each other. Rows that `order_by` cannot tell apart are "
          "told apart by their other columns (but for nested ones), so the answer is always "
          "the same. Rows that are equal in all columns: `distinct`. More than one row a "
          "key: `top`. Over a stream, a row leaves as soon as it is the one, and is taken back "
          "when another one is; where the key has a column of a window, it leaves when that has "
          "ended.",
      .streams = true,
      .changes = true,
  };
};

}  // namespace

void register_dedup(OperatorRegistry& registry) { registry.add(std::make_unique<DedupKind>()); }

}  // namespace troupe
