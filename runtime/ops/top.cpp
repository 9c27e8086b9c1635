#include "runtime/ops/sort/first_rows.hpp"
#include "runtime/ops/sort/sort_plan.hpp"

namespace troupe {
namespace {

class TopKind final : public OperatorKind {
 public:
  const OperatorDescription& description() const override { return description_; }

  Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>& inputs,
                            const PlanContext&) const override {
    const PlanInput& input = inputs.front();
    auto order = TRY(bind_order_terms(options.list("order_by"), input.schema, "order_by"));
    return plan_first_rows({.key = options.list("key"),
                            .order = std::move(order),
                            .rows = options.integer("rows"),
                            .ties = options.boolean("ties"),
                            .rank = options.has("rank") ? options.text("rank") : ""},
                           input);
  }

 private:
  const OperatorDescription description_ = {
      .name = "top",
      .summary = "Keeps the first rows of each key, in an order.",
      .parameters = {{.name = "key",
                      .type = ParameterType::columns,
                      .help = "Rows with the same values here are ordered among themselves.",
                      .required = true},
                     {.name = "order_by",
                      .type = ParameterType::order,
                      .help = "Which rows of a key come first: columns or expressions, each with "
                              "`asc` or `desc` and `nulls first` or `nulls last`.",
                      .required = true},
                     {.name = "rows",
                      .type = ParameterType::integer,
                      .help = "How many of each key.",
                      .required = true,
                      .min = 1,
                      .max = 1e15},
                     {.name = "ties",
                      .type = ParameterType::boolean,
                      .help = "Rows that `order_by` cannot tell apart have the same rank, and none "
                              "of them is dropped for the others.",
                      .default_value = "false"},
                     {.name = "rank",
                      .type = ParameterType::text,
                      .help = "A new column (bigint) for the place of each row within its key, "
                              "from 1: SQL's rank() with `ties`, row_number() without."}},
      .example =
          "op: top\n"
          "from: flights\n"
          "with: {key: [origin], order_by: [delay desc nulls last], rows: 3, rank: place}\n",
      .notes =
          "Nulls of a key are equal to each other. Without `ties`, rows that `order_by` cannot "
          "tell apart are told apart by their other columns (but for nested ones), so the "
          "answer is always the same. The order of the output is not defined. For the first "
          "rows of all, take `sort` with a `limit`. Over a stream, the first rows of a window, "
          "where the key has a column of it, leave when it has ended; others leave as soon as "
          "they are first ones, and are taken back when they are no more.",
      .streams = true,
      .changes = true,
  };
};

}  // namespace

void register_top(OperatorRegistry& registry) { registry.add(std::make_unique<TopKind>()); }

}  // namespace troupe
