#pragma once

#include "runtime/formats/csv_file.hpp"

#include <arrow/csv/options.h>

namespace arrow::csv {
class BlockParser;
}

namespace troupe {

/// The dialect as Arrow's parser wants it. A file of one column may have empty lines that mean
/// null.
arrow::csv::ParseOptions parse_options(const CsvDialect& dialect, std::size_t columns);
arrow::csv::ConvertOptions convert_options(const CsvDialect& dialect);

/// Blocks that end with a row of this dialect.
Result<std::unique_ptr<TextBlocks>> open_csv(const std::string& path, ByteRange range,
                                             const CsvDialect& dialect);

/// The head of a CSV file: names, and how many bytes of the first block they take.
struct CsvHead {
  std::vector<std::string> names;
  std::size_t bytes = 0;
};
Result<CsvHead> parse_head(const std::string& path, std::string_view text,
                           const CsvDialect& dialect);

}  // namespace troupe
