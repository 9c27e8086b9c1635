#include "runtime/connectors/printed_rows.hpp"
#include "runtime/data/arrow_result.hpp"
#include "runtime/data/key_hash.hpp"
#include "runtime/operator/flow.hpp"
#include "runtime/operator/operator_kind.hpp"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <numeric>

namespace troupe {
namespace {

/// What rows, or one column of them, come to: sums, so that neither order nor batches matter, and
/// what is taken back was never there.
struct Sums {
  std::int64_t values = 0;  ///< that are not null; of whole rows: rows
  std::uint64_t hash = 0;

  void add(std::uint64_t value, std::int64_t weight, bool valid) {
    hash += value * static_cast<std::uint64_t>(weight);
    if (valid) values += weight;
  }
};

/// The sums of the rows of one epoch: of whole rows, then of each column.
class ChecksumWriter final : public SinkWriter {
 public:
  ChecksumWriter(std::string title, SchemaPtr schema)
      : title_(std::move(title)),
        schema_(std::move(schema)),
        sums_(static_cast<std::size_t>(schema_->num_fields()) + 1) {}

  Result<> write(const Batch& batch) override {
    std::vector<int> columns(static_cast<std::size_t>(schema_->num_fields()));
    std::iota(columns.begin(), columns.end(), 0);
    const std::int64_t* weights = weights_of(batch);
    TRY(add(batch, columns, weights, sums_.front()));
    for (const int column : columns) {
      TRY(add(batch, {column}, weights, sums_[static_cast<std::size_t>(column) + 1]));
    }
    return {};
  }

  Result<std::vector<Committable>> prepare(Epoch) override {
    arrow::StringBuilder names;
    arrow::Int64Builder values;
    arrow::StringBuilder hashes;
    for (std::size_t i = 0; i < sums_.size(); ++i) {
      const std::string name = i == 0 ? "*" : schema_->field(static_cast<int>(i) - 1)->name();
      TRY(arrow_try(names.Append(name)));
      TRY(arrow_try(values.Append(sums_[i].values)));
      TRY(arrow_try(hashes.Append(fmt::format("{:016x}", sums_[i].hash))));
    }
    const auto name_column = TRY(arrow_try(names.Finish()));
    const auto value_column = TRY(arrow_try(values.Finish()));
    const auto hash_column = TRY(arrow_try(hashes.Finish()));
    const auto table = arrow::RecordBatch::Make(
        arrow::schema({arrow::field("column", arrow::utf8()),
                       arrow::field("values", arrow::int64()),
                       arrow::field("checksum", arrow::utf8())}),
        static_cast<std::int64_t>(sums_.size()), {name_column, value_column, hash_column});
    std::string ipc = TRY(to_ipc(Batch(table)));
    const std::int64_t rows = sums_.front().values;
    const PrintedRows printed{title_, static_cast<std::int64_t>(sums_.size()), std::move(ipc)};
    sums_.assign(sums_.size(), Sums());
    return std::vector{Committable{.detail = encode_printed(printed), .rows = rows}};
  }

 private:
  /// Null where every row counts once.
  static const std::int64_t* weights_of(const Batch& batch) {
    const auto column = batch.columns()->GetColumnByName(weight_column);
    return column ? static_cast<const arrow::Int64Array&>(*column).raw_values() : nullptr;
  }

  Result<> add(const Batch& batch, const std::vector<int>& columns, const std::int64_t* weights,
               Sums& sums) {
    TRY(hash_keys(batch, columns, hashes_));
    const arrow::Array* one =
        columns.size() == 1 ? batch.columns()->column(columns.front()).get() : nullptr;
    for (std::int64_t row = 0; row < batch.rows(); ++row) {
      const bool valid = &sums == &sums_.front() || one == nullptr || one->IsValid(row);
      sums.add(hashes_[static_cast<std::size_t>(row)], weights ? weights[row] : 1, valid);
    }
    return {};
  }

  const std::string title_;
  const SchemaPtr schema_;
  std::vector<Sums> sums_;
  std::vector<std::uint64_t> hashes_;
};

/// The sums travel inside the committable, like what `print` shows.
class ChecksumSink final : public Sink {
 public:
  ChecksumSink(std::string title, SchemaPtr schema)
      : title_(std::move(title)), schema_(std::move(schema)) {}

  Result<std::unique_ptr<SinkWriter>> open(const SinkContext&) override {
    return std::unique_ptr<SinkWriter>(std::make_unique<ChecksumWriter>(title_, schema_));
  }
  Result<> commit(const SinkCommit&, const std::vector<Committable>&) override { return {}; }
  Result<> clean_up(const std::string&) override { return {}; }

 private:
  const std::string title_;
  const SchemaPtr schema_;
};

class ChecksumKind final : public OperatorKind {
 public:
  const OperatorDescription& description() const override { return description_; }

  Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>& inputs,
                            const PlanContext&) const override {
    const SchemaPtr schema = inputs.front().schema;
    for (const auto& field : schema->fields()) {
      if (!arrow::is_nested(field->type()->id())) continue;
      return make_error(ErrorCode::unsupported, "column '{}' is nested and has no checksum",
                        field->name());
    }
    Phase phase;
    phase.name = "checksum";
    phase.inputs = {PhaseInput{.exchange = ExchangeKind::gather}};
    phase.outputs = {schema};
    phase.parallelism_max = 1;
    phase.detail = fmt::format("{} columns", schema->num_fields());
    const std::string title = options.has("title") ? options.text("title") : "";
    phase.make_sink = [title, schema]() -> Result<std::shared_ptr<Sink>> {
      return std::shared_ptr<Sink>(std::make_shared<ChecksumSink>(title, schema));
    };
    OperatorPlan plan;
    plan.phases = {std::move(phase)};
    return plan;
  }

 private:
  const OperatorDescription description_ = {
      .name = "checksum",
      .summary = "Shows how many rows there were, and a checksum of each column.",
      .role = OperatorRole::sink,
      .parameters = {{.name = "title", .type = ParameterType::text, .help = "A line above it."}},
      .example = R"(check:
  op: checksum
  from: totals
)",
      .notes =
          "Neither the order of the rows nor their batches matter: a checksum is the sum modulo "
          "2^64 of xxh3_64 of the values (integers of all widths, and a float and a double of one "
          "value, are the same). The line `*` is of whole rows, and says how many there were; the "
          "others say how many values were not null. In a stream each epoch has its own; those of "
          "all epochs add up.",
  };
};

}  // namespace

void register_checksum(OperatorRegistry& registry) {
  registry.add(std::make_unique<ChecksumKind>());
}

}  // namespace troupe
