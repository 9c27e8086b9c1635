#pragma once

#include <cstdint>

namespace parquet {
class ColumnDescriptor;
class ColumnReader;
}  // namespace parquet

namespace troupe {

/// True where Arrow's reader may change values of a leaf without a word: integers of 32 bits that
/// are declared as narrower ones lose their high bits, and timestamps of 96 bits what is less than
/// a microsecond, or too far away.
bool may_lose_values(const parquet::ColumnDescriptor& leaf);

/// Reads the leaf of a row group, beside Arrow's reader, and throws parquet::ParquetException with
/// row and value at the first one that would not come out as it is. Such leaves are rare, so that
/// reading them twice matters less than a decoder of ours for each; the flat integers have one.
void check_leaf(parquet::ColumnReader& leaf);

/// What to say of an integer that its declared type does not hold; rows are counted from 0.
[[noreturn]] void throw_too_wide(std::int64_t row, std::int64_t value, const char* type);

}  // namespace troupe
