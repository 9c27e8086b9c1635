#include "runtime/formats/parquet_column.hpp"

#include "runtime/formats/column_chunk.hpp"
#include "runtime/formats/number_column.hpp"
#include "runtime/formats/text_column.hpp"

#include <arrow/type.h>
#include <parquet/column_reader.h>
#include <parquet/schema.h>

namespace troupe {
namespace {

/// Times count in the unit of the file only where nobody has asked for another one.
bool same_unit(const parquet::ColumnDescriptor& column, arrow::TimeUnit::type wanted) {
  const auto logical = column.logical_type();
  parquet::LogicalType::TimeUnit::unit unit = parquet::LogicalType::TimeUnit::UNKNOWN;
  if (logical && logical->is_timestamp()) {
    unit = static_cast<const parquet::TimestampLogicalType&>(*logical).time_unit();
  } else if (logical && logical->is_time()) {
    unit = static_cast<const parquet::TimeLogicalType&>(*logical).time_unit();
  }
  switch (unit) {
    case parquet::LogicalType::TimeUnit::MILLIS:
      return wanted == arrow::TimeUnit::MILLI;
    case parquet::LogicalType::TimeUnit::MICROS:
      return wanted == arrow::TimeUnit::MICRO;
    case parquet::LogicalType::TimeUnit::NANOS:
      return wanted == arrow::TimeUnit::NANO;
    default:
      return false;
  }
}

/// Decimals are the file's numbers only where nobody has asked for another scale.
bool same_decimal(const parquet::ColumnDescriptor& column, const arrow::DataType& wanted) {
  const auto logical = column.logical_type();
  if (!logical || !logical->is_decimal()) return false;
  const auto& there = static_cast<const parquet::DecimalLogicalType&>(*logical);
  const auto& type = static_cast<const arrow::Decimal128Type&>(wanted);
  return there.scale() == type.scale() && there.precision() == type.precision();
}

bool is_flat_int32(const parquet::ColumnDescriptor& column, const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::INT8:
    case arrow::Type::INT16:
    case arrow::Type::INT32:
    case arrow::Type::UINT8:
    case arrow::Type::UINT16:
    case arrow::Type::UINT32:
    case arrow::Type::DATE32:
      return true;
    case arrow::Type::DECIMAL128:
      return same_decimal(column, type);
    case arrow::Type::TIME32:
      return same_unit(column, static_cast<const arrow::TimeType&>(type).unit());
    default:
      return false;
  }
}

bool is_flat_int64(const parquet::ColumnDescriptor& column, const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::INT64:
    case arrow::Type::UINT64:
      return true;
    case arrow::Type::DECIMAL128:
      return same_decimal(column, type);
    case arrow::Type::TIME64:
      return same_unit(column, static_cast<const arrow::TimeType&>(type).unit());
    case arrow::Type::TIMESTAMP:
      return same_unit(column, static_cast<const arrow::TimestampType&>(type).unit());
    default:
      return false;
  }
}

}  // namespace

bool is_flat_column(const parquet::ColumnDescriptor& column, const arrow::DataType& type) {
  if (column.max_repetition_level() > 0 || column.max_definition_level() > 1) return false;
  if (column.path()->ToDotVector().size() != 1) return false;
  switch (column.physical_type()) {
    case parquet::Type::INT32:
      return is_flat_int32(column, type);
    case parquet::Type::INT64:
      return is_flat_int64(column, type);
    case parquet::Type::FLOAT:
      return type.id() == arrow::Type::FLOAT;
    case parquet::Type::DOUBLE:
      return type.id() == arrow::Type::DOUBLE;
    case parquet::Type::BYTE_ARRAY:
      return type.id() == arrow::Type::STRING;
    default:
      return false;
  }
}

std::unique_ptr<ParquetColumn> open_flat_column(const parquet::ColumnDescriptor& column,
                                                const std::shared_ptr<arrow::DataType>& type,
                                                ColumnChunk chunk, arrow::MemoryPool* memory) {
  if (!is_flat_column(column, *type)) return nullptr;
  if (column.physical_type() == parquet::Type::BYTE_ARRAY) {
    return open_text_column(column, std::move(chunk), memory);
  }
  return open_number_column(column, type, std::move(chunk), memory);
}

}  // namespace troupe
