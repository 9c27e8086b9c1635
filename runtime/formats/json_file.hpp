#pragma once

#include "runtime/formats/batch_io.hpp"
#include "runtime/formats/csv_file.hpp"
#include "runtime/formats/text_blocks.hpp"
#include "runtime/os/file_system.hpp"

#include <memory>
#include <string>

namespace troupe {

/// Names and types of the fields of the objects in a file of JSON lines: declared, or inferred from
/// the first MiB: bigint, boolean, date, timestamp and timestamptz (ISO 8601), double precision,
/// text, and lists and structs of those. In the order of the file; declared ones that do not occur
/// in it come last.
Result<SchemaPtr> json_schema(const std::string& path, const ColumnTypes& declared);

/// Error, with the column as path, where JSON holds no values of such a type.
Result<> check_json_types(const ColumnTypes& types);

/// The objects that begin in `range`, with these columns and types. A field that is missing is
/// null, one that is not asked for is passed over; what does not parse is an error with file and
/// line.
Result<std::unique_ptr<BatchReader>> read_json(const std::string& path, ByteRange range,
                                               const SchemaPtr& columns);

/// One object a line, nulls included. Times are texts in ISO 8601, decimals are numbers; numbers
/// that JSON lacks (NaN, infinities) are texts.
Result<std::unique_ptr<BatchWriter>> write_json(FileSystem& files, const std::string& path,
                                                const SchemaPtr& schema);

/// Error where a column cannot be written as JSON: bytes.
Result<> check_json_schema(const arrow::Schema& schema);

}  // namespace troupe
