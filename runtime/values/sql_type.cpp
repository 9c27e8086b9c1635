#include "runtime/values/sql_type.hpp"

#include "runtime/base/ensure.hpp"
#include "runtime/data/batch.hpp"

#include <arrow/type.h>

#include <algorithm>
#include <array>
#include <utility>

namespace troupe {

namespace {

struct TypeName {
  std::string_view parsed;
  SqlKind kind;
};

constexpr std::array<TypeName, 18> type_names = {{
    {"bool", SqlKind::boolean},
    {"boolean", SqlKind::boolean},
    {"int2", SqlKind::int2},
    {"smallint", SqlKind::int2},
    {"int4", SqlKind::int4},
    {"int", SqlKind::int4},
    {"integer", SqlKind::int4},
    {"int8", SqlKind::int8},
    {"bigint", SqlKind::int8},
    {"numeric", SqlKind::numeric},
    {"float4", SqlKind::float4},
    {"float8", SqlKind::float8},
    {"text", SqlKind::text},
    {"varchar", SqlKind::text},
    {"date", SqlKind::date},
    {"timestamp", SqlKind::timestamp},
    {"timestamptz", SqlKind::timestamptz},
    {"interval", SqlKind::interval},
}};

SqlType numeric_of(const arrow::DataType& type) {
  const auto& decimal = static_cast<const arrow::DecimalType&>(type);
  return numeric_type(decimal.scale(), std::min(decimal.precision(), numeric_digits_max));
}

SqlType timestamp_of(const arrow::DataType& type) {
  const bool zoned = !static_cast<const arrow::TimestampType&>(type).timezone().empty();
  return sql(zoned ? SqlKind::timestamptz : SqlKind::timestamp);
}

}  // namespace

bool operator==(const SqlType& a, const SqlType& b) {
  if (a.kind != b.kind) return false;
  if (a.kind == SqlKind::numeric) return a.precision == b.precision && a.scale == b.scale;
  if (a.kind == SqlKind::opaque) return a.opaque->Equals(*b.opaque);
  return true;
}

SqlType sql_type(const std::shared_ptr<arrow::DataType>& column) {
  const std::shared_ptr<arrow::DataType> type = logical_type(column);
  switch (type->id()) {
    case arrow::Type::BOOL:
      return sql(SqlKind::boolean);
    case arrow::Type::INT8:
    case arrow::Type::UINT8:
    case arrow::Type::INT16:
      return sql(SqlKind::int2);
    case arrow::Type::UINT16:
    case arrow::Type::INT32:
      return sql(SqlKind::int4);
    case arrow::Type::UINT32:
    case arrow::Type::INT64:
      return sql(SqlKind::int8);
    case arrow::Type::UINT64:
      return numeric_type(0, 20);
    case arrow::Type::HALF_FLOAT:
    case arrow::Type::FLOAT:
      return sql(SqlKind::float4);
    case arrow::Type::DOUBLE:
      return sql(SqlKind::float8);
    case arrow::Type::DECIMAL32:
    case arrow::Type::DECIMAL64:
    case arrow::Type::DECIMAL128:
    case arrow::Type::DECIMAL256:
      return numeric_of(*type);
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
    case arrow::Type::STRING_VIEW:
    case arrow::Type::NA:
      return sql(SqlKind::text);
    case arrow::Type::DATE32:
    case arrow::Type::DATE64:
      return sql(SqlKind::date);
    case arrow::Type::TIMESTAMP:
      return timestamp_of(*type);
    case arrow::Type::INTERVAL_MONTH_DAY_NANO:
      return sql(SqlKind::interval);
    default:
      return SqlType{SqlKind::opaque, 0, 0, type};
  }
}

std::shared_ptr<arrow::DataType> arrow_type(const SqlType& type) {
  switch (type.kind) {
    case SqlKind::boolean:
      return arrow::boolean();
    case SqlKind::int2:
      return arrow::int16();
    case SqlKind::int4:
      return arrow::int32();
    case SqlKind::int8:
      return arrow::int64();
    case SqlKind::numeric:
      return arrow::decimal128(type.precision, type.scale);
    case SqlKind::float4:
      return arrow::float32();
    case SqlKind::float8:
      return arrow::float64();
    case SqlKind::unknown:
    case SqlKind::text:
      return arrow::utf8();
    case SqlKind::date:
      return arrow::date32();
    case SqlKind::timestamp:
      return arrow::timestamp(arrow::TimeUnit::MICRO);
    case SqlKind::timestamptz:
      return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
    case SqlKind::interval:
      return arrow::month_day_nano_interval();
    case SqlKind::opaque:
      return type.opaque;
  }
  return nullptr;
}

std::string to_string(const SqlType& type) {
  switch (type.kind) {
    case SqlKind::unknown:
      return "unknown";
    case SqlKind::boolean:
      return "boolean";
    case SqlKind::int2:
      return "smallint";
    case SqlKind::int4:
      return "integer";
    case SqlKind::int8:
      return "bigint";
    case SqlKind::numeric:
      return "numeric";
    case SqlKind::float4:
      return "real";
    case SqlKind::float8:
      return "double precision";
    case SqlKind::text:
      return "text";
    case SqlKind::date:
      return "date";
    case SqlKind::timestamp:
      return "timestamp without time zone";
    case SqlKind::timestamptz:
      return "timestamp with time zone";
    case SqlKind::interval:
      return "interval";
    case SqlKind::opaque:
      return type.opaque ? type.opaque->ToString() : "opaque";
  }
  return "unknown";
}

std::optional<SqlKind> kind_of_name(std::string_view name) {
  for (const TypeName& known : type_names) {
    if (known.parsed == name) return known.kind;
  }
  return std::nullopt;
}

bool is_integer(SqlKind kind) { return kind >= SqlKind::int2 && kind <= SqlKind::int8; }
bool is_number(SqlKind kind) { return kind >= SqlKind::int2 && kind <= SqlKind::float8; }
bool is_moment(SqlKind kind) { return kind >= SqlKind::date && kind <= SqlKind::timestamptz; }

bool casts_implicitly(SqlKind from, SqlKind to) {
  if (from == SqlKind::opaque || to == SqlKind::opaque) return false;
  if (from == to || from == SqlKind::unknown) return true;
  if (is_number(from) && is_number(to)) return from < to;
  return is_moment(from) && is_moment(to) && from < to;
}

bool casts_explicitly(SqlKind from, SqlKind to) {
  if (from == SqlKind::opaque || to == SqlKind::opaque) return false;
  if (casts_implicitly(from, to) || from == SqlKind::text || to == SqlKind::text) return true;
  if (is_number(from) && is_number(to)) return true;
  if (is_moment(from) && is_moment(to)) return true;
  return (from == SqlKind::boolean && to == SqlKind::int4) ||
         (from == SqlKind::int4 && to == SqlKind::boolean);
}

std::optional<SqlType> common_type(const SqlType& a, const SqlType& b) {
  if (a == b) return a;
  if (a.kind == SqlKind::unknown) return b;
  if (b.kind == SqlKind::unknown) return a;
  if (a.kind == SqlKind::numeric && b.kind == SqlKind::numeric) {
    return numeric_type(std::max(a.scale, b.scale));
  }
  if (casts_implicitly(a.kind, b.kind)) {
    return b.kind == SqlKind::numeric ? numeric_type(b.scale) : b;
  }
  if (casts_implicitly(b.kind, a.kind)) {
    return a.kind == SqlKind::numeric ? numeric_type(a.scale) : a;
  }
  return std::nullopt;
}

}  // namespace troupe
