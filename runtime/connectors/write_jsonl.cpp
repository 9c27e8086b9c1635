#include "runtime/connectors/file_sink.hpp"
#include "runtime/formats/json_file.hpp"

namespace troupe {
namespace {

class JsonFormat final : public WriteFormat {
 public:
  std::vector<std::string> extensions() const override { return {".jsonl", ".ndjson"}; }
  Result<> check(const arrow::Schema& schema) const override { return check_json_schema(schema); }
  Result<std::unique_ptr<BatchWriter>> create(FileSystem& files, const std::string& path,
                                              const SchemaPtr& schema,
                                              std::int64_t) const override {
    return write_json(files, path, schema);
  }
};

const std::string& notes() {
  static const std::string text = std::string(file_sink_notes) +
                                  " Times are texts in ISO 8601, those with a zone in UTC; bytes "
                                  "are base64; decimals are numbers "
                                  "with all their digits; NaN and infinities are texts; a map is a "
                                  "list of objects with 'key' and "
                                  "'value'. Intervals and durations are refused: cast them.";
  return text;
}

class WriteJsonl final : public OperatorKind {
 public:
  const OperatorDescription& description() const override { return description_; }

  Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>& inputs,
                            const PlanContext& context) const override {
    return plan_file_sink(description_, options, inputs.front(), context,
                          std::make_shared<JsonFormat>());
  }

 private:
  const OperatorDescription description_ = {
      .name = "write.jsonl",
      .summary =
          "Writes rows as JSON objects, one a line, all visible at once when the run has "
          "succeeded.",
      .role = OperatorRole::sink,
      .parameters = file_sink_parameters(".jsonl"),
      .example = R"(save:
  op: write.jsonl
  from: totals
  with:
    path: out/totals.jsonl
)",
      .notes = notes(),
      .guarantee = Guarantee::exactly_once,
  };
};

}  // namespace

void register_write_jsonl(OperatorRegistry& registry) {
  registry.add(std::make_unique<WriteJsonl>());
}

}  // namespace troupe
