#pragma once

#include "runtime/base/json_fwd.hpp"
#include "runtime/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// The types of `params:`.
enum class ValueType { string, integer, number, boolean, date, timestamp, uri, choice, duration };

/// The word of a descriptor: "int", "uri", ...; `path` is another word for `uri`.
const char* to_string(ValueType type);
std::optional<ValueType> parse_value_type(std::string_view word);
/// The words of `parse_value_type`.
const std::vector<std::string>& value_type_names();

/// The value of a parameter or of a `${{ }}` expression: a scalar that knows its type.
struct Value {
  ValueType type = ValueType::string;
  std::string text = {};     ///< of all types but integer, number, boolean; canonical
  std::int64_t integer = 0;  ///< integer; nanoseconds of a duration
  double number = 0;
  bool boolean = false;

  friend bool operator==(const Value&, const Value&) = default;
};

Value text_value(std::string text);
Value integer_value(std::int64_t integer);
Value number_value(double number);
Value boolean_value(bool boolean);

/// Reads a caller's or author's text as a value of the declared type: "12", "2026-01-31", "5m".
Result<Value> parse_value(ValueType type, std::string_view text);

/// The form that is pasted into a text that is no SQL.
std::string to_text(const Value& value);
/// A typed SQL literal of exactly this value, whatever is in it (so no value can inject SQL):
/// 'it''s', CAST(0.5 AS double precision), DATE '2026-01-31', INTERVAL '300 seconds'.
std::string to_sql(const Value& value);
Json to_json(const Value& value);

}  // namespace troupe
