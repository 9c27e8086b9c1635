#include "runtime/base/near.hpp"
#include "runtime/data/arrow_result.hpp"
#include "runtime/formats/csv_parse.hpp"

#include <arrow/buffer.h>
#include <arrow/csv/converter.h>
#include <arrow/csv/reader.h>
#include <arrow/io/interfaces.h>
#include <arrow/io/memory.h>
#include <arrow/table.h>
#include <arrow/type.h>

#include <algorithm>

namespace troupe {
namespace {

using TypePtr = std::shared_ptr<arrow::DataType>;

/// What Arrow infers, as the runtime's one type for it.
TypePtr settled(const TypePtr& inferred) {
  switch (inferred->id()) {
    case arrow::Type::TIMESTAMP:
      return arrow::timestamp(arrow::TimeUnit::MICRO,
                              static_cast<const arrow::TimestampType&>(*inferred).timezone());
    case arrow::Type::TIME32:
      return arrow::time64(arrow::TimeUnit::MICRO);
    case arrow::Type::NA:
    case arrow::Type::BINARY:  // text in another encoding: an error of the row that has it
      return arrow::utf8();
    default:
      return inferred;
  }
}

/// What is wrong with the first rows, told with its line by a reader that infers nothing.
Error first_error(const std::string& path, const CsvDialect& dialect,
                  const std::vector<std::string>& names, const ColumnTypes& declared,
                  const arrow::Status& otherwise) {
  arrow::FieldVector fields;
  for (const std::string& name : names) {
    const auto known = declared.find(name);
    fields.push_back(arrow::field(name, known == declared.end() ? arrow::utf8() : known->second));
  }
  const auto reader = TRY(read_csv(path, {}, dialect, arrow::schema(std::move(fields))));
  while (TRY(reader->next()).rows() > 0) {
  }
  return fail(ErrorCode::invalid_argument, "'{}': {}", path, otherwise.message());
}

/// The types of the columns in these rows.
Result<arrow::FieldVector> infer(const std::string& path, std::string_view rows,
                                 const CsvDialect& dialect, const std::vector<std::string>& names,
                                 const ColumnTypes& declared) {
  auto read = arrow::csv::ReadOptions::Defaults();
  read.use_threads = false;
  read.block_size = INT32_MAX;
  read.column_names = names;
  auto convert = convert_options(dialect);
  for (const auto& [name, type] : declared) convert.column_types[name] = type;
  const auto input =
      std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(std::string(rows)));
  const auto reader =
      TRY(arrow_try(arrow::csv::TableReader::Make(arrow::io::default_io_context(), input, read,
                                                  parse_options(dialect, names.size()), convert)));
  const auto table = reader->Read();
  if (!table.ok()) return first_error(path, dialect, names, declared, table.status());
  return (*table)->schema()->fields();
}

}  // namespace

Result<std::vector<std::string>> csv_names(const std::string& path, const CsvDialect& dialect) {
  const auto blocks = TRY(open_csv(path, {}, dialect));
  const TextBlock block = TRY(blocks->next());
  return TRY(parse_head(path, block.text, dialect)).names;
}

Result<SchemaPtr> csv_schema(const std::string& path, const CsvDialect& dialect,
                             const ColumnTypes& declared) {
  const auto blocks = TRY(open_csv(path, {}, dialect));
  const TextBlock block = TRY(blocks->next());
  const CsvHead head = TRY(parse_head(path, block.text, dialect));
  if (head.names.empty()) {
    Error error = fail(ErrorCode::invalid_argument, "'{}' is empty: it has no columns", path);
    error.hint = "leave it out of 'path'";
    return error;
  }
  for (const auto& [name, type] : declared) {
    if (std::find(head.names.begin(), head.names.end(), name) != head.names.end()) continue;
    Error error = fail(ErrorCode::invalid_argument, "'{}' has no column '{}'", path, name);
    error.hint = did_you_mean(name, head.names);
    return error.at("types." + name);
  }
  const std::string_view rows = block.text.substr(head.bytes);
  arrow::FieldVector fields;
  if (declared.size() == head.names.size() || rows.empty()) {
    for (const std::string& name : head.names) fields.push_back(arrow::field(name, arrow::utf8()));
  } else {
    fields = TRY(infer(path, rows, dialect, head.names, declared));
  }
  for (auto& field : fields) {
    const auto known = declared.find(field->name());
    field = field->WithType(known != declared.end() ? known->second : settled(field->type()));
  }
  return arrow::schema(std::move(fields));
}

Result<> check_csv_types(const ColumnTypes& types) {
  const auto options = arrow::csv::ConvertOptions::Defaults();
  for (const auto& [name, type] : types) {
    if (arrow::csv::Converter::Make(type, options).ok()) continue;
    return fail(ErrorCode::unsupported, "CSV files hold no values of type {}", type->ToString())
        .at(name);
  }
  return {};
}

}  // namespace troupe
