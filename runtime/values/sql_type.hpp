#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace arrow {
class DataType;
}

namespace troupe {

/// The SQL types of expressions. Numbers stand in PostgreSQL's order of promotion.
enum class SqlKind {
  unknown,  ///< a string literal or NULL whose type its surroundings decide
  boolean,
  int2,
  int4,
  int8,
  numeric,
  float4,
  float8,
  text,
  date,
  timestamp,
  timestamptz,
  interval,
  opaque,  ///< any other Arrow type: such a column can be passed on and tested for NULL
};

/// A SQL type: the kind, for numeric the digits, for opaque the Arrow type.
///
/// In PostgreSQL every numeric value has a scale of its own; a column of Arrow has one scale. So
/// the scale is part of the type here, and every operator decides the scale of its result.
struct SqlType {
  SqlKind kind = SqlKind::unknown;
  int precision = 38;
  int scale = 0;
  std::shared_ptr<arrow::DataType> opaque = nullptr;

  friend bool operator==(const SqlType& a, const SqlType& b);
};

inline constexpr int numeric_digits_max = 38;

inline SqlType sql(SqlKind kind) { return SqlType{kind}; }
inline SqlType numeric_type(int scale, int precision = numeric_digits_max) {
  return SqlType{SqlKind::numeric, precision, scale};
}

/// The SQL type of a column; narrow and unsigned integers have the next wider kind.
SqlType sql_type(const std::shared_ptr<arrow::DataType>& type);
/// The Arrow type of a type's values while they are computed.
std::shared_ptr<arrow::DataType> arrow_type(const SqlType& type);

/// PostgreSQL's name of the kind: "integer", "numeric", "timestamp without time zone".
std::string to_string(const SqlType& type);
/// The kind that a type name of the parser means ("int4", "varchar", ...).
std::optional<SqlKind> kind_of_name(std::string_view name);

bool is_integer(SqlKind kind);
bool is_number(SqlKind kind);
bool is_moment(SqlKind kind);  ///< date, timestamp, timestamptz

/// True if PostgreSQL converts without a CAST: int4 to numeric, date to timestamp, a literal of
/// unknown type to anything.
bool casts_implicitly(SqlKind from, SqlKind to);
/// True if CAST(.. AS ..) exists. Whether a value can be converted shows only when it is.
bool casts_explicitly(SqlKind from, SqlKind to);

/// The one type of CASE branches, COALESCE, IN and comparison sides, if there is one.
std::optional<SqlType> common_type(const SqlType& a, const SqlType& b);

}  // namespace troupe
