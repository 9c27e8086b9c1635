#include "runtime/base/json.hpp"
#include "runtime/base/json_text.hpp"
#include "runtime/connectors/generated_rows.hpp"
#include "runtime/data/take.hpp"
#include "runtime/expr/expression_set.hpp"
#include "runtime/operator/operator_kind.hpp"
#include "runtime/operator/source.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <utility>

namespace troupe {
namespace {

/// The rows that columns are computed of: their numbers, from 0.
const SchemaPtr& row_numbers() {
  static const SchemaPtr schema = arrow::schema({arrow::field("n", arrow::int64())});
  return schema;
}

Batch numbers_in(const RowRange& rows) {
  std::vector<std::int64_t> numbers;
  numbers.reserve(static_cast<std::size_t>(rows.count()));
  for (std::int64_t n = rows.from; n < rows.to; n += rows.step) numbers.push_back(n);
  auto column = std::make_shared<arrow::Int64Array>(rows.count(),
                                                    arrow::Buffer::FromVector(std::move(numbers)));
  return Batch(arrow::RecordBatch::Make(row_numbers(), rows.count(), {std::move(column)}));
}

/// What a column is called, and what its values are.
struct GeneratedColumns {
  GeneratedColumns(SchemaPtr names, std::vector<Expression> expressions)
      : schema(std::move(names)), values(std::move(expressions)), together(values) {}

  const SchemaPtr schema;
  const std::vector<Expression> values;
  const ExpressionSet together;
};

Result<Batch> compute(const GeneratedColumns& columns, const RowRange& rows) {
  const Batch numbers = numbers_in(rows);  // the values refer to it
  ExpressionSet::Values values(columns.together, numbers);
  std::vector<std::shared_ptr<arrow::Array>> made;
  for (const Expression& value : columns.values) {
    made.push_back(TRY(plain(TRY(values.of(value)))));
  }
  return Batch(arrow::RecordBatch::Make(columns.schema, rows.count(), std::move(made)));
}

class DatagenKind final : public OperatorKind {
 public:
  const OperatorDescription& description() const override { return description_; }

  Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>&,
                            const PlanContext& context) const override {
    const auto columns = TRY(bind(options, context));
    const GeneratedRows rows = TRY(GeneratedRows::of(options, context));
    return plan_generated("datagen", columns->schema, rows,
                          [columns](const RowRange& of) { return compute(*columns, of); });
  }

 private:
  /// The columns that somebody needs; all are checked.
  static Result<std::shared_ptr<const GeneratedColumns>> bind(const Options& options,
                                                              const PlanContext& context) {
    arrow::FieldVector fields;
    std::vector<Expression> values;
    for (const NamedText& column : options.named("columns")) {
      auto value = Expression::bind(column.text, row_numbers());
      if (!value) return value.error().at("columns." + column.name);
      const auto& needed = context.projection;
      if (needed && std::find(needed->begin(), needed->end(), column.name) == needed->end()) {
        continue;
      }
      fields.push_back(arrow::field(column.name, value->type()));
      values.push_back(*std::move(value));
    }
    return std::make_shared<const GeneratedColumns>(arrow::schema(std::move(fields)),
                                                    std::move(values));
  }

  const OperatorDescription description_ = {
      .name = "datagen",
      .summary = "Makes rows: each column is an SQL expression over the number of the row.",
      .role = OperatorRole::source,
      .inputs_min = 0,
      .inputs_max = 0,
      .parameters = {GeneratedRows::count_parameter(),
                     GeneratedRows::rate_parameter(),
                     {.name = "columns",
                      .type = ParameterType::expressions,
                      .help = "From the name of a column to its value, an expression over `n`, the "
                              "number of the row: 0, 1, 2... (bigint).",
                      .required = true}},
      .example = R"yaml(transfers:
  op: datagen
  with:
    rows: 1000000
    columns:
      id: n
      account: abs(hash64(n) % 10000)
      amount: (abs(hash64(n, 1) % 100000) * 0.01)::numeric(12,2)
      at: TIMESTAMP '2026-01-01' + n * INTERVAL '1 second'
)yaml",
      .notes =
          "The same rows each time, whatever the parallelism and whoever computes them again "
          "after a failure. `hash64(n, SEED)` is as good as a random number: take one seed "
          "a column. In a stream subtask i of p makes the rows i, i + p, i + 2p..., so an event "
          "time "
          "made of `n` goes forward in all of them alike. Its position is how many it has made; a "
          "restart makes none of them again.",
      .guarantee = Guarantee::exactly_once,
  };
};

}  // namespace

void register_datagen(OperatorRegistry& registry) { registry.add(std::make_unique<DatagenKind>()); }

}  // namespace troupe
