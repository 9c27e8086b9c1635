#pragma once

#include "runtime/formats/csv_file.hpp"
#include "runtime/formats/csv_rows.hpp"

#include <arrow/csv/options.h>

namespace troupe {

/// The dialect as Arrow's parser wants it. A file of one column may have empty lines that mean
/// null.
arrow::csv::ParseOptions parse_options(const CsvDialect& dialect, std::size_t columns);
arrow::csv::ConvertOptions convert_options(const CsvDialect& dialect);

/// Blocks that end with a row of this dialect. Lines are skipped at the file's begin only.
Result<std::unique_ptr<TextBlocks>> open_csv(FileSystem& files, const std::string& path,
                                             const TextOptions& options, const CsvDialect& dialect);

/// The dialect with the delimiter that this file has, where it leaves that open: of ',', tab, ';'
/// and '|' the one that gives all of the first rows the same number of values, the highest.
Result<CsvDialect> with_delimiter(FileSystem& files, const std::string& path,
                                  const CsvDialect& dialect);

/// What stands before the rows of a CSV file, and the block in which they begin.
struct CsvHead {
  std::vector<std::string> names;  ///< empty: there are no rows, and no names
  std::unique_ptr<TextBlocks> blocks;
  TextBlock block = {.text = {}};
  std::size_t taken = 0;   ///< of the block, by comments and the header
  std::int64_t first = 0;  ///< the byte of the file where rows begin, if its encoding can be cut
};
Result<CsvHead> open_head(FileSystem& files, const std::string& path, const CsvDialect& dialect);

/// What is wrong with the quotes of a row, and what to do.
Error quote_error(const std::string& where, const CsvRow& row, std::string_view text);
/// The begin of a row, for messages.
std::string shown_row(std::string_view text);

}  // namespace troupe
