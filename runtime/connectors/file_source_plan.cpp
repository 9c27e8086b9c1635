#include "runtime/connectors/file_pattern.hpp"
#include "runtime/connectors/file_source.hpp"
#include "runtime/formats/column_types.hpp"
#include "runtime/formats/damage.hpp"
#include "runtime/formats/text_blocks.hpp"

#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>

#include <algorithm>

namespace troupe {
namespace {

/// What is known of the size of a source rides on its schema, so that it is found once, at
/// submission, and every node plans with the same figures.
constexpr const char* rows_key = "troupe.rows";
constexpr const char* rows_max_key = "troupe.rows_max";
constexpr const char* bytes_key = "troupe.bytes";

std::optional<std::int64_t> figure(const arrow::Schema& schema, const char* key) {
  if (schema.metadata() == nullptr || !schema.metadata()->Contains(key)) return std::nullopt;
  return std::stoll(*schema.metadata()->Get(key));
}

/// Files of a source that are looked into when a job is checked, where that is cheap; the others
/// are checked when it runs.
constexpr std::size_t inspected_files_max = 64;

/// Adds up the rows of the files, scaled where not all were looked into.
Result<std::int64_t> count_rows(const std::vector<std::string>& paths, const ReadFormat& format,
                                const ReadRequest& request, const FileInfo& first) {
  std::int64_t rows = first.rows;
  const std::size_t inspected = std::min(paths.size(), inspected_files_max);
  for (std::size_t i = 0; i < inspected; ++i) {
    if (paths[i] == request.first_file) continue;
    const FileInfo info = TRY(reading(paths[i], [&] { return format.inspect(paths[i]); }));
    TRY(check_same_columns(request, info.schema, paths[i]));
    rows += info.rows;
  }
  return rows * static_cast<std::int64_t>(paths.size()) / static_cast<std::int64_t>(inspected);
}

/// The file that says what the columns are: text files without a byte say nothing.
Result<std::string> telling_file(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    if (TRY(system_files().size(path)) > 0) return path;
  }
  return paths.front();
}

Error at_path(const Error& error) { return error.path.empty() ? error.at("path") : error; }

/// The columns of all files, with what is known of their size.
Result<SchemaPtr> look(const std::string& pattern, const ReadFormat& format,
                       const Options& options) {
  const auto paths = find_files(system_files(), pattern);
  if (!paths) return at_path(paths.error());
  const std::string telling = TRY(telling_file(*paths));
  const auto first = reading(telling, [&] { return format.inspect(telling); });
  if (!first) return at_path(first.error());
  ReadRequest request{.schema = first->schema, .first_file = telling};
  if (options.has("columns")) {
    auto chosen = select_columns(first->schema, options.list("columns"));
    if (!chosen) return chosen.error().at("columns");
    request.schema = *chosen;
    request.selected = true;
  }
  for (const auto& [column, why] : first->unreadable) {
    if (request.schema->GetFieldByName(column)) return at_path(why);
  }
  auto figures = std::make_shared<arrow::KeyValueMetadata>();
  if (first->rows >= 0) {
    const auto rows = count_rows(*paths, format, request, *first);
    if (!rows) return at_path(rows.error());
    figures->Append(rows_key, std::to_string(*rows));
  }
  std::int64_t bytes = 0;
  for (const std::string& path : *paths) {
    bytes += static_cast<std::int64_t>(TRY(system_files().size(path)));
  }
  figures->Append(bytes_key, std::to_string(bytes));
  if (first->row_bytes_min > 0 && std::none_of(paths->begin(), paths->end(), is_compressed)) {
    // The last row of a file may lack its line break.
    const std::int64_t rows =
        (bytes + static_cast<std::int64_t>(paths->size())) / first->row_bytes_min;
    figures->Append(rows_max_key, std::to_string(rows));
  }
  return request.schema->WithMetadata(figures);
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
  if (!plan.rows) {
    plan.rows = figure(*request.schema, rows_max_key);
    plan.rows_at_most = plan.rows.has_value();
  }
  plan.bytes = plan.rows ? *plan.rows * row_width(*output) : figure(*request.schema, bytes_key);
  Phase phase;
  phase.name = description.name;
  phase.outputs = {output};
  phase.detail = told(pattern, *request.schema, context);
  phase.reads = pattern;
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
