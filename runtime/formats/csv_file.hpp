#pragma once

#include "runtime/formats/batch_writer.hpp"
#include "runtime/formats/text_blocks.hpp"
#include "runtime/operator/batch_reader.hpp"
#include "runtime/os/file_system.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// How a CSV file is written (RFC 4180, with what is usual beside it), and what is done with rows
/// that are not so.
struct CsvDialect {
  char delimiter = ',';  ///< 0: found out from the first rows, file by file
  char quote = '"';      ///< 0: quotes mean nothing
  bool header = true;    ///< the first row holds the names; else they are column0, column1, ...
  bool quoted_line_breaks = true;  ///< values in quotes may hold them
  /// What stands for null where it is not in quotes: so an empty value is null, "" an empty string.
  std::vector<std::string> null_values = {""};
  TextEncoding encoding = {};
  std::int64_t skip_lines = 0;  ///< before the header, whatever is in them
  std::string comment = {};     ///< lines that begin with it are no rows; empty: there are none
  bool rename = false;          ///< a name that is there twice is `name_2`, a missing one `column3`
  bool short_rows = false;      ///< values that a row lacks at its end are null
  bool skip_errors = false;     ///< rows that cannot be read are passed over and counted
};

/// Types by column that the user has declared.
using ColumnTypes = std::map<std::string, std::shared_ptr<arrow::DataType>>;

/// The names of the columns, from the first row. An empty file has none.
Result<std::vector<std::string>> csv_names(FileSystem& files, const std::string& path,
                                           const CsvDialect& dialect);

/// Names and types of the columns: declared, or inferred from the first MiB of rows, and at least
/// from one: bigint, boolean, date, timestamp (ISO 8601), double precision, numeric(38,0) for
/// integers that are no bigint, else text.
Result<SchemaPtr> csv_schema(FileSystem& files, const std::string& path, const CsvDialect& dialect,
                             const ColumnTypes& declared);

/// Error, with the column as path, where CSV holds no values of such a type.
Result<> check_csv_types(const ColumnTypes& types);

/// The rows that begin in `range`, with these columns and types. A value that is not of its type,
/// a row with too few or too many values, and quotes that do not match are errors with file and
/// line, or skipped as the dialect says. So is an integer that a double cannot hold, where nobody
/// has `declared` the column to be of doubles.
Result<std::unique_ptr<BatchReader>> read_csv(FileSystem& files, const std::string& path,
                                              ByteRange range, const CsvDialect& dialect,
                                              const SchemaPtr& columns,
                                              const ColumnTypes& declared = {});

struct CsvWriteOptions {
  char delimiter = ',';
  bool header = true;
};

/// Texts are quoted, nulls are empty: `read_csv` gets back what was written.
Result<std::unique_ptr<BatchWriter>> write_csv(FileSystem& files, const std::string& path,
                                               const SchemaPtr& schema,
                                               const CsvWriteOptions& options);

/// Error where a column cannot be written as text: nested ones, bytes, intervals and durations.
Result<> check_csv_schema(const arrow::Schema& schema);

}  // namespace troupe
