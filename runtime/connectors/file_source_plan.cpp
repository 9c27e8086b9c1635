#include "runtime/base/json.hpp"
#include "runtime/base/json_text.hpp"
#include "runtime/base/near.hpp"
#include "runtime/base/node_fault.hpp"
#include "runtime/connectors/declared_types.hpp"
#include "runtime/connectors/file_log.hpp"
#include "runtime/connectors/file_source.hpp"
#include "runtime/connectors/partitions.hpp"
#include "runtime/formats/column_types.hpp"
#include "runtime/formats/damage.hpp"
#include "runtime/formats/text_blocks.hpp"
#include "runtime/os/file_pattern.hpp"

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
/// Likewise which of its columns are told by the names of directories.
constexpr const char* partitions_key = "troupe.partitions";

std::optional<std::int64_t> figure(const arrow::Schema& schema, const char* key) {
  if (schema.metadata() == nullptr || !schema.metadata()->Contains(key)) return std::nullopt;
  return std::stoll(*schema.metadata()->Get(key));
}

std::vector<std::string> partitions_in(const arrow::Schema& schema) {
  if (schema.metadata() == nullptr || !schema.metadata()->Contains(partitions_key)) return {};
  return Json::parse(*schema.metadata()->Get(partitions_key)).get<std::vector<std::string>>();
}

/// Files of a source that are looked into when a job is checked, where that is cheap; the others
/// are checked when it runs.
constexpr std::size_t inspected_files_max = 64;

/// Files that are all looked into because each may have columns of its own.
constexpr std::size_t united_files_max = 10'000;

/// Adds up the rows of the files, scaled where not all were looked into.
Result<std::int64_t> count_rows(const std::vector<std::string>& paths, const ReadFormat& format,
                                const ReadRequest& request, const FileInfo& first, bool unite) {
  std::int64_t rows = first.rows;
  const std::size_t inspected = std::min(paths.size(), inspected_files_max);
  for (std::size_t i = 0; i < inspected; ++i) {
    if (paths[i] == request.first_file) continue;
    const FileInfo info = TRY(reading(paths[i], [&] { return format.inspect(paths[i]); }));
    if (!unite) TRY(check_same_columns(request, info.schema, paths[i]));
    rows += info.rows;
  }
  return rows * static_cast<std::int64_t>(paths.size()) / static_cast<std::int64_t>(inspected);
}

/// The file that says what the columns are: text files without a byte say nothing.
Result<std::string> telling_file(FileSystem& files, const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    if (TRY(files.size(path)) > 0) return path;
  }
  return paths.front();
}

/// What is wrong with the files is told at `path`; also a disk that fails, for which a plan has no
/// other node to go to.
Error at_path(Error error) {
  if (is_node_fault(error)) error.reason = ErrorReason::none;
  return error.path.empty() ? error.at("path") : error;
}

/// The columns of all files together.
Result<SchemaPtr> united(const std::vector<std::string>& paths, const ReadFormat& format) {
  if (paths.size() > united_files_max) {
    Error error = make_error(ErrorCode::invalid_argument,
                             "{} files are more than the {} whose columns can be united",
                             paths.size(), united_files_max);
    error.hint = "narrow 'path', or leave 'schema: union' out";
    return error;
  }
  std::vector<FileColumns> files;
  for (const std::string& path : paths) {
    if (TRY(format.files().size(path)) == 0) continue;
    SchemaPtr schema = TRY(format.inspect(path)).schema;
    files.push_back({path, std::move(schema)});
  }
  return united_schema(files, format.widening());
}

/// Columns of files, then those that the names of their directories give: a file's own is what
/// counts where both have one.
SchemaPtr with_partitions(const SchemaPtr& of_files, const arrow::Schema& partitions,
                          std::vector<std::string>& names) {
  arrow::FieldVector fields;
  for (const auto& field : of_files->fields()) fields.push_back(field->RemoveMetadata());
  for (const auto& field : partitions.fields()) {
    if (of_files->GetFieldByName(field->name()) != nullptr) continue;
    fields.push_back(field);
    names.push_back(field->name());
  }
  return arrow::schema(std::move(fields));
}

Result<SchemaPtr> partitions_of(const std::vector<std::string>& paths, const Options& options) {
  const auto declared = TRY(declared_types(options, "partition_types"));
  const auto columns = TRY(partition_columns(paths, declared, options.text("schema") == "union"));
  for (const auto& [name, type] : declared) {
    if (columns->GetFieldByName(name) != nullptr) continue;
    Error error = make_error(ErrorCode::invalid_argument, "no directory is named '{}=...'", name);
    error.hint = did_you_mean(name, columns->field_names());
    return error.at("partition_types." + name);
  }
  return columns;
}

/// The columns of all files, with what is known of their size.
Result<SchemaPtr> look(const std::string& pattern, const ReadFormat& format,
                       const Options& options) {
  const bool unite = options.text("schema") == "union";
  FileSystem& disk = format.files();
  const auto paths = TRY(find_committed_files(disk, pattern));
  const std::string telling = TRY(telling_file(disk, paths));
  const FileInfo first = TRY(reading(telling, [&] { return format.inspect(telling); }));
  ReadRequest request{.schema = first.schema, .first_file = telling};
  if (unite) request.schema = TRY(united(paths, format));
  SchemaPtr partitions = arrow::schema(arrow::FieldVector{});
  if (options.text("partitions") == "hive") partitions = TRY(partitions_of(paths, options));
  std::vector<std::string> names;
  SchemaPtr all = with_partitions(request.schema, *partitions, names);
  if (options.has("columns")) {
    auto chosen = select_columns(all, options.list("columns"));
    if (!chosen) return chosen.error().at("columns");
    all = *chosen;
    request.schema = shared_columns(all, request.schema);
    request.selected = true;
  }
  for (const auto& [column, why] : first.unreadable) {
    if (request.schema->GetFieldByName(column)) return why;
  }
  auto figures = std::make_shared<arrow::KeyValueMetadata>();
  figures->Append(partitions_key, json_text(Json(names)));
  if (first.rows >= 0) {
    const std::int64_t rows = TRY(count_rows(paths, format, request, first, unite));
    figures->Append(rows_key, std::to_string(rows));
  }
  std::int64_t bytes = 0;
  for (const std::string& path : paths) {
    bytes += static_cast<std::int64_t>(TRY(disk.size(path)));
  }
  figures->Append(bytes_key, std::to_string(bytes));
  if (first.row_bytes_min > 0 && std::none_of(paths.begin(), paths.end(), is_compressed)) {
    // The last row of a file may lack its line break; one of other columns may be shorter.
    const std::int64_t rows =
        (bytes + static_cast<std::int64_t>(paths.size())) / (unite ? 1 : first.row_bytes_min);
    figures->Append(rows_max_key, std::to_string(rows));
  }
  return all->WithMetadata(figures);
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

/// What is known of how much there is.
void estimate(const arrow::Schema& found, const arrow::Schema& output, OperatorPlan& plan) {
  plan.rows = figure(found, rows_key);
  if (!plan.rows) {
    plan.rows = figure(found, rows_max_key);
    plan.rows_at_most = plan.rows.has_value();
  }
  plan.bytes = plan.rows ? *plan.rows * row_width(output) : figure(found, bytes_key);
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
  const bool follow = options.boolean("follow");
  if (follow && !context.stream) {
    Error error = make_error(ErrorCode::invalid_argument,
                             "only a stream can follow files that are still to come");
    error.hint = "leave it out; or make it a stream: mode streaming, and an event_time";
    return error.at("follow");
  }
  const std::string pattern = options.text("path");
  ReadRequest request;
  request.schema = context.resolved;
  if (request.schema == nullptr) {
    auto found = look(pattern, *format, options);
    if (!found) return at_path(found.error());
    request.schema = *found;
  }
  request.selected = options.has("columns");
  request.columns = context.projection.value_or(request.schema->field_names());
  if (!context.predicate.empty()) {
    request.bounds = TRY(Expression::bind_predicate(context.predicate, request.schema)).bounds();
  }
  OperatorPlan plan;
  plan.endless = follow;
  const SchemaPtr output = TRY(select_columns(request.schema, request.columns));
  if (!follow) estimate(*request.schema, *output, plan);
  Phase phase;
  phase.name = description.name;
  phase.outputs = {output};
  phase.detail = told(pattern, *request.schema, context) + (follow ? ", followed" : "");
  phase.reads = pattern;
  const FileTable table{.pattern = pattern,
                        .unite = options.text("schema") == "union",
                        .partitions = partitions_in(*request.schema),
                        .hive = options.text("partitions") == "hive",
                        .follow = follow};
  phase.make_source = [table, format, request]() -> Result<std::shared_ptr<Source>> {
    return std::make_shared<FileSource>(table, format, request);
  };
  plan.phases = {std::move(phase)};
  return plan;
}

std::vector<Parameter> file_source_parameters(const std::string& extension) {
  return {
      {.name = "path",
       .type = ParameterType::path,
       .help = fmt::format("A file, a directory (all files in it but those whose names begin "
                           "with _ or ., and those in its directories named key=value), or a "
                           "pattern with *, **, ? and [a-z]: \"data/2013-*{}\". A file is "
                           "read once, however many symbolic links lead to it.",
                           extension),
       .required = true},
      {.name = "columns",
       .type = ParameterType::columns,
       .help = "The columns to read, in this order. Not given: all. Columns that nothing "
               "downstream uses are never read, with or without this."},
      {.name = "schema",
       .type = ParameterType::choice,
       .help = "Whether all files must have the same columns, in any order; or the union of "
               "them is read: each file is looked into, columns that one lacks are null there, "
               "and a type that is narrower in one is widened.",
       .default_value = "\"same\"",
       .choices = {"same", "union"}},
      {.name = "partitions",
       .type = ParameterType::choice,
       .help = "hive: directories of the path named key=value give columns, after those of the "
               "files: bigint, date, else text; `__HIVE_DEFAULT_PARTITION__` is null. Files of "
               "directories that a filter rules out are not read. A column that the files "
               "have themselves is read from them.",
       .default_value = "\"hive\"",
       .choices = {"hive", "none"}},
      {.name = "partition_types",
       .type = ParameterType::column_types,
       .help = "SQL types of such columns, where they should not be inferred: {code: text}."},
      {.name = "follow",
       .type = ParameterType::boolean,
       .help = "Of a stream: it does not end with the files that are there, but reads those that "
               "come, too, one after the other by name. Files appear whole, by a rename; each "
               "name is greater than those before it; what is in them does not change. One that "
               "has been read may be removed once all before it have been.",
       .default_value = "false"}};
}

}  // namespace troupe
