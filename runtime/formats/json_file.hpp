#pragma once

#include "runtime/formats/batch_writer.hpp"
#include "runtime/formats/csv_file.hpp"
#include "runtime/formats/text_blocks.hpp"
#include "runtime/operator/batch_reader.hpp"
#include "runtime/os/file_system.hpp"

#include <memory>
#include <string>

namespace troupe {

/// Names and types of the fields of the objects in a file of JSON lines: declared, or inferred from
/// the first MiB, and up to `json_sample_max` where some field has only nulls before: bigint,
/// boolean, date, timestamp and timestamptz (ISO 8601), double precision, numeric(38,0) for
/// integers that are no bigint, text, and lists and structs of those. In the order of the file;
/// declared ones that do not occur in it come last.
inline constexpr std::size_t json_sample_max = 16 << 20;
Result<SchemaPtr> json_schema(FileSystem& files, const std::string& path,
                              const ColumnTypes& declared);

/// Error, with the column as path, where JSON holds no values of such a type.
Result<> check_json_types(const ColumnTypes& types);

/// What a reader of JSON lines must know besides the columns.
struct JsonReading {
  /// All fields that objects may have: one that is not in here would be lost, and is an error.
  /// Null: fields that are not asked for are passed over.
  SchemaPtr known = nullptr;
  /// Types that the user wants, whatever they do to a value.
  ColumnTypes declared = {};
};

/// The objects that begin in `range`, with these columns and types. A field that is missing is
/// null; what does not parse, and an integer that would lose digits, is an error with file and
/// line.
Result<std::unique_ptr<BatchReader>> read_json(FileSystem& files, const std::string& path,
                                               ByteRange range, const SchemaPtr& columns,
                                               const JsonReading& reading = {});

/// One object a line, nulls included. Times are texts in ISO 8601, bytes texts in base64, decimals
/// are numbers; numbers that JSON lacks (NaN, infinities) are texts. A map is a list of objects
/// with `key` and `value`.
Result<std::unique_ptr<BatchWriter>> write_json(FileSystem& files, const std::string& path,
                                                const SchemaPtr& schema);

/// Error where a column cannot be written as JSON: intervals and durations.
Result<> check_json_schema(const arrow::Schema& schema);

}  // namespace troupe
