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

/// What the rows, or the values of one column, come to: sums, so that neither order nor batches
/// matter, and what is taken back was never there.
struct Sums {
  std::int64_t values = 0;  ///< that are not null; of whole rows: rows
  std::uint64_t hash = 0;
};

/// Sums as rows on their way to the only subtask: by column (0: of whole rows).
const SchemaPtr& partial_schema() {
  static const SchemaPtr schema =
      arrow::schema({arrow::field("column", arrow::int64()), arrow::field("values", arrow::int64()),
                     arrow::field("hash", arrow::uint64())});
  return schema;
}

Result<Batch> to_rows(const std::vector<Sums>& sums) {
  arrow::Int64Builder columns, values;
  arrow::UInt64Builder hashes;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    TRY(arrow_try(columns.Append(static_cast<std::int64_t>(i))));
    TRY(arrow_try(values.Append(sums[i].values)));
    TRY(arrow_try(hashes.Append(sums[i].hash)));
  }
  const auto column = TRY(arrow_try(columns.Finish()));
  const auto value = TRY(arrow_try(values.Finish()));
  const auto hash = TRY(arrow_try(hashes.Finish()));
  return Batch(arrow::RecordBatch::Make(partial_schema(), static_cast<std::int64_t>(sums.size()),
                                        {column, value, hash}));
}

void add_rows(const Batch& batch, std::vector<Sums>& sums) {
  const auto& columns = static_cast<const arrow::Int64Array&>(*batch.columns()->column(0));
  const auto& values = static_cast<const arrow::Int64Array&>(*batch.columns()->column(1));
  const auto& hashes = static_cast<const arrow::UInt64Array&>(*batch.columns()->column(2));
  for (std::int64_t row = 0; row < batch.rows(); ++row) {
    Sums& sum = sums[static_cast<std::size_t>(columns.Value(row))];
    sum.values += values.Value(row);
    sum.hash += hashes.Value(row);
  }
}

/// Sums up the rows of its subtask. They leave at each barrier, so it has no state.
class SumUp final : public Operator {
 public:
  SumUp(int columns, bool changes)
      : columns_(static_cast<std::size_t>(columns)),
        changes_(changes),
        sums_(static_cast<std::size_t>(columns) + 1) {
    std::iota(columns_.begin(), columns_.end(), 0);
  }

  Result<Step> process(int, const Batch& batch, Emitter&) override {
    TRY(hash_values(batch, columns_, values_));
    if (columns_.empty()) {
      TRY(hash_keys(batch, columns_, rows_));
    } else {
      hash_rows(values_, columns_.size(), rows_);
    }
    if (changes_) {
      const auto weights = weights_of(batch);
      add(batch, [&](std::size_t row) { return weights[row]; });
    } else {
      add(batch, [](std::size_t) { return std::int64_t{1}; });
    }
    return Step::done;
  }

  Result<Step> flush(Emitter& out) override {
    out.emit(TRY(to_rows(sums_)));
    sums_.assign(sums_.size(), Sums());
    return Step::done;
  }
  Result<Step> drain(Emitter& out) override { return flush(out); }

 private:
  template <class Weight>
  void add(const Batch& batch, Weight weight) {
    for (std::size_t row = 0; row < rows_.size(); ++row) {
      const auto times = static_cast<std::uint64_t>(weight(row));
      sums_.front().values += weight(row);
      sums_.front().hash += rows_[row] * times;
      const std::uint64_t* hashes = values_.data() + row * columns_.size();
      for (std::size_t c = 0; c < columns_.size(); ++c) sums_[c + 1].hash += hashes[c] * times;
    }
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      const arrow::Array& column = *batch.columns()->column(static_cast<int>(c));
      for (std::size_t row = 0; row < rows_.size(); ++row) {
        if (column.IsValid(static_cast<std::int64_t>(row))) sums_[c + 1].values += weight(row);
      }
    }
  }

  std::vector<int> columns_;
  const bool changes_;
  std::vector<Sums> sums_;
  std::vector<std::uint64_t> values_, rows_;  ///< hashes of a batch
};

/// Adds up the sums of all subtasks for one epoch: of whole rows, then of each column.
class ChecksumWriter final : public SinkWriter {
 public:
  ChecksumWriter(std::string title, SchemaPtr schema)
      : title_(std::move(title)),
        schema_(std::move(schema)),
        sums_(static_cast<std::size_t>(schema_->num_fields()) + 1) {}

  Result<> write(const Batch& batch) override {
    add_rows(batch, sums_);
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
  const std::string title_;
  const SchemaPtr schema_;
  std::vector<Sums> sums_;
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
    const std::string title = options.has("title") ? options.text("title") : "";
    OperatorPlan plan;
    plan.phases = {sum_up(schema, inputs.front().flow), show(title, schema)};
    return plan;
  }

 private:
  static Phase sum_up(const SchemaPtr& schema, const Flow& flow) {
    Phase phase;
    phase.name = "checksum.partial";
    phase.inputs = {PhaseInput{}};
    phase.outputs = {partial_schema()};
    phase.flows = {{.stream = flow.stream}};
    phase.detail = fmt::format("{} columns", schema->num_fields());
    phase.make_operator = [columns = schema->num_fields(),
                           changes = flow.changes]() -> Result<std::unique_ptr<Operator>> {
      return std::make_unique<SumUp>(columns, changes);
    };
    return phase;
  }

  static Phase show(const std::string& title, const SchemaPtr& schema) {
    Phase phase;
    phase.name = "checksum";
    phase.inputs = {
        PhaseInput{.origin = PhaseInput::Origin::phase, .exchange = ExchangeKind::gather}};
    phase.outputs = {schema};
    phase.parallelism_max = 1;
    phase.make_sink = [title, schema]() -> Result<std::shared_ptr<Sink>> {
      return std::shared_ptr<Sink>(std::make_shared<ChecksumSink>(title, schema));
    };
    return phase;
  }

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
          "all epochs add up, and rows that are taken back count against those that came.",
      .streams = true,
      .changes = true,
      .guarantee = Guarantee::exactly_once,
  };
};

}  // namespace

void register_checksum(OperatorRegistry& registry) {
  registry.add(std::make_unique<ChecksumKind>());
}

}  // namespace troupe
