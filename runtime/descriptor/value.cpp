#include "runtime/descriptor/value.hpp"

#include "runtime/base/json.hpp"
#include "runtime/operator/options.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <utility>

namespace troupe {
namespace {

struct TypeName {
  ValueType type;
  const char* name;
};

// The first name of a type is the one that is shown.
constexpr std::array type_names = {
    TypeName{ValueType::string, "string"}, TypeName{ValueType::integer, "int"},
    TypeName{ValueType::number, "float"},  TypeName{ValueType::boolean, "bool"},
    TypeName{ValueType::date, "date"},     TypeName{ValueType::timestamp, "timestamp"},
    TypeName{ValueType::uri, "uri"},       TypeName{ValueType::uri, "path"},
    TypeName{ValueType::choice, "enum"},   TypeName{ValueType::duration, "duration"},
};

Error no(ValueType type, std::string_view text, std::string_view example) {
  return make_error(ErrorCode::invalid_argument, "'{}' is no {}, such as {}", text, to_string(type),
                    example);
}

template <class Number>
bool parse_number(std::string_view text, Number& number) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

/// "2026-01-31": digits at their places, and a day that exists.
bool is_date(std::string_view text) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  if (!parse_number(text.substr(0, 4), year) || text[0] == '+' || text[5] == '+' ||
      text[8] == '+' || !parse_number(text.substr(5, 2), month) ||
      !parse_number(text.substr(8, 2), day)) {
    return false;
  }
  return (std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day)).ok();
}

bool two_digits(std::string_view text, std::size_t at, int below) {
  int number = -1;
  return at + 2 <= text.size() && text[at] != '+' && text[at] != '-' &&
         parse_number(text.substr(at, 2), number) && number < below;
}

/// "2026-01-31T10:00:00", with a fraction and Z or an offset if wanted.
bool is_timestamp(std::string_view text) {
  if (is_date(text)) return true;
  if (text.size() < 16 || !is_date(text.substr(0, 10)) || (text[10] != 'T' && text[10] != ' ') ||
      !two_digits(text, 11, 24) || text[13] != ':' || !two_digits(text, 14, 60)) {
    return false;
  }
  text.remove_prefix(16);
  if (text.starts_with(':')) {
    if (!two_digits(text, 1, 61)) return false;
    text.remove_prefix(3);
    if (text.starts_with('.')) {
      const std::size_t digits = text.substr(1).find_first_not_of("0123456789");
      text.remove_prefix(1 + std::min(digits, text.size() - 1));
    }
  }
  if (text.empty() || text == "Z") return true;
  const bool offset = (text[0] == '+' || text[0] == '-') && two_digits(text, 1, 16);
  return offset &&
         (text.size() == 3 || (text.size() == 6 && text[3] == ':' && two_digits(text, 4, 60)));
}

Result<Value> parse_duration_value(std::string_view text) {
  const Result<Duration> duration = parse_duration(text);
  if (!duration) return no(ValueType::duration, text, "90s, 5m or 1h30m");
  Value value{ValueType::duration, std::string(text)};
  value.integer = duration->count();
  return value;
}

std::string shortest(double number) {
  const std::string text = fmt::format("{}", number);
  return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
}

std::string quoted_sql(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? "''" : std::string(1, c);
  return quoted + "'";
}

}  // namespace

const char* to_string(ValueType type) {
  for (const TypeName& known : type_names) {
    if (known.type == type) return known.name;
  }
  return "string";
}

std::optional<ValueType> parse_value_type(std::string_view word) {
  for (const TypeName& known : type_names) {
    if (word == known.name) return known.type;
  }
  return std::nullopt;
}

const std::vector<std::string>& value_type_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const TypeName& known : type_names) all.push_back(known.name);
    return all;
  }();
  return names;
}

Value text_value(std::string text) { return {ValueType::string, std::move(text)}; }
Value integer_value(std::int64_t integer) { return {ValueType::integer, "", integer}; }
Value number_value(double number) { return {ValueType::number, "", 0, number}; }
Value boolean_value(bool boolean) { return {ValueType::boolean, "", 0, 0, boolean}; }

Result<Value> parse_value(ValueType type, std::string_view text) {
  switch (type) {
    case ValueType::integer: {
      std::int64_t integer = 0;
      if (!parse_number(text, integer)) return no(type, text, "42");
      return integer_value(integer);
    }
    case ValueType::number: {
      double number = 0;
      if (!parse_number(text, number) || !std::isfinite(number)) return no(type, text, "0.5");
      return number_value(number);
    }
    case ValueType::boolean:
      if (text != "true" && text != "false") return no(type, text, "true or false");
      return boolean_value(text == "true");
    case ValueType::date:
      if (!is_date(text)) return no(type, text, "2026-01-31");
      return Value{type, std::string(text)};
    case ValueType::timestamp:
      if (!is_timestamp(text)) return no(type, text, "2026-01-31T10:00:00Z");
      return Value{type, std::string(text)};
    case ValueType::duration:
      return parse_duration_value(text);
    case ValueType::uri:
      if (text.empty()) return make_error(ErrorCode::invalid_argument, "an empty path");
      return Value{type, std::string(text)};
    case ValueType::string:
    case ValueType::choice:
      return Value{type, std::string(text)};
  }
  return make_error(ErrorCode::internal, "a value of no type");
}

std::string to_text(const Value& value) {
  switch (value.type) {
    case ValueType::integer:
      return std::to_string(value.integer);
    case ValueType::number:
      return shortest(value.number);
    case ValueType::boolean:
      return value.boolean ? "true" : "false";
    default:
      return value.text;
  }
}

std::string to_sql(const Value& value) {
  switch (value.type) {
    case ValueType::integer:
      // SQL has no literal for the smallest integer: its digits without the sign overflow.
      if (value.integer == INT64_MIN) return "(-9223372036854775807 - 1)";
      return value.integer < 0 ? fmt::format("({})", value.integer) : to_text(value);
    case ValueType::number:
      return fmt::format("CAST({} AS double precision)", shortest(value.number));
    case ValueType::boolean:
      return value.boolean ? "TRUE" : "FALSE";
    case ValueType::date:
      return "DATE " + quoted_sql(value.text);
    case ValueType::timestamp: {
      const bool zone = value.text.find_first_of("Z+", 10) != std::string::npos ||
                        value.text.find('-', 10) != std::string::npos;
      return fmt::format("TIMESTAMP{} {}", zone ? " WITH TIME ZONE" : "", quoted_sql(value.text));
    }
    case ValueType::duration: {
      const std::int64_t microseconds = value.integer / 1000;
      if (microseconds % 1000000 == 0) {
        return fmt::format("INTERVAL '{} seconds'", microseconds / 1000000);
      }
      return fmt::format("INTERVAL '{} microseconds'", microseconds);
    }
    default:
      return quoted_sql(value.text);
  }
}

Json to_json(const Value& value) {
  switch (value.type) {
    case ValueType::integer:
      return value.integer;
    case ValueType::number:
      return value.number;
    case ValueType::boolean:
      return value.boolean;
    default:
      return value.text;
  }
}

}  // namespace troupe
