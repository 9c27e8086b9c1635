#include "runtime/connectors/printed_rows.hpp"
#include "runtime/data/arrow_result.hpp"
#include "runtime/data/take.hpp"
#include "runtime/operator/operator_kind.hpp"
#include "runtime/operator/sink.hpp"

#include <arrow/array.h>
#include <arrow/compute/api_scalar.h>
#include <arrow/compute/api_vector.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <utility>

namespace troupe {
namespace {

struct PrintSettings {
  std::string title;
  std::int64_t limit = 0;
  std::vector<OrderTerm> order;
  SchemaPtr schema;
  bool stream = false;
};

/// Rows that wait to be ordered before the rest of them is dropped.
constexpr std::int64_t rows_before_cut = 65536;

/// The rows of a batch that come first, in order. Nulls are ordered by a column of their own, so
/// that each term places them as it says.
Result<Batch> first_rows(const Batch& batch, const PrintSettings& settings) {
  std::vector<std::shared_ptr<arrow::Array>> keys;
  std::vector<std::shared_ptr<arrow::Field>> fields;
  std::vector<arrow::compute::SortKey> by;
  const auto add = [&](std::shared_ptr<arrow::Array> key, bool descending) {
    const std::string name = std::to_string(keys.size());
    fields.push_back(arrow::field(name, key->type()));
    keys.push_back(std::move(key));
    by.emplace_back(name, descending ? arrow::compute::SortOrder::Descending
                                     : arrow::compute::SortOrder::Ascending);
  };
  for (const OrderTerm& term : settings.order) {
    const auto value = TRY(plain(TRY(term.value.evaluate(batch))));
    const auto nulls = TRY(arrow_try(arrow::compute::IsNull(value)));
    add(nulls.make_array(), term.nulls_first);
    add(value, term.descending);
  }
  const auto table =
      arrow::RecordBatch::Make(arrow::schema(std::move(fields)), batch.rows(), std::move(keys));
  const auto order =
      TRY(arrow_try(arrow::compute::SortIndices(table, arrow::compute::SortOptions(by))));
  const auto& indices = static_cast<const arrow::UInt64Array&>(*order);
  std::vector<std::uint32_t> rows;
  for (std::int64_t i = 0; i < std::min(settings.limit, batch.rows()); ++i) {
    rows.push_back(static_cast<std::uint32_t>(indices.Value(i)));
  }
  return take(batch, rows);
}

/// Keeps no more rows than it shows, give or take those that wait for a cut. Each epoch has its own
/// rows; one of a stream without rows shows nothing.
class PrintWriter final : public SinkWriter {
 public:
  explicit PrintWriter(std::shared_ptr<const PrintSettings> settings)
      : settings_(std::move(settings)) {}

  Result<> write(const Batch& batch) override {
    rows_in_all_ += batch.rows();
    if (settings_->order.empty()) return keep_first(batch);
    kept_.push_back(batch);
    kept_rows_ += batch.rows();
    return kept_rows_ > settings_->limit + rows_before_cut ? cut() : Result<>();
  }

  Result<std::vector<Committable>> prepare(Epoch) override {
    if (!settings_->order.empty()) TRY(cut());
    const std::int64_t count = std::exchange(rows_in_all_, 0);
    if (count == 0 && settings_->stream) return std::vector<Committable>();
    const Batch rows = TRY(all());
    kept_.clear();
    kept_rows_ = 0;
    std::string ipc = TRY(to_ipc(rows));
    const PrintedRows printed{settings_->title, count, std::move(ipc)};
    std::string detail = encode_printed(printed);
    if (detail.size() > committable_bytes_max) {
      Error error =
          make_error(ErrorCode::invalid_argument, "{} rows to print take {} bytes, more than {}",
                     rows.rows(), detail.size(), committable_bytes_max);
      error.hint = "lower `limit`, or write the rows to a file";
      return error;
    }
    return std::vector<Committable>{{std::move(detail), count}};
  }

 private:
  Result<> keep_first(const Batch& batch) {
    const std::int64_t wanted = std::min(settings_->limit - kept_rows_, batch.rows());
    if (wanted <= 0) return {};
    kept_.push_back(TRY(take(Batch(batch.columns()->Slice(0, wanted)), row_numbers(wanted))));
    kept_rows_ += wanted;
    return {};
  }

  /// A copy, so that a few rows do not keep a large batch alive.
  static std::vector<std::uint32_t> row_numbers(std::int64_t count) {
    std::vector<std::uint32_t> rows(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<std::uint32_t>(i);
    return rows;
  }

  Result<> cut() {
    if (kept_.empty()) return {};
    Batch first = TRY(first_rows(TRY(concat(kept_)), *settings_));
    kept_rows_ = first.rows();
    kept_ = {std::move(first)};
    return {};
  }

  Result<Batch> all() const {
    if (kept_.empty()) {
      return Batch(TRY(arrow_try(arrow::RecordBatch::MakeEmpty(settings_->schema))));
    }
    const Batch together = TRY(concat(kept_));
    std::vector<std::shared_ptr<arrow::Array>> columns;
    for (const auto& column : together.columns()->columns()) columns.push_back(TRY(plain(column)));
    return Batch(arrow::RecordBatch::Make(settings_->schema, together.rows(), std::move(columns)));
  }

  const std::shared_ptr<const PrintSettings> settings_;
  std::vector<Batch> kept_;
  std::int64_t kept_rows_ = 0;
  std::int64_t rows_in_all_ = 0;
};

/// The rows travel inside the committable, so making them visible is nothing more than the commit
/// of the run itself.
class PrintSink final : public Sink {
 public:
  explicit PrintSink(std::shared_ptr<const PrintSettings> settings)
      : settings_(std::move(settings)) {}

  Result<std::unique_ptr<SinkWriter>> open(const SinkContext&) override {
    return std::unique_ptr<SinkWriter>(std::make_unique<PrintWriter>(settings_));
  }
  Result<> commit(const SinkCommit&, const std::vector<Committable>&) override { return {}; }
  Result<> clean_up(const std::string&) override { return {}; }

 private:
  const std::shared_ptr<const PrintSettings> settings_;
};

class PrintKind final : public OperatorKind {
 public:
  const OperatorDescription& description() const override { return description_; }

  Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>& inputs,
                            const PlanContext&) const override {
    auto settings = std::make_shared<PrintSettings>();
    settings->title = options.has("title") ? options.text("title") : "";
    settings->limit = options.integer("limit");
    settings->schema = inputs.front().schema;
    settings->stream = inputs.front().flow.stream;
    if (options.has("order_by")) {
      const auto terms = options.list("order_by");
      for (std::size_t i = 0; i < terms.size(); ++i) {
        auto term = bind_order(terms[i], inputs.front().schema);
        if (!term) return term.error().at(fmt::format("order_by.{}", i));
        settings->order.push_back(std::move(*term));
      }
    }
    Phase phase;
    phase.name = "print";
    phase.inputs = {PhaseInput{.exchange = ExchangeKind::gather}};
    phase.outputs = {inputs.front().schema};
    phase.parallelism_max = 1;
    phase.detail = fmt::format("the first {} rows", settings->limit);
    phase.make_sink = [settings]() -> Result<std::shared_ptr<Sink>> {
      return std::shared_ptr<Sink>(std::make_shared<PrintSink>(settings));
    };
    OperatorPlan plan;
    plan.phases = {std::move(phase)};
    return plan;
  }

 private:
  const OperatorDescription description_ = {
      .name = "print",
      .summary = "Shows the first rows once they are committed.",
      .role = OperatorRole::sink,
      .parameters = {{.name = "title",
                      .type = ParameterType::text,
                      .help = "A line above the rows."},
                     {.name = "order_by",
                      .type = ParameterType::order,
                      .help = "Which rows come first; without it those that arrive first."},
                     {.name = "limit",
                      .type = ParameterType::integer,
                      .help = "Rows to show.",
                      .default_value = "20",
                      .min = 1,
                      .max = 10000}},
      .example = R"(show:
  op: print
  from: totals
  with: {order_by: [flights desc], limit: 10}
)",
      .notes =
          "The rows are kept with the run's metadata: at most 1 MiB of them. Of a stream each "
          "epoch shows its own, once it is committed.",
      .guarantee = Guarantee::exactly_once,
  };
};

}  // namespace

void register_print(OperatorRegistry& registry) { registry.add(std::make_unique<PrintKind>()); }

}  // namespace troupe
