#include "runtime/expr/type_name.hpp"

#include "runtime/base/near.hpp"
#include "runtime/expr/calendar.hpp"
#include "runtime/expr/cast.hpp"
#include "runtime/expr/function.hpp"
#include "runtime/expr/text.hpp"
#include "runtime/expr/text_scanner.hpp"
#include "runtime/expr/value_text.hpp"

#include <arrow/array/util.h>
#include <arrow/scalar.h>
#include <fmt/format.h>

#include <algorithm>

namespace troupe {

namespace {

const std::vector<std::string>& type_words() {
  static const std::vector<std::string> words = {
      "boolean",          "smallint", "integer", "bigint", "numeric",   "decimal",     "real",
      "double precision", "text",     "varchar", "date",   "timestamp", "timestamptz", "interval"};
  return words;
}

/// The integers in brackets behind a type's name.
Result<std::vector<int>> modifiers(const Syntax& syntax, const Tree& type_name) {
  std::vector<int> values;
  for (const Tree& item : type_name.value("typmods", Tree::array())) {
    const SyntaxNode constant(item);
    if (constant.kind != "A_Const" || !constant.has("ival")) {
      return syntax.error(ErrorCode::invalid_argument, "a type's modifier must be an integer",
                          item);
    }
    const std::int64_t value = constant["ival"].value("ival", std::int64_t{0});
    values.push_back(static_cast<int>(std::clamp<std::int64_t>(value, -1'000'000, 1 << 24)));
  }
  return values;
}

// The bits by which the parser names the fields of an interval.
constexpr int month_bit = 1 << 1, year_bit = 1 << 2, day_bit = 1 << 3, hour_bit = 1 << 10,
              minute_bit = 1 << 11, second_bit = 1 << 12;

/// The unit of a bare number in INTERVAL '5' DAY: the smallest that is named.
const char* unit_of(int fields) {
  if (fields & second_bit) return "second";
  if (fields & minute_bit) return "minute";
  if (fields & hour_bit) return "hour";
  if (fields & day_bit) return "day";
  return fields & month_bit ? "month" : "year";
}

/// What lies below the smallest named field is cut off.
Interval cut(Interval value, int fields) {
  const bool time = (fields & (hour_bit | minute_bit | second_bit)) != 0;
  if (fields & second_bit) return value;
  const std::int64_t unit = fields & minute_bit ? micros_per_minute : micros_per_hour;
  value.nanos = time ? value.nanos / (unit * 1000) * (unit * 1000) : 0;
  if (!time && !(fields & day_bit)) value.days = 0;
  if (!time && !(fields & day_bit) && !(fields & month_bit)) value.months -= value.months % 12;
  return value;
}

Result<NodePtr> interval_with_fields(const NodePtr& node, int fields, TextSpan span) {
  const ConstantNode* constant = as_constant(node);
  NodePtr value = node;
  if (constant && !constant->is_null() && node->type().kind == SqlKind::unknown) {
    const std::string text = TRY(constant_text(node, "an interval"));
    if (text.find_first_not_of(" +-.0123456789") == std::string::npos &&
        text.find('-', 1) == std::string::npos) {
      const arrow::StringScalar with_unit(fmt::format("{} {}", text, unit_of(fields)));
      auto array = TRY(arrow_try(arrow::MakeArrayFromScalar(with_unit, 1)));
      value = std::make_shared<ConstantNode>(std::move(array), sql(SqlKind::unknown), node->span());
    }
  }
  value = TRY(cast_explicitly(value, sql(SqlKind::interval), span));
  const Kernel kernel = strict<Interval, Interval>(
      sql(SqlKind::interval), [fields](const Interval& whole) { return cut(whole, fields); });
  return make_call(fmt::format("interval[{}]", fields), sql(SqlKind::interval), {value}, kernel,
                   false, span);
}

NodePtr cut_text(const NodePtr& node, int characters, TextSpan span) {
  const Kernel kernel = strict<std::string, std::string_view>(
      sql(SqlKind::text), [characters](std::string_view text) {
        return text_slice(text, 0, static_cast<std::size_t>(characters));
      });
  return make_call(fmt::format("varchar[{}]", characters), sql(SqlKind::text), {node}, kernel,
                   false, span);
}

Error bad_digits(const Syntax& syntax, const Tree& tree) {
  return syntax.error(ErrorCode::invalid_argument,
                      fmt::format("numeric(precision, scale) takes a precision from 1 to {} and a "
                                  "scale from 0 to the precision",
                                  numeric_digits_max),
                      tree);
}

}  // namespace

Result<TypeName> type_of_name(const Syntax& syntax, const Tree& type_name) {
  std::vector<const Tree*> names;
  for (const Tree& name : type_name["names"]) names.push_back(&name);
  const std::string word = name_parts(names).back();
  if (type_name.contains("arrayBounds") || type_name.contains("setof")) {
    return syntax.error(ErrorCode::unsupported, "arrays are not supported", type_name);
  }
  const std::optional<SqlKind> kind = kind_of_name(word);
  if (!kind) {
    const bool known = word == "bpchar" || word == "time" || word == "timetz" || word == "bytea" ||
                       word == "json" || word == "jsonb" || word == "uuid";
    const std::string shown = word == "bpchar" ? "char(n): use varchar(n) or text" : word;
    return syntax.error(known ? ErrorCode::unsupported : ErrorCode::invalid_argument,
                        known ? fmt::format("type {} is not supported", shown)
                              : fmt::format("type \"{}\" does not exist", word),
                        type_name, did_you_mean(word, type_words()));
  }
  TypeName target{sql(*kind)};
  const std::vector<int> digits = TRY(modifiers(syntax, type_name));
  if (*kind == SqlKind::numeric) {
    target.type = SqlType{SqlKind::numeric, 0, 0};
    if (digits.empty()) return target;
    target.type = numeric_type(digits.size() > 1 ? digits[1] : 0, digits[0]);
    const bool valid = digits[0] >= 1 && digits[0] <= numeric_digits_max &&
                       target.type.scale >= 0 && target.type.scale <= digits[0];
    if (!valid) return bad_digits(syntax, type_name);
  } else if (*kind == SqlKind::interval) {
    constexpr int every_field = 0x7fff;
    if (!digits.empty() && digits[0] != every_field) target.interval_fields = digits[0];
  } else if (*kind == SqlKind::text && !digits.empty()) {
    target.characters = digits[0];
  } else if (!digits.empty() && digits[0] != 6) {
    return syntax.error(ErrorCode::unsupported,
                        fmt::format("{} has no precision here: it holds microseconds", word),
                        type_name);
  }
  return target;
}

Result<NodePtr> convert_to(const NodePtr& node, const TypeName& target, TextSpan span) {
  if (target.interval_fields != 0) return interval_with_fields(node, target.interval_fields, span);
  const NodePtr value = TRY(cast_explicitly(node, target.type, span));
  return target.characters < 0 ? value : cut_text(value, target.characters, span);
}

}  // namespace troupe
