#include "tests/runtime/host/given_tables.hpp"

#include "runtime/operator/batch_reader.hpp"
#include "runtime/operator/source.hpp"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <utility>

namespace troupe {
namespace {

/// A batch a split; the columns that are asked for.
class GivenSource final : public Source {
 public:
  GivenSource(Table table, std::vector<std::string> columns)
      : table_(std::move(table)), columns_(std::move(columns)) {}

  Result<std::vector<Split>> splits(std::uint32_t) override {
    std::vector<Split> splits;
    for (std::size_t i = 0; i < table_.size(); ++i) splits.push_back({std::to_string(i), 1, 1});
    return splits;
  }

  Result<std::unique_ptr<BatchReader>> open(const Split& split) override {
    class Reader final : public BatchReader {
     public:
      explicit Reader(Batch batch) : batch_(std::move(batch)) {}
      Result<Batch> next() override { return std::exchange(batch_, Batch()); }

     private:
      Batch batch_;
    };
    const Batch& batch = table_.at(std::stoul(split.detail));
    arrow::FieldVector fields;
    std::vector<std::shared_ptr<arrow::Array>> columns;
    for (const std::string& name : columns_) {
      columns.push_back(batch.columns()->GetColumnByName(name));
      fields.push_back(batch.columns()->schema()->GetFieldByName(name));
    }
    return std::unique_ptr<BatchReader>(std::make_unique<Reader>(
        Batch(arrow::RecordBatch::Make(arrow::schema(fields), batch.rows(), columns))));
  }

 private:
  const Table table_;
  const std::vector<std::string> columns_;
};

class GivenKind final : public OperatorKind {
 public:
  GivenKind(const std::string& name, SchemaPtr schema, Table table)
      : description_{.name = name, .role = OperatorRole::source, .inputs_min = 0, .inputs_max = 0},
        schema_(std::move(schema)),
        table_(std::move(table)) {}
  const OperatorDescription& description() const override { return description_; }
  Result<OperatorPlan> plan(const Options&, const std::vector<PlanInput>&,
                            const PlanContext& context) const override {
    const auto names = context.projection.value_or(schema_->field_names());
    arrow::FieldVector fields;
    for (const auto& name : names) fields.push_back(schema_->GetFieldByName(name));
    Phase phase;
    phase.name = description_.name;
    phase.outputs = {arrow::schema(fields)};
    phase.make_source = [table = table_, names]() -> Result<std::shared_ptr<Source>> {
      return std::shared_ptr<Source>(std::make_shared<GivenSource>(table, names));
    };
    OperatorPlan plan;
    plan.phases = {std::move(phase)};
    return plan;
  }

 private:
  const OperatorDescription description_;
  const SchemaPtr schema_;
  const Table table_;
};

class CollectSink final : public Sink {
 public:
  explicit CollectSink(Collected& collected) : collected_(collected) {}
  Result<std::unique_ptr<SinkWriter>> open(const SinkContext& context) override {
    class Writer final : public SinkWriter {
     public:
      explicit Writer(Table& table) : table_(table) {}
      Result<> write(const Batch& batch) override {
        table_.push_back(batch);
        return {};
      }
      Result<std::vector<Committable>> prepare() override { return std::vector<Committable>(); }

     private:
      Table& table_;
    };
    return std::unique_ptr<SinkWriter>(
        std::make_unique<Writer>(collected_.by_subtask[context.subtask]));
  }
  Result<> commit(const std::string&, const std::vector<Committable>&) override { return {}; }
  Result<> clean_up(const std::string&) override { return {}; }

 private:
  Collected& collected_;
};

class CollectKind final : public OperatorKind {
 public:
  CollectKind(const std::string& name, Collected& collected)
      : description_{.name = name, .role = OperatorRole::sink}, collected_(collected) {}
  const OperatorDescription& description() const override { return description_; }
  Result<OperatorPlan> plan(const Options&, const std::vector<PlanInput>& inputs,
                            const PlanContext&) const override {
    Phase phase;
    phase.name = "collect";
    phase.inputs = {PhaseInput{}};
    phase.outputs = {inputs.front().schema};
    phase.make_sink = [this]() -> Result<std::shared_ptr<Sink>> {
      return std::shared_ptr<Sink>(std::make_shared<CollectSink>(collected_));
    };
    OperatorPlan plan;
    plan.phases = {std::move(phase)};
    return plan;
  }

 private:
  const OperatorDescription description_;
  Collected& collected_;
};

}  // namespace

std::unique_ptr<OperatorKind> given_kind(const std::string& name, SchemaPtr schema, Table table) {
  return std::make_unique<GivenKind>(name, std::move(schema), std::move(table));
}

std::unique_ptr<OperatorKind> collect_kind(const std::string& name, Collected& collected) {
  return std::make_unique<CollectKind>(name, collected);
}

}  // namespace troupe
