#include "runtime/base/json.hpp"
#include "runtime/connectors/row_values.hpp"
#include "runtime/data/arrow_result.hpp"
#include "runtime/operator/operator_kind.hpp"
#include "runtime/operator/source.hpp"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <utility>

namespace troupe {
namespace {

class ValuesReader final : public BatchReader {
 public:
  explicit ValuesReader(std::shared_ptr<arrow::RecordBatch> rows) : rows_(std::move(rows)) {}

  Result<Batch> next() override {
    if (at_ >= rows_->num_rows()) return Batch();
    const std::int64_t count = std::min(batch_rows_max, rows_->num_rows() - at_);
    Batch batch(rows_->Slice(at_, count));
    at_ += count;
    return batch;
  }

 private:
  std::shared_ptr<arrow::RecordBatch> rows_;
  std::int64_t at_ = 0;
};

/// One split: the rows keep their order.
class ValuesSource final : public Source {
 public:
  explicit ValuesSource(std::shared_ptr<arrow::RecordBatch> rows) : rows_(std::move(rows)) {}

  Result<std::vector<Split>> splits(std::uint32_t) override {
    return std::vector<Split>{{"{}", Batch(rows_).bytes(), rows_->num_rows()}};
  }
  Result<std::unique_ptr<BatchReader>> open(const Split&) override {
    return std::make_unique<ValuesReader>(rows_);
  }

 private:
  const std::shared_ptr<arrow::RecordBatch> rows_;
};

Result<std::shared_ptr<arrow::RecordBatch>> projected(
    const std::shared_ptr<arrow::RecordBatch>& rows, const PlanContext& context) {
  if (!context.projection) return rows;
  std::vector<int> columns;
  for (const std::string& name : *context.projection) {
    columns.push_back(rows->schema()->GetFieldIndex(name));
    if (columns.back() < 0) return make_error(ErrorCode::invalid_argument, "no column '{}'", name);
  }
  return arrow_try(rows->SelectColumns(columns));
}

class ValuesKind final : public OperatorKind {
 public:
  const OperatorDescription& description() const override { return description_; }

  Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>&,
                            const PlanContext& context) const override {
    const std::vector<NamedText> types =
        options.has("types") ? options.named("types") : std::vector<NamedText>();
    const Batch all = TRY(batch_of_rows(options.rows("rows"), types));
    if (all.columns()->num_columns() == 0) {
      return make_error(ErrorCode::invalid_argument, "there is no column: give a row, or 'types'")
          .at("rows");
    }
    const auto rows = TRY(projected(all.columns(), context));
    OperatorPlan plan;
    plan.rows = rows->num_rows();
    plan.bytes = Batch(rows).bytes();
    Phase phase{"values", {}, {rows->schema()}};
    phase.detail = fmt::format("{} rows", rows->num_rows());
    phase.parallelism_max = 1;
    phase.make_source = [rows]() -> Result<std::shared_ptr<Source>> {
      return std::make_shared<ValuesSource>(rows);
    };
    plan.phases = {std::move(phase)};
    return plan;
  }

 private:
  const OperatorDescription description_ = {
      .name = "values",
      .summary = "Rows that are written in the descriptor itself.",
      .role = OperatorRole::source,
      .inputs_min = 0,
      .inputs_max = 0,
      .parameters =
          {{.name = "rows",
            .type = ParameterType::rows,
            .help = "A list of rows, each a map from column to value. What a row leaves out is "
                    "null.",
            .required = true},
           {.name = "types",
            .type = ParameterType::column_types,
            .help = "SQL types of columns. Not given: bigint, double precision, boolean or text, "
                    "whatever all values of the column are."}},
      .example = R"yaml(prices:
  op: values
  with:
    rows:
      - {item: tea, price: "3.20", since: "2026-01-01"}
      - {item: milk, price: "1.05"}
    types: {price: "numeric(10,2)", since: date}
)yaml",
      .notes =
          "For small tables that belong to the job, and for tests: `troupe test` gives its "
          "rows through it.",
      .guarantee = Guarantee::exactly_once,
  };
};

}  // namespace

void register_values(OperatorRegistry& registry) { registry.add(std::make_unique<ValuesKind>()); }

}  // namespace troupe
