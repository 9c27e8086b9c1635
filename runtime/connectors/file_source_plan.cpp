#include "runtime/connectors/file_pattern.hpp"
#include "runtime/connectors/file_source.hpp"
#include "runtime/formats/column_types.hpp"

#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>

#include <algorithm>

namespace troupe {
namespace {

/// What is known of the size of a source rides on its schema, so that it is found once, at
/// submission, and every node plans with the same figures.
constexpr const char* rows_key = "troupe.rows";
constexpr const char* bytes_key = "troupe.bytes";

std::optional<std::int64_t> figure(const arrow::Schema& schema, const char* key) {
  if (schema.metadata() == nullptr || !schema.metadata()->Contains(key)) return std::nullopt;
  return std::stoll(*schema.metadata()->Get(key));
}

/// Schema and size of all files together.
Result<SchemaPtr> look(const std::string& pattern, const ReadFormat& format,
                       const Options& options) {
  const auto paths = find_files(system_files(), pattern);
  if (!paths) return paths.error().at("path");
  const auto first = format.inspect(paths->front());
  if (!first) return first.error().path.empty() ? first.error().at("path") : first.error();
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
  for (const std::string& path : *paths) {
    bytes += static_cast<std::int64_t>(TRY(system_files().size(path)));
  }
  SchemaPtr schema = first->schema;
  if (options.has("columns")) {
    auto chosen = select_columns(schema, options.list("columns"));
    if (!chosen) return chosen.error().at("columns");
    schema = *chosen;
  }
  // The files are taken to be alike: each holds the rows a byte that the first one does.
  auto metadata = std::make_shared<arrow::KeyValueMetadata>();
  if (first->rows >= 0 && first->bytes > 0) {
    rows = static_cast<std::int64_t>(static_cast<double>(first->rows) * static_cast<double>(bytes) /
                                     static_cast<double>(first->bytes));
    metadata->Append(rows_key, std::to_string(rows));
  }
  metadata->Append(bytes_key, std::to_string(bytes));
  return schema->WithMetadata(metadata);
}

/// Bytes of a row in memory, roughly: what a join compares its sides by.
std::int64_t row_width(const arrow::Schema& schema) {
  constexpr std::int64_t text_bytes = 16;
  std::int64_t bytes = 0;
  for (const auto& field : schema.fields()) {
    const auto* fixed = dynamic_cast<const arrow::FixedWidthType*>(field->type().get());
    bytes += fixed ? std::max(1, fixed->bit_width() / 8) : text_bytes;
  }
  return bytes;
}

std::string told(const std::string& pattern, const arrow::Schema& all, const PlanContext& context) {
  std::string text = pattern;
  if (context.projection) {
    text += fmt::format(": {} of {} columns", context.projection->size(), all.num_fields());
  }
  if (!context.predicate.empty()) text += fmt::format(", where {}", context.predicate);
  return text;
}

}  // namespace

Result<OperatorPlan> plan_file_source(const OperatorDescription& description,
                                      const Options& options, const PlanContext& context,
                                      std::shared_ptr<const ReadFormat> format) {
  const std::string pattern = options.text("path");
  ReadRequest request;
  request.schema = context.resolved ? context.resolved : TRY(look(pattern, *format, options));
  request.selected = options.has("columns");
  request.columns = context.projection.value_or(request.schema->field_names());
  if (!context.predicate.empty()) {
    request.bounds = TRY(Expression::bind_predicate(context.predicate, request.schema)).bounds();
  }
  OperatorPlan plan;
  const SchemaPtr output = TRY(select_columns(request.schema, request.columns));
  plan.rows = figure(*request.schema, rows_key);
  plan.bytes = plan.rows ? *plan.rows * row_width(*output) : figure(*request.schema, bytes_key);
  Phase phase;
  phase.name = description.name;
  phase.outputs = {output};
  phase.detail = told(pattern, *request.schema, context);
  phase.make_source = [pattern, format, request]() -> Result<std::shared_ptr<Source>> {
    return std::make_shared<FileSource>(pattern, format, request);
  };
  plan.phases = {std::move(phase)};
  return plan;
}

std::vector<Parameter> file_source_parameters(const std::string& extension) {
  return {{.name = "path",
           .type = ParameterType::path,
           .help = fmt::format("A file, a directory (all files in it but those whose names begin "
                               "with _ or .), or a pattern with *, **, ? and [a-z]: "
                               "\"data/2013-*{}\". All files must have the same columns.",
                               extension),
           .required = true},
          {.name = "columns",
           .type = ParameterType::columns,
           .help = "The columns to read, in this order. Not given: all. Columns that nothing "
                   "downstream uses are never read, with or without this."}};
}

}  // namespace troupe
