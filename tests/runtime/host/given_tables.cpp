#include "tests/runtime/host/given_tables.hpp"

#include "runtime/base/ensure.hpp"
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
  GivenSource(Table table, std::vector<std::string> columns, std::int64_t rows_max)
      : table_(std::move(table)), columns_(std::move(columns)), rows_max_(rows_max) {}

  Result<std::vector<Split>> splits(std::uint32_t) override {
    std::vector<Split> splits;
    for (std::size_t i = 0; i < table_.size(); ++i) splits.push_back({std::to_string(i), 1, 1});
    return splits;
  }

  Result<std::unique_ptr<BatchReader>> open(const Split& split) override {
    class Reader final : public BatchReader {
     public:
      Reader(Batch batch, std::int64_t rows_max) : batch_(std::move(batch)), rows_max_(rows_max) {}
      Result<Batch> next() override {
        if (batch_.rows() <= rows_max_) return std::exchange(batch_, Batch());
        const Batch some(batch_.columns()->Slice(0, rows_max_));
        batch_ = Batch(batch_.columns()->Slice(rows_max_));
        return some;
      }

     private:
      Batch batch_;
      const std::int64_t rows_max_;
    };
    const Batch& batch = table_.at(std::stoul(split.detail));
    arrow::FieldVector fields;
    std::vector<std::shared_ptr<arrow::Array>> columns;
    for (const std::string& name : columns_) {
      columns.push_back(batch.columns()->GetColumnByName(name));
      fields.push_back(batch.columns()->schema()->GetFieldByName(name));
    }
    return std::unique_ptr<BatchReader>(std::make_unique<Reader>(
        Batch(arrow::RecordBatch::Make(arrow::schema(fields), batch.rows(), columns)), rows_max_));
  }

 private:
  const Table table_;
  const std::vector<std::string> columns_;
  const std::int64_t rows_max_;
};

class GivenKind final : public OperatorKind {
 public:
  GivenKind(const std::string& name, SchemaPtr schema, Table table, std::int64_t rows_max)
      : description_{.name = name, .role = OperatorRole::source, .inputs_min = 0, .inputs_max = 0},
        schema_(std::move(schema)),
        table_(std::move(table)),
        rows_max_(rows_max) {}
  const OperatorDescription& description() const override { return description_; }
  Result<OperatorPlan> plan(const Options&, const std::vector<PlanInput>&,
                            const PlanContext& context) const override {
    const auto names = context.projection.value_or(schema_->field_names());
    arrow::FieldVector fields;
    for (const auto& name : names) fields.push_back(schema_->GetFieldByName(name));
    Phase phase;
    phase.name = description_.name;
    phase.outputs = {arrow::schema(fields)};
    phase.make_source = [table = table_, names,
                         rows_max = rows_max_]() -> Result<std::shared_ptr<Source>> {
      return std::shared_ptr<Source>(std::make_shared<GivenSource>(table, names, rows_max));
    };
    OperatorPlan plan;
    plan.phases = {std::move(phase)};
    return plan;
  }

 private:
  const OperatorDescription description_;
  const SchemaPtr schema_;
  const Table table_;
  const std::int64_t rows_max_;
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
      Result<std::vector<Committable>> prepare(Epoch) override {
        return std::vector<Committable>();
      }

     private:
      Table& table_;
    };
    return std::unique_ptr<SinkWriter>(
        std::make_unique<Writer>(collected_.by_subtask[context.subtask]));
  }
  Result<> commit(const SinkCommit&, const std::vector<Committable>&) override { return {}; }
  Result<> clean_up(const std::string&) override { return {}; }

 private:
  Collected& collected_;
};

class CommitSink final : public Sink {
 public:
  explicit CommitSink(Committed& committed) : committed_(committed) {}

  Result<std::unique_ptr<SinkWriter>> open(const SinkContext& context) override {
    class Writer final : public SinkWriter {
     public:
      Writer(Committed& committed, std::string tag) : committed_(committed), tag_(std::move(tag)) {}
      Result<> write(const Batch& batch) override {
        rows_.push_back(batch);
        return {};
      }
      Result<std::vector<Committable>> prepare(Epoch epoch) override {
        if (rows_.empty()) return std::vector<Committable>();
        const std::string name = fmt::format("{}-{}", tag_, epoch);
        ENSURE(committed_.staged.emplace(name, std::exchange(rows_, {})).second, "{} twice", name);
        return std::vector<Committable>{{name, 0}};
      }

     private:
      Committed& committed_;
      const std::string tag_;
      Table rows_;
    };
    return std::unique_ptr<SinkWriter>(std::make_unique<Writer>(committed_, context.tag));
  }
  Result<> commit(const SinkCommit& what, const std::vector<Committable>& staged) override {
    ENSURE(committed_.epochs.insert(what.epoch).second, "epoch {} twice", what.epoch);
    for (const Committable& one : staged) {
      const auto found = committed_.staged.extract(one.detail);
      ENSURE(!found.empty(), "'{}' is committed twice, or was never staged", one.detail);
      committed_.table.insert(committed_.table.end(), found.mapped().begin(), found.mapped().end());
    }
    return {};
  }
  Result<> clean_up(const std::string&) override { return {}; }

 private:
  Committed& committed_;
};

class SinkKind final : public OperatorKind {
 public:
  SinkKind(const std::string& name, std::shared_ptr<Sink> sink)
      : description_{.name = name, .role = OperatorRole::sink}, sink_(std::move(sink)) {}
  const OperatorDescription& description() const override { return description_; }
  Result<OperatorPlan> plan(const Options&, const std::vector<PlanInput>& inputs,
                            const PlanContext&) const override {
    Phase phase;
    phase.name = "collect";
    phase.inputs = {PhaseInput{}};
    phase.outputs = {inputs.front().schema};
    phase.make_sink = [sink = sink_]() -> Result<std::shared_ptr<Sink>> { return sink; };
    OperatorPlan plan;
    plan.phases = {std::move(phase)};
    return plan;
  }

 private:
  const OperatorDescription description_;
  const std::shared_ptr<Sink> sink_;
};

}  // namespace

std::unique_ptr<OperatorKind> given_kind(const std::string& name, SchemaPtr schema, Table table,
                                         std::int64_t rows_max) {
  return std::make_unique<GivenKind>(name, std::move(schema), std::move(table), rows_max);
}

std::unique_ptr<OperatorKind> collect_kind(const std::string& name, Collected& collected) {
  return std::make_unique<SinkKind>(name, std::make_shared<CollectSink>(collected));
}

std::unique_ptr<OperatorKind> commit_kind(const std::string& name, Committed& committed) {
  return std::make_unique<SinkKind>(name, std::make_shared<CommitSink>(committed));
}

}  // namespace troupe
