#include "runtime/connectors/file_sink.hpp"
#include "runtime/formats/csv_file.hpp"

namespace troupe {
namespace {

class CsvFormat final : public WriteFormat {
 public:
  explicit CsvFormat(CsvWriteOptions options) : options_(options) {}

  std::vector<std::string> extensions() const override { return {".csv", ".tsv"}; }
  Result<> check(const arrow::Schema& schema) const override { return check_csv_schema(schema); }
  Result<std::unique_ptr<BatchWriter>> create(FileSystem& files, const std::string& path,
                                              const SchemaPtr& schema,
                                              std::int64_t) const override {
    return write_csv(files, path, schema, options_);
  }

 private:
  const CsvWriteOptions options_;
};

std::vector<Parameter> parameters() {
  auto all = file_sink_parameters(".csv");
  all.push_back({.name = "header",
                 .type = ParameterType::boolean,
                 .help = "Whether each file begins with the names of the columns.",
                 .default_value = "true"});
  all.push_back({.name = "delimiter",
                 .type = ParameterType::text,
                 .help = "The character between values; \"\\t\" is a tab.",
                 .default_value = "\",\""});
  return all;
}

class WriteCsv final : public OperatorKind {
 public:
  const OperatorDescription& description() const override { return description_; }

  Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>& inputs,
                            const PlanContext& context) const override {
    const std::string written = options.text("delimiter");
    const std::string delimiter = written == "\\t" ? "\t" : written;
    if (delimiter.size() != 1 || delimiter.find_first_of("\"\r\n") != std::string::npos) {
      return make_error(ErrorCode::invalid_argument, "'{}' cannot stand between values", written)
          .at("delimiter");
    }
    auto format = std::make_shared<CsvFormat>(
        CsvWriteOptions{.delimiter = delimiter[0], .header = options.boolean("header")});
    return plan_file_sink(description_, options, inputs.front(), context, std::move(format));
  }

 private:
  const OperatorDescription description_ = {
      .name = "write.csv",
      .summary = "Writes rows as CSV files, all visible at once when the run has succeeded.",
      .role = OperatorRole::sink,
      .parameters = parameters(),
      .example = R"(save:
  op: write.csv
  from: totals
  with:
    path: out/totals.csv
)",
      .notes = file_sink_notes,
      .guarantee = Guarantee::exactly_once,
  };
};

}  // namespace

void register_write_csv(OperatorRegistry& registry) { registry.add(std::make_unique<WriteCsv>()); }

}  // namespace troupe
