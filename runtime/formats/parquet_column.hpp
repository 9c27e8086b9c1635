#pragma once

#include "runtime/data/schema.hpp"
#include "runtime/operator/value_test.hpp"

#include <cstdint>
#include <memory>
#include <span>

namespace arrow {
class MemoryPool;
}
namespace parquet {
class ColumnDescriptor;
}  // namespace parquet

namespace troupe {

struct ColumnChunk;

/// Decodes one flat column of one row group straight from its pages.
///
/// Arrow's reader does the same for every column there can be; this one does it for the common ones
/// (numbers, times and strings, not nested): all batches of a row group share one dictionary, by
/// pointer, values are written once, where they stay and as what they stay, and rows that are not
/// wanted cost little. The library's own decoders of page headers, levels and rare encodings do
/// their work.
///
/// Rows are read in one of two ways, for all of a row group: every row by `read`; or chosen ones, a
/// block after the other, by `add` and `finish`, where `look` may be asked first. What a call finds
/// damaged it throws as the library does.
class ParquetColumn {
 public:
  virtual ~ParquetColumn() = default;
  /// The next values, at most `rows`, at least one; fewer where their texts become many bytes.
  virtual std::shared_ptr<arrow::Array> read(std::int64_t rows) = 0;
  /// True at the end of a page: a row group that ends inside one claims too few rows.
  virtual bool ended() const = 0;
  /// True where each value of the last array is known to be one of its type.
  virtual bool proven() const { return false; }

  /// Rows left in the current page, at least one. A block that is looked at ends with it.
  virtual std::int64_t page_rows() = 0;
  /// How many of the next `rows` rows can be added to those that have been, none where `finish`
  /// must come first.
  virtual std::int64_t fitting(std::int64_t rows) = 0;
  /// Clears `keep[i]` where the test needs no row with the value of the i-th of the next `rows`
  /// rows. They stay the next ones, until `add` is called for exactly these.
  virtual void look(std::int64_t rows, const ValueTest& test, std::uint8_t* keep) = 0;
  /// Adds those of the next `rows` rows that are at `chosen` (ascending), and goes on behind them.
  virtual void add(std::int64_t rows, std::span<const std::uint32_t> chosen) = 0;
  /// What has been added.
  virtual std::shared_ptr<arrow::Array> finish() = 0;
};

/// None where the column is not one of the common ones. `type` is its logical type, `memory` what
/// the library's decoders reserve in.
std::unique_ptr<ParquetColumn> open_flat_column(const parquet::ColumnDescriptor& column,
                                                const std::shared_ptr<arrow::DataType>& type,
                                                ColumnChunk chunk, arrow::MemoryPool* memory);
/// Whether `open_flat_column` knows such columns.
bool is_flat_column(const parquet::ColumnDescriptor& column, const arrow::DataType& type);

}  // namespace troupe
