#include "runtime/connectors/file_sink.hpp"
#include "runtime/formats/parquet_writer.hpp"

namespace troupe {
namespace {

class ParquetFormat final : public WriteFormat {
 public:
  explicit ParquetFormat(ParquetWriteOptions options) : options_(std::move(options)) {}

  std::vector<std::string> extensions() const override { return {".parquet"}; }
  Result<> check(const arrow::Schema& schema) const override {
    return check_parquet_schema(schema);
  }
  Result<std::unique_ptr<BatchWriter>> create(FileSystem& files, const std::string& path,
                                              const SchemaPtr& schema,
                                              std::int64_t bytes_max) const override {
    ParquetWriteOptions options = options_;
    options.bytes_max = bytes_max;
    return write_parquet(files, path, schema, options);
  }

 private:
  const ParquetWriteOptions options_;
};

std::vector<Parameter> parameters() {
  auto all = file_sink_parameters(".parquet");
  all.push_back({.name = "compression",
                 .type = ParameterType::choice,
                 .help = "How pages are compressed.",
                 .default_value = "\"zstd\"",
                 .choices = {"zstd", "snappy", "lz4", "gzip", "none"}});
  all.push_back({.name = "row_group_rows",
                 .type = ParameterType::integer,
                 .help = "Rows of a row group, at most: what readers skip and share out by.",
                 .default_value = "1000000",
                 .min = 1,
                 .max = 100e6});
  return all;
}

class WriteParquet final : public OperatorKind {
 public:
  const OperatorDescription& description() const override { return description_; }

  Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>& inputs,
                            const PlanContext& context) const override {
    auto format = std::make_shared<ParquetFormat>(
        ParquetWriteOptions{.compression = options.text("compression"),
                            .row_group_rows = options.integer("row_group_rows")});
    return plan_file_sink(description_, options, inputs.front(), context, std::move(format));
  }

 private:
  const OperatorDescription description_ = {
      .name = "write.parquet",
      .summary = "Writes rows as Parquet files, all visible at once when the run has succeeded.",
      .role = OperatorRole::sink,
      .parameters = parameters(),
      .example = R"(save:
  op: write.parquet
  from: totals
  with:
    path: out/totals/
)",
      .notes = file_sink_notes,
      .guarantee = Guarantee::exactly_once,
  };
};

}  // namespace

void register_write_parquet(OperatorRegistry& registry) {
  registry.add(std::make_unique<WriteParquet>());
}

}  // namespace troupe
