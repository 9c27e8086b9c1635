#pragma once

#include "runtime/formats/parquet_column.hpp"

namespace troupe {

/// A column whose values are numbers in the file: integers, floats, dates, times, decimals of at
/// most 18 digits. They are written as what they become: integers as narrow as their type, decimals
/// in their 128 bits.
std::unique_ptr<ParquetColumn> open_number_column(const parquet::ColumnDescriptor& column,
                                                  const std::shared_ptr<arrow::DataType>& type,
                                                  ColumnChunk chunk, arrow::MemoryPool* memory);

}  // namespace troupe
