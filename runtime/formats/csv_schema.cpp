#include "runtime/base/near.hpp"
#include "runtime/data/arrow_result.hpp"
#include "runtime/formats/column_types.hpp"
#include "runtime/formats/csv_parse.hpp"
#include "runtime/formats/exact_number.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/chunked_array.h>
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

/// What Arrow infers, as the runtime's one type for it; nanoseconds only where they are needed.
TypePtr settled(const TypePtr& inferred, bool nanoseconds) {
  switch (inferred->id()) {
    case arrow::Type::TIMESTAMP:
      return arrow::timestamp(nanoseconds ? arrow::TimeUnit::NANO : arrow::TimeUnit::MICRO,
                              static_cast<const arrow::TimestampType&>(*inferred).timezone());
    case arrow::Type::TIME32:
      return arrow::time64(arrow::TimeUnit::MICRO);
    case arrow::Type::BINARY:  // text in another encoding: an error of the row that has it
      return arrow::utf8();
    default:
      return inferred;
  }
}

/// Leaves out what is no row.
void take_rows(std::string_view text, bool one_column, const CsvRows& rows, std::string& into) {
  for (std::size_t at = 0; at < text.size();) {
    const CsvRow row = *rows.next(text, at, true);
    at = row.end;
    const bool values = row.kind == CsvRow::Kind::values && row.fault == CsvRow::Fault::none;
    if (values || (row.kind == CsvRow::Kind::blank && one_column)) {
      into += text.substr(row.begin, row.end - row.begin);
    }
  }
}

/// The first rows of a file, as far as types are inferred from them: about a MiB, and at least one,
/// however long.
Result<std::string> first_rows(const std::string& path, CsvHead& head, const CsvDialect& dialect) {
  const CsvRows rows(dialect);
  const bool picks = dialect.skip_errors || !dialect.comment.empty();
  std::string sample;
  while (true) {
    const std::string_view text = head.block.text.substr(head.taken);
    if (picks) {
      take_rows(text, head.names.size() == 1, rows, sample);
    } else if (const auto fault = rows.first_fault(text)) {
      const std::int64_t line =
          head.block.line + line_breaks(head.block.text.substr(0, head.taken + fault->begin));
      return quote_error(fmt::format("'{}', line {}: ", path, line), *fault, text);
    } else {
      sample += text;
    }
    if (head.block.last || sample.size() >= TextBlocks::block_bytes / 2) return sample;
    head.block = TRY(head.blocks->next());
    head.taken = 0;
  }
}

/// What is wrong with the first rows, told with its line by a reader that infers nothing.
Error first_error(FileSystem& files, const std::string& path, const CsvDialect& dialect,
                  const std::vector<std::string>& names, const ColumnTypes& declared,
                  const arrow::Status& otherwise) {
  arrow::FieldVector fields;
  for (const std::string& name : names) {
    const auto known = declared.find(name);
    fields.push_back(arrow::field(name, known == declared.end() ? arrow::utf8() : known->second));
  }
  const auto reader = TRY(read_csv(files, path, {}, dialect, arrow::schema(std::move(fields))));
  while (TRY(reader->next()).rows() > 0) {
  }
  return make_error(ErrorCode::invalid_argument, "'{}': {}", path, otherwise.message());
}

arrow::Result<std::shared_ptr<arrow::Table>> table_of(std::string_view rows,
                                                      const arrow::csv::ParseOptions& parse,
                                                      const std::vector<std::string>& names,
                                                      const arrow::csv::ConvertOptions& convert) {
  auto read = arrow::csv::ReadOptions::Defaults();
  read.use_threads = false;
  read.block_size = INT32_MAX;
  read.column_names = names;
  const auto input =
      std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(std::string(rows)));
  ARROW_ASSIGN_OR_RAISE(
      const auto reader,
      arrow::csv::TableReader::Make(arrow::io::default_io_context(), input, read, parse, convert));
  return reader->Read();
}

/// What holds all these texts: numeric for integers that are no bigint, text for longer ones; null
/// where there is a fraction.
TypePtr type_of_integers(const arrow::ChunkedArray& texts) {
  constexpr std::size_t digits_max = 38;
  std::size_t digits = 0;
  for (const auto& chunk : texts.chunks()) {
    const auto& values = static_cast<const arrow::StringArray&>(*chunk);
    for (std::int64_t i = 0; i < values.length(); ++i) {
      if (values.IsNull(i)) continue;
      if (!is_integer(values.GetView(i))) return nullptr;
      digits = std::max(digits, values.GetView(i).size());
    }
  }
  if (digits > digits_max) return arrow::utf8();
  return arrow::decimal128(digits_max, 0);
}

/// True where a text has more digits after the second than microseconds have.
bool has_nanoseconds(const arrow::ChunkedArray& texts) {
  constexpr std::size_t micro_digits = 6;
  for (const auto& chunk : texts.chunks()) {
    const auto& values = static_cast<const arrow::StringArray&>(*chunk);
    for (std::int64_t i = 0; i < values.length(); ++i) {
      const std::string_view text = values.IsNull(i) ? "" : values.GetView(i);
      const std::size_t point = std::min(text.find('.'), text.size());
      const std::size_t end =
          text.find_first_not_of("0123456789", std::min(point + 1, text.size()));
      if (std::min(end, text.size()) > point + 1 + micro_digits) return true;
    }
  }
  return false;
}

bool is_doubtful(const arrow::DataType& inferred) {
  if (inferred.id() == arrow::Type::DOUBLE) return true;
  return inferred.id() == arrow::Type::TIMESTAMP &&
         static_cast<const arrow::TimestampType&>(inferred).unit() == arrow::TimeUnit::NANO;
}

/// The types of the columns in these rows.
Result<arrow::FieldVector> infer(FileSystem& files, const std::string& path, std::string_view rows,
                                 const CsvDialect& dialect, const std::vector<std::string>& names,
                                 const ColumnTypes& declared) {
  auto parse = parse_options(dialect, names.size());
  auto convert = convert_options(dialect);
  for (const auto& [name, type] : declared) {
    convert.column_types[name] = dialect.skip_errors ? arrow::utf8() : type;
  }
  if (dialect.skip_errors) {
    parse.invalid_row_handler = [](const arrow::csv::InvalidRow&) {
      return arrow::csv::InvalidRowResult::Skip;
    };
  }
  const auto table = table_of(rows, parse, names, convert);
  if (!table.ok()) return first_error(files, path, dialect, names, declared, table.status());
  arrow::FieldVector fields = (*table)->schema()->fields();
  // Arrow takes integers that are too long for doubles, and any fraction for nanoseconds.
  for (auto& field : fields) {
    if (declared.contains(field->name())) continue;
    if (!is_doubtful(*field->type())) {
      const bool nulls = field->type()->id() == arrow::Type::NA;
      if (!nulls) field = field->WithType(settled(field->type(), false));
      continue;
    }
    convert.include_columns.push_back(field->name());
    convert.column_types[field->name()] = arrow::utf8();
  }
  if (convert.include_columns.empty()) return fields;
  const auto texts = TRY(arrow_try(table_of(rows, parse, names, convert)));
  for (auto& field : fields) {
    const auto column = texts->GetColumnByName(field->name());
    if (column == nullptr) continue;
    if (field->type()->id() == arrow::Type::TIMESTAMP) {
      field = field->WithType(settled(field->type(), has_nanoseconds(*column)));
    } else if (const TypePtr exact = type_of_integers(*column)) {
      field = field->WithType(exact);
    }
  }
  return fields;
}

}  // namespace

Result<std::vector<std::string>> csv_names(FileSystem& files, const std::string& path,
                                           const CsvDialect& dialect) {
  return TRY(open_head(files, path, TRY(with_delimiter(files, path, dialect)))).names;
}

Result<SchemaPtr> csv_schema(FileSystem& files, const std::string& path, const CsvDialect& written,
                             const ColumnTypes& declared) {
  const CsvDialect dialect = TRY(with_delimiter(files, path, written));
  CsvHead head = TRY(open_head(files, path, dialect));
  if (head.names.empty()) {
    Error error = make_error(ErrorCode::invalid_argument, "'{}' is empty: it has no columns", path);
    error.hint = "leave it out of 'path'";
    return error;
  }
  for (const auto& [name, type] : declared) {
    if (std::find(head.names.begin(), head.names.end(), name) != head.names.end()) continue;
    return unknown_column(fmt::format("'{}' has no column '{}'", path, name), name, head.names)
        .at("types." + name);
  }
  const std::string rows = TRY(first_rows(path, head, dialect));
  arrow::FieldVector fields;
  if (declared.size() == head.names.size() || rows.empty()) {
    for (const std::string& name : head.names) fields.push_back(arrow::field(name, arrow::null()));
  } else {
    fields = TRY(infer(files, path, rows, dialect, head.names, declared));
  }
  for (auto& field : fields) {
    const auto known = declared.find(field->name());
    const bool guess = known == declared.end();
    const bool nulls = guess && field->type()->id() == arrow::Type::NA;
    if (!guess) field = field->WithType(known->second);
    if (nulls) field = unseen(field->WithType(arrow::utf8()));
  }
  return arrow::schema(std::move(fields));
}

Result<> check_csv_types(const ColumnTypes& types) {
  const auto options = arrow::csv::ConvertOptions::Defaults();
  for (const auto& [name, type] : types) {
    const bool bytes = type->id() == arrow::Type::BINARY;
    if (!bytes && arrow::csv::Converter::Make(type, options).ok()) continue;
    return make_error(ErrorCode::unsupported, "CSV files hold no values of type {}",
                      type->ToString())
        .at(name);
  }
  return {};
}

}  // namespace troupe
