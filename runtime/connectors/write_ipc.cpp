#include "runtime/connectors/file_sink.hpp"
#include "runtime/formats/ipc_file.hpp"

namespace troupe {
namespace {

class IpcFormat final : public WriteFormat {
 public:
  explicit IpcFormat(std::string compression) : compression_(std::move(compression)) {}

  std::vector<std::string> extensions() const override { return {".arrow", ".ipc", ".feather"}; }
  Result<> check(const arrow::Schema&) const override { return {}; }
  Result<std::unique_ptr<BatchWriter>> create(FileSystem& files, const std::string& path,
                                              const SchemaPtr& schema,
                                              std::int64_t) const override {
    return write_ipc(files, path, schema, compression_);
  }

 private:
  const std::string compression_;
};

std::vector<Parameter> parameters() {
  auto all = file_sink_parameters(".arrow");
  all.push_back({.name = "compression",
                 .type = ParameterType::choice,
                 .help = "How columns are compressed. none can be mapped into memory by others.",
                 .default_value = "\"lz4\"",
                 .choices = {"lz4", "zstd", "none"}});
  return all;
}

class WriteIpc final : public OperatorKind {
 public:
  const OperatorDescription& description() const override { return description_; }

  Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>& inputs,
                            const PlanContext& context) const override {
    return plan_file_sink(description_, options, inputs.front(), context,
                          std::make_shared<IpcFormat>(options.text("compression")));
  }

 private:
  const OperatorDescription description_ = {
      .name = "write.ipc",
      .summary =
          "Writes rows as Arrow IPC files (Feather 2), all visible at once when the run has "
          "succeeded.",
      .role = OperatorRole::sink,
      .parameters = parameters(),
      .example = R"(save:
  op: write.ipc
  from: totals
  with:
    path: out/totals.arrow
)",
      .notes = file_sink_notes,
      .guarantee = Guarantee::exactly_once,
  };
};

}  // namespace

void register_write_ipc(OperatorRegistry& registry) { registry.add(std::make_unique<WriteIpc>()); }

}  // namespace troupe
