#include "runtime/base/near.hpp"
#include "runtime/expr/quoted_name.hpp"
#include "runtime/ops/aggregate/aggregation.hpp"

#include <arrow/type.h>
#include <fmt/format.h>

namespace troupe {
namespace {

Result<std::vector<NamedText>> wanted_columns(const Options& options, const arrow::Schema& input) {
  std::vector<NamedText> columns;
  const std::vector<std::string> names =
      options.has("columns") ? options.list("columns") : input.field_names();
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (input.GetFieldIndex(names[i]) < 0) {
      const Error error = unknown_column(fmt::format("there is no column '{}'", names[i]), names[i],
                                         input.field_names());
      return error.at(fmt::format("columns.{}", i));
    }
    columns.push_back({names[i], quoted_name(names[i])});
  }
  return columns;
}

/// Distinct rows are groups that nothing is computed of.
class DistinctKind final : public OperatorKind {
 public:
  const OperatorDescription& description() const override { return description_; }

  Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>& inputs,
                            const PlanContext&) const override {
    const SchemaPtr& schema = inputs.front().schema;
    const std::vector<NamedText> columns = TRY(wanted_columns(options, *schema));
    std::vector<std::string> names;
    for (const NamedText& column : columns) names.push_back(column.name);
    const std::string detail = fmt::format("{}", fmt::join(names, ", "));
    if (inputs.front().flow.stream) {
      return plan_stream_aggregation("distinct", columns, {}, inputs.front(), detail);
    }
    AggregateSelect bound = TRY(bind_aggregates(columns, {}, schema));
    OperatorPlan plan = plan_aggregation("distinct", TRY(Aggregation::make(std::move(bound))),
                                         inputs.front(), detail);
    plan.take_off_hidden(inputs);
    return plan;
  }

 private:
  const OperatorDescription description_ = {
      .name = "distinct",
      .summary = "Passes on each different row once.",
      .parameters = {{.name = "columns",
                      .type = ParameterType::columns,
                      .help = "Only these columns, and each different combination of them once. "
                              "Without it, all columns."}},
      .example = "op: distinct\nfrom: flights\nwith: {columns: [origin, destination]}\n",
      .notes =
          "Nulls are equal to each other. The order of the output is not defined. Over a stream, "
          "rows leave when they are seen first, without event time; with a column of a window, "
          "when that has ended.",
      .streams = true,
      .changes = true,
  };
};

}  // namespace

void register_distinct(OperatorRegistry& registry) {
  registry.add(std::make_unique<DistinctKind>());
}

}  // namespace troupe
