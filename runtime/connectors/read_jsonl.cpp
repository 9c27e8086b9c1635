#include "runtime/connectors/declared_types.hpp"
#include "runtime/connectors/file_source.hpp"
#include "runtime/formats/column_types.hpp"
#include "runtime/formats/json_file.hpp"

#include <arrow/type.h>

namespace troupe {
namespace {

/// Files of one object a line, cut at line breaks: no value holds one.
class JsonFormat final : public ReadFormat {
 public:
  JsonFormat(FileSystem& files, ColumnTypes types) : ReadFormat(files), types_(std::move(types)) {}

  Result<FileInfo> inspect(const std::string& path) const override {
    const std::int64_t bytes = TRY(size(path));
    constexpr std::int64_t empty_object = 2;
    return FileInfo{.schema = TRY(json_schema(files(), path, types_)),
                    .bytes = bytes,
                    .row_bytes_min = empty_object};
  }

  /// A field that is missing is null.
  Result<SchemaPtr> columns_in(const std::string&, const SchemaPtr& wanted) const override {
    return wanted;
  }
  Widening widening() const override { return Widening::json; }

  Result<std::vector<FilePart>> parts(const std::string& path, const ReadRequest&,
                                      std::int64_t part_bytes) const override {
    const std::int64_t bytes = TRY(size(path));
    return byte_parts(path, bytes, is_compressed(path) ? bytes : part_bytes);
  }

  Result<std::unique_ptr<BatchReader>> open(const FilePart& part,
                                            const ReadRequest& request) const override {
    // A field that is not known can only be lost where all of them are read.
    const bool all =
        !request.selected &&
        request.columns.size() == static_cast<std::size_t>(request.schema->num_fields());
    return read_json(files(), part.path, byte_range(part),
                     TRY(select_columns(request.schema, request.columns)),
                     {.known = all ? request.schema : nullptr, .declared = types_});
  }

 private:
  const ColumnTypes types_;
};

std::vector<Parameter> parameters() {
  auto all = file_source_parameters(".jsonl");
  all.push_back({.name = "types",
                 .type = ParameterType::column_types,
                 .help =
                     "SQL types by field, for those that should not be inferred: "
                     "{zip: text, day: date}. A declared field need not occur. The others are "
                     "inferred from the first MiB of the first file (up to 16 MiB where a field "
                     "has only nulls before): bigint, boolean, date, timestamp (ISO 8601), "
                     "double precision, numeric for integers that are no bigint, text, lists "
                     "and structs."});
  return all;
}

class ReadJsonl final : public OperatorKind {
 public:
  const OperatorDescription& description() const override { return description_; }

  Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>&,
                            const PlanContext& context) const override {
    auto types = TRY(declared_types(options, "types"));
    if (const auto fits = check_json_types(types); !fits) return fits.error().at("types");
    return plan_file_source(description_, options, context,
                            std::make_shared<JsonFormat>(*context.files, std::move(types)));
  }

 private:
  const OperatorDescription description_ = {
      .name = "read.jsonl",
      .summary =
          "Reads the rows of files with one JSON object a line, compressed (.gz, .zst, "
          ".bz2) or not.",
      .role = OperatorRole::source,
      .inputs_min = 0,
      .inputs_max = 0,
      .parameters = parameters(),
      .example = R"(events:
  op: read.jsonl
  with:
    path: data/events-*.jsonl
    types: {user_id: text}
)",
      .notes =
          "A missing field is null. A line that does not parse, a value of another type, an "
          "integer that would lose digits as double precision, and, where the job reads all "
          "fields, one that was not seen when types were inferred fail the job with file and "
          "line: declare it in 'types', name what to read in 'columns', or say 'schema: union'. "
          "Texts that look like times stay texts in lists and structs. A field of base64 is "
          "declared as bytea.",
      .guarantee = Guarantee::exactly_once,
  };
};

}  // namespace

void register_read_jsonl(OperatorRegistry& registry) {
  registry.add(std::make_unique<ReadJsonl>());
}

}  // namespace troupe
