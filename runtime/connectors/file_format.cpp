#include "runtime/connectors/file_format.hpp"

#include "runtime/formats/column_types.hpp"

#include <arrow/type.h>

#include <algorithm>

namespace troupe {
namespace {

Error differs(const ReadRequest& request, const std::string& path, const std::string& column,
              const std::string& how) {
  Error error{ErrorCode::invalid_argument, fmt::format("column '{}' {}", column, how)};
  error.hint = path == request.first_file
                   ? "the file has changed since the job was checked: submit it again"
                   : "files of one source must have the same columns: say 'schema: union' to fill "
                     "up with nulls, narrow 'path', or name the ones they share in 'columns'";
  return error;
}

}  // namespace

ReadRequest narrowed(const ReadRequest& request, const SchemaPtr& columns) {
  ReadRequest narrow = request;
  narrow.schema = columns;
  narrow.columns.clear();
  for (const std::string& name : request.columns) {
    if (columns->GetFieldByName(name) != nullptr) narrow.columns.push_back(name);
  }
  narrow.bounds.clear();
  for (ColumnBound bound : request.bounds) {
    bound.column = columns->GetFieldIndex(request.schema->field(bound.column)->name());
    if (bound.column >= 0) narrow.bounds.push_back(bound);
  }
  return narrow;
}

std::vector<FilePart> byte_parts(const std::string& path, std::int64_t file_bytes,
                                 std::int64_t part_bytes) {
  std::vector<FilePart> parts;
  for (std::int64_t at = 0; at < file_bytes; at += part_bytes) {
    const std::int64_t count = std::min(part_bytes, file_bytes - at);
    parts.push_back(
        {.path = path, .first = at, .count = count, .bytes = count, .file_bytes = file_bytes});
  }
  return parts;
}

bool is_whole(const FilePart& part) { return part.first == 0 && part.count >= part.file_bytes; }

ByteRange byte_range(const FilePart& part) {
  return is_whole(part) ? ByteRange() : ByteRange{part.first, part.first + part.count};
}

SchemaPtr shared_columns(const SchemaPtr& wanted, const SchemaPtr& found) {
  arrow::FieldVector fields;
  for (const auto& field : wanted->fields()) {
    if (const auto there = found->GetFieldByName(field->name())) fields.push_back(there);
  }
  return arrow::schema(std::move(fields));
}

Result<> check_same_columns(const ReadRequest& request, const SchemaPtr& found,
                            const std::string& path) {
  for (const auto& field : request.schema->fields()) {
    const auto other = found->GetFieldByName(field->name());
    if (other == nullptr) {
      return differs(request, path, field->name(),
                     fmt::format("of '{}' is not in '{}'", request.first_file, path));
    }
    if (!other->type()->Equals(*field->type())) {
      const bool told = type_name(*field->type()) != type_name(*other->type());
      const auto name = [&](const arrow::DataType& t) {
        return told ? type_name(t) : t.ToString();
      };
      return differs(request, path, field->name(),
                     fmt::format("is {} in '{}' and {} in '{}'", name(*field->type()),
                                 request.first_file, name(*other->type()), path));
    }
  }
  if (request.selected) return {};
  for (const auto& field : found->fields()) {
    if (request.schema->GetFieldByName(field->name()) == nullptr) {
      return differs(request, path, field->name(),
                     fmt::format("of '{}' is not in '{}'", path, request.first_file));
    }
  }
  return {};
}

}  // namespace troupe
