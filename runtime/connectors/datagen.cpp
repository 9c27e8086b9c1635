#include "runtime/base/json.hpp"
#include "runtime/base/json_text.hpp"
#include "runtime/data/take.hpp"
#include "runtime/expr/expression_set.hpp"
#include "runtime/operator/operator_kind.hpp"
#include "runtime/operator/source.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace troupe {
namespace {

/// Rows that are computed together: few enough for the cache.
constexpr std::int64_t rows_at_once = 16384;

/// Splits for each one that is wanted, so that subtasks of unequal speed end at the same time.
constexpr std::int64_t splits_each = 4;

/// The rows that columns are computed of: their numbers, from 0.
const SchemaPtr& row_numbers() {
  static const SchemaPtr schema = arrow::schema({arrow::field("n", arrow::int64())});
  return schema;
}

Batch numbers_from(std::int64_t first, std::int64_t count) {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), first);
  auto column =
      std::make_shared<arrow::Int64Array>(count, arrow::Buffer::FromVector(std::move(numbers)));
  return Batch(arrow::RecordBatch::Make(row_numbers(), count, {std::move(column)}));
}

/// What a column is called, and what its values are.
struct GeneratedColumns {
  GeneratedColumns(SchemaPtr names, std::vector<Expression> expressions)
      : schema(std::move(names)), values(std::move(expressions)), together(values) {}

  const SchemaPtr schema;
  const std::vector<Expression> values;
  const ExpressionSet together;
};

/// Rows [at, end).
class DatagenReader final : public BatchReader {
 public:
  DatagenReader(std::shared_ptr<const GeneratedColumns> columns, std::int64_t at, std::int64_t end)
      : columns_(std::move(columns)), at_(at), end_(end) {}

  Result<Batch> next() override {
    const std::int64_t count = std::min(rows_at_once, end_ - at_);
    if (count <= 0) return Batch();
    Result<Batch> rows = compute(numbers_from(at_, count));
    if (!rows) return rows.error().within(fmt::format("rows {} to {}", at_, at_ + count - 1));
    at_ += count;
    return rows;
  }

 private:
  Result<Batch> compute(const Batch& numbers) const {
    ExpressionSet::Values values(columns_->together, numbers);
    std::vector<std::shared_ptr<arrow::Array>> columns;
    for (const Expression& value : columns_->values) {
      columns.push_back(TRY(plain(TRY(values.of(value)))));
    }
    return Batch(arrow::RecordBatch::Make(columns_->schema, numbers.rows(), std::move(columns)));
  }

  const std::shared_ptr<const GeneratedColumns> columns_;
  std::int64_t at_;
  const std::int64_t end_;
};

/// Each split is a range of row numbers.
class DatagenSource final : public Source {
 public:
  DatagenSource(std::shared_ptr<const GeneratedColumns> columns, std::int64_t rows)
      : columns_(std::move(columns)), rows_(rows) {}

  Result<std::vector<Split>> splits(std::uint32_t wanted) override {
    const std::int64_t batches = (rows_ + rows_at_once - 1) / rows_at_once;
    const std::int64_t count = std::min(batches, wanted * splits_each);
    std::vector<Split> splits;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t from = batches * i / count * rows_at_once;
      const std::int64_t to = std::min(rows_, batches * (i + 1) / count * rows_at_once);
      Json detail = {{"from", from}, {"to", to}};
      splits.push_back({json_text(detail), to - from, to - from});
    }
    return splits;
  }

  Result<std::unique_ptr<BatchReader>> open(const Split& split) override {
    const Json detail = Json::parse(split.detail);
    return std::make_unique<DatagenReader>(columns_, detail.at("from").get<std::int64_t>(),
                                           detail.at("to").get<std::int64_t>());
  }

 private:
  const std::shared_ptr<const GeneratedColumns> columns_;
  const std::int64_t rows_;
};

class DatagenKind final : public OperatorKind {
 public:
  const OperatorDescription& description() const override { return description_; }

  Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>&,
                            const PlanContext& context) const override {
    const auto columns = TRY(bind(options, context));
    const std::int64_t rows = options.integer("rows");
    OperatorPlan plan;
    plan.rows = rows;
    Phase phase{"datagen", {}, {columns->schema}};
    phase.detail = fmt::format("{} rows", rows);
    phase.make_source = [columns, rows]() -> Result<std::shared_ptr<Source>> {
      return std::make_shared<DatagenSource>(columns, rows);
    };
    plan.phases = {std::move(phase)};
    return plan;
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
      .parameters = {{.name = "rows",
                      .type = ParameterType::integer,
                      .help = "How many.",
                      .required = true,
                      .min = 0,
                      .max = 1e15},
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
          "a column.",
      .guarantee = Guarantee::exactly_once,
  };
};

}  // namespace

void register_datagen(OperatorRegistry& registry) { registry.add(std::make_unique<DatagenKind>()); }

}  // namespace troupe
