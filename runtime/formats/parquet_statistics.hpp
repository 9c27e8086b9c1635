#pragma once

#include "runtime/expr/expression.hpp"

namespace parquet {
class ColumnChunkMetaData;
}

namespace troupe {

/// False where the statistics of this column chunk prove that no row of its row group satisfies the
/// bound. Nulls never do. Statistics say nothing about NaN, which is larger than every number, so
/// floating point columns are only skipped by upper bounds and equality.
bool may_hold(const parquet::ColumnChunkMetaData& chunk, std::int64_t rows,
              const ColumnBound& bound);

}  // namespace troupe
