#include "runtime/expr/type_name.hpp"

#include "runtime/base/near.hpp"
#include "runtime/functions/cast.hpp"
#include "runtime/values/interval_text.hpp"
#include "runtime/values/text.hpp"

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

/// Converts to an interval type with modifiers.
Result<NodePtr> modified_interval(const NodePtr& node, const IntervalModifier& modifier,
                                  TextSpan span) {
  const SqlType interval = sql(SqlKind::interval);
  const SqlKind kind = node->type().kind;
  if (!casts_explicitly(kind, SqlKind::interval)) return cast_explicitly(node, interval, span);
  const std::string name = fmt::format("interval[{},{}]", modifier.fields, modifier.precision);
  if (kind == SqlKind::interval) {
    const Kernel kernel = strict<Interval, Interval>(
        interval, [modifier](const Interval& whole) { return limited(whole, modifier); });
    return make_call(name, interval, {node}, kernel, true, span);
  }
  const Kernel kernel = strict<Interval, std::string_view>(
      interval, [modifier](std::string_view text) -> Result<Interval> {
        return limited(TRY(parse_interval(text, modifier)), modifier);
      });
  return read_literal(make_call(name, interval, {node}, kernel, true, span), node);
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
    if (!digits.empty()) target.interval.fields = digits[0];
    if (digits.size() > 1) {
      if (digits[1] < 0) {
        return syntax.error(ErrorCode::invalid_argument,
                            fmt::format("INTERVAL({}) precision must not be negative", digits[1]),
                            type_name);
      }
      target.interval.precision = std::min(digits[1], IntervalModifier::precision_max);
    }
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
  if (!target.interval.keeps_all()) return modified_interval(node, target.interval, span);
  const NodePtr value = TRY(cast_explicitly(node, target.type, span));
  return target.characters < 0 ? value : cut_text(value, target.characters, span);
}

}  // namespace troupe
