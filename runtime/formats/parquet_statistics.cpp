#include "runtime/formats/parquet_statistics.hpp"

#include "runtime/formats/scalar_order.hpp"

#include <arrow/scalar.h>
#include <arrow/type.h>
#include <parquet/arrow/reader.h>
#include <parquet/exception.h>
#include <parquet/metadata.h>
#include <parquet/statistics.h>

namespace troupe {
namespace {

struct Range {
  std::shared_ptr<arrow::Scalar> min;
  std::shared_ptr<arrow::Scalar> max;
};

bool is_text(const arrow::Scalar& value) { return arrow::is_base_binary_like(value.type->id()); }

bool may_hold_in(const Range& range, const ColumnBound& bound) {
  const auto from_min = scalar_order(*bound.literal, *range.min);
  const auto from_max = scalar_order(*bound.literal, *range.max);
  if (!from_min || !from_max) return true;
  const bool nan_possible = arrow::is_floating(range.min->type->id());
  switch (bound.comparison) {
    case Comparison::equal:
      return *from_min >= 0 && *from_max <= 0;
    case Comparison::less:
      return *from_min > 0;
    case Comparison::less_equal:
      return *from_min >= 0;
    case Comparison::greater:
      return *from_max < 0 || nan_possible;
    case Comparison::greater_equal:
      return *from_max <= 0 || nan_possible;
    case Comparison::not_equal:
      // The bounds of long strings may be cut, so that equal ones prove nothing.
      return *from_min != 0 || *from_max != 0 || nan_possible || is_text(*range.min);
  }
  return true;
}

}  // namespace

bool may_hold(const parquet::ColumnChunkMetaData& chunk, std::int64_t rows,
              const ColumnBound& bound) try {
  if (bound.literal == nullptr || !bound.literal->is_valid || !chunk.is_stats_set()) return true;
  const auto statistics = chunk.statistics();
  if (statistics == nullptr) return true;
  if (statistics->HasNullCount() && statistics->null_count() == rows) return false;
  Range range;
  if (!statistics->HasMinMax()) return true;
  if (!parquet::arrow::StatisticsAsScalars(*statistics, &range.min, &range.max).ok()) return true;
  return may_hold_in(range, bound);
} catch (const parquet::ParquetException&) {
  return true;  // statistics that cannot be read prove nothing
}

}  // namespace troupe
