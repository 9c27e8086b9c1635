#include "tests/sim/sim_source.hpp"

#include "runtime/base/json.hpp"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <utility>

namespace troupe::sim {
namespace {

/// Some rows of a batch, a few at a time.
class FewRows final : public BatchReader {
 public:
  FewRows(Batch rows, std::int64_t at_once) : rows_(std::move(rows)), at_once_(at_once) {}

  Result<Batch> next() override {
    if (!rows_ || rows_.rows() <= at_once_) return std::exchange(rows_, Batch());
    const Batch some(rows_.columns()->Slice(0, at_once_));
    rows_ = Batch(rows_.columns()->Slice(at_once_));
    return some;
  }

 private:
  Batch rows_;
  const std::int64_t at_once_;
};

class StreamSource final : public Source {
 public:
  StreamSource(std::shared_ptr<const ModelStream> stream, std::vector<std::string> columns,
               std::int64_t at_once, std::function<std::int64_t(const std::string&)> left_out)
      : stream_(std::move(stream)),
        columns_(std::move(columns)),
        at_once_(at_once),
        left_out_(std::move(left_out)) {}

  Result<std::vector<Split>> splits(std::uint32_t) override {
    std::vector<Split> splits;
    for (std::size_t i = 0; i + 1 < stream_->splits.size(); ++i) {
      const auto rows = static_cast<std::int64_t>(stream_->splits[i + 1] - stream_->splits[i]);
      splits.push_back({std::to_string(i), rows, rows});
    }
    return splits;
  }

  Result<std::unique_ptr<BatchReader>> open(const Split& split) override {
    const std::size_t number = std::stoul(split.detail);
    const std::size_t to = stream_->splits.at(number + 1);
    std::size_t from = stream_->splits.at(number);
    if (left_out_) {
      from = std::min(from + static_cast<std::size_t>(left_out_(split.detail)), to - 1);
    }
    const auto all = stream_->columns.columns()->Slice(static_cast<std::int64_t>(from),
                                                       static_cast<std::int64_t>(to - from));
    arrow::FieldVector fields;
    std::vector<std::shared_ptr<arrow::Array>> columns;
    for (const std::string& name : columns_) {
      fields.push_back(all->schema()->GetFieldByName(name));
      columns.push_back(all->GetColumnByName(name));
    }
    Batch rows(arrow::RecordBatch::Make(arrow::schema(fields), all->num_rows(), columns));
    return std::unique_ptr<BatchReader>(std::make_unique<FewRows>(std::move(rows), at_once_));
  }

 private:
  const std::shared_ptr<const ModelStream> stream_;
  const std::vector<std::string> columns_;
  const std::int64_t at_once_;
  const std::function<std::int64_t(const std::string&)> left_out_;
};

class SourceKind final : public OperatorKind {
 public:
  explicit SourceKind(SourceHooks hooks) : hooks_(std::move(hooks)) {}
  const OperatorDescription& description() const override { return description_; }

  Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>&,
                            const PlanContext& context) const override {
    auto stream = hooks_.find(options.text("name"));
    ENSURE(stream != nullptr, "there is no stream '{}'", options.text("name"));
    const auto& schema = *stream->columns.columns()->schema();
    const auto columns = context.projection.value_or(schema.field_names());
    arrow::FieldVector fields;
    for (const std::string& name : columns) fields.push_back(schema.GetFieldByName(name));
    Phase phase{"sim.stream", {}, {arrow::schema(fields)}};
    phase.make_source = [stream, columns, at_once = options.integer("at_once"),
                         left_out = hooks_.left_out] {
      return Result<std::shared_ptr<Source>>(
          std::make_shared<StreamSource>(stream, columns, at_once, left_out));
    };
    OperatorPlan plan;
    plan.phases.push_back(std::move(phase));
    return plan;
  }

 private:
  const OperatorDescription description_ = {
      .name = "sim.stream",
      .summary = "Reads a model stream.",
      .role = OperatorRole::source,
      .inputs_min = 0,
      .inputs_max = 0,
      .parameters = {
          {.name = "name", .type = ParameterType::text, .help = "Which.", .required = true},
          {.name = "at_once", .type = ParameterType::integer, .help = "Rows.", .required = true}}};
  const SourceHooks hooks_;
};

}  // namespace

void register_sim_source(OperatorRegistry& registry, SourceHooks hooks) {
  registry.add(std::make_unique<SourceKind>(std::move(hooks)));
}

}  // namespace troupe::sim
