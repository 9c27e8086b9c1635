#pragma once

#include "runtime/data/schema.hpp"

#include <cstdint>
#include <memory>

namespace arrow {
class MemoryPool;
}
namespace parquet {
class ColumnDescriptor;
class PageReader;
}  // namespace parquet

namespace troupe {

/// Decodes one flat column of one row group straight from its pages.
///
/// Arrow's reader does the same for every column there can be; this one does it for the common ones
/// (numbers, times and strings, not nested) in half the time for strings: all batches of a row
/// group share one dictionary, by pointer, and indices are written once, where they stay. The
/// library's own decoders of pages, levels and encodings do the work.
class ParquetColumn {
 public:
  virtual ~ParquetColumn() = default;
  /// The next values, at most `rows`, at least one; fewer where their texts become many bytes.
  /// Throws what the library throws where the pages do not hold them.
  virtual std::shared_ptr<arrow::Array> read(std::int64_t rows) = 0;
  /// True at the end of a page: a row group that ends inside one claims too few rows.
  virtual bool ended() const = 0;
};

/// None where the column is not one of the common ones. `type` is its logical type, `memory` what
/// the library's decoders reserve in.
std::unique_ptr<ParquetColumn> open_flat_column(const parquet::ColumnDescriptor& column,
                                                const std::shared_ptr<arrow::DataType>& type,
                                                std::unique_ptr<parquet::PageReader> pages,
                                                arrow::MemoryPool* memory);
/// Whether `open_flat_column` knows such columns.
bool is_flat_column(const parquet::ColumnDescriptor& column, const arrow::DataType& type);

}  // namespace troupe
