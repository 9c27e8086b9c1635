#pragma once

#include "runtime/formats/parquet_column.hpp"

namespace troupe {

/// A column of strings, as indices while the pages have indices. Where a writer has given up its
/// dictionary halfway, one piece ends with the last page of indices, and the next begins with the
/// plain pages.
std::unique_ptr<ParquetColumn> open_text_column(const parquet::ColumnDescriptor& column,
                                                ColumnChunk chunk, arrow::MemoryPool* memory);

}  // namespace troupe
