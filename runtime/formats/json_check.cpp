#include "runtime/formats/json_check.hpp"

#include "runtime/base/json.hpp"
#include "runtime/base/json_text.hpp"
#include "runtime/base/near.hpp"
#include "runtime/formats/column_types.hpp"
#include "runtime/formats/exact_number.hpp"

#include <arrow/array.h>
#include <arrow/type.h>

#include <cmath>
#include <vector>

namespace troupe {
namespace {

constexpr double exact_below = 9007199254740992.0;  // 2^53

/// Calls `see(path, type, digits)` for each number of a text, with the type that a schema has for
/// it (null where it has none) and its letters in the text.
template <class See>
class Numbers final : public nlohmann::json_sax<Json> {
 public:
  Numbers(const arrow::Schema& schema, See see) : schema_(schema), see_(std::move(see)) {}

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t value) override { return number(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return number(std::to_string(value)); }
  bool number_float(number_float_t, const string_t& text) override { return number(text); }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return enter(); }
  bool end_object() override { return leave(); }
  bool start_array(std::size_t) override {
    const arrow::DataType* list = type();
    enter();
    const bool known =
        list != nullptr && list->num_fields() == 1 && arrow::is_list_like(list->id());
    levels_.back().value = known ? list->field(0)->type().get() : nullptr;
    return true;
  }
  bool end_array() override { return leave(); }
  bool key(string_t& name) override {
    Level& level = levels_.back();
    level.key = name;
    level.value = nullptr;
    if (levels_.size() == 1) {
      if (const auto field = schema_.GetFieldByName(name)) level.value = field->type().get();
    } else if (level.object != nullptr && level.object->id() == arrow::Type::STRUCT) {
      const auto& object = static_cast<const arrow::StructType&>(*level.object);
      if (const auto field = object.GetFieldByName(name)) level.value = field->type().get();
    }
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const Json::exception&) override {
    return false;
  }

 private:
  struct Level {
    const arrow::DataType* object = nullptr;  ///< of the object that is open
    const arrow::DataType* value = nullptr;   ///< of the value that comes next
    std::string key = {};
  };

  const arrow::DataType* type() const { return levels_.empty() ? nullptr : levels_.back().value; }
  bool enter() {
    levels_.push_back({.object = type()});
    return true;
  }
  bool leave() {
    levels_.pop_back();
    return true;
  }
  bool number(const std::string& text) {
    std::vector<std::string> path;
    for (const Level& level : levels_) {
      if (!level.key.empty()) path.push_back(level.key);
    }
    see_(path, type(), text);
    return true;
  }

  const arrow::Schema& schema_;
  const See see_;
  std::vector<Level> levels_;
};

template <class See>
void see_numbers(std::string_view text, const arrow::Schema& schema, See see) {
  Numbers<See> numbers(schema, std::move(see));
  Json::sax_parse(text, &numbers);
}

template <class Each>
void each_line(std::string_view lines, Each each) {
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    each(lines.substr(0, end));
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
}

/// The types whose texts stand in quotes.
bool quoted(const arrow::DataType& type) {
  return arrow::is_base_binary_like(type.id()) || arrow::is_temporal(type.id());
}

bool fits(const Json& value, const arrow::DataType& type) {
  if (value.is_null()) return true;
  switch (type.id()) {
    case arrow::Type::BOOL:
      return value.is_boolean();
    case arrow::Type::LIST:
      return value.is_array();
    case arrow::Type::STRUCT:
      return value.is_object();
    case arrow::Type::MAP:
      return value.is_array();
    default:
      break;
  }
  if (quoted(type)) return value.is_string();
  if (arrow::is_integer(type.id())) {
    return value.is_number_integer() &&
           !(type.id() == arrow::Type::INT64 && value.is_number_unsigned() &&
             value.get<std::uint64_t>() > INT64_MAX);
  }
  if (arrow::is_floating(type.id())) return value.is_number();
  return true;
}

const char* kind_of(const Json& value) {
  if (value.is_null()) return "null";
  if (value.is_boolean()) return "a boolean";
  if (value.is_string()) return "a text";
  if (value.is_array()) return "a list";
  if (value.is_object()) return "an object";
  return "a number";
}

std::string shown(const Json& value) {
  constexpr std::size_t shown_bytes_max = 60;
  std::string text = json_text(value);
  if (text.size() > shown_bytes_max) text = text.substr(0, shown_bytes_max) + "...";
  return text;
}

std::string type_for(const Json& value) {
  if (value.is_boolean()) return "boolean";
  if (value.is_number_integer())
    return value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX
               ? "\"numeric(38,0)\""
               : "bigint";
  if (value.is_number()) return "double precision";
  return value.is_string() ? "text" : "";
}

JsonFault misfit(const std::string& path, const Json& value, const arrow::DataType& type) {
  const std::string declared = type_for(value);
  return {fmt::format("field '{}': {} is {}, and the field is {}", path, shown(value),
                      kind_of(value), type_name(type)),
          declared.empty()
              ? "each field has one type: mend the file, or leave the field out with 'columns'"
              : fmt::format("declare its type, such as types: {{\"{}\": {}}}, or mend "
                            "the file",
                            path, declared)};
}

/// The first value inside another that has another type, or no place in it.
std::optional<JsonFault> misfit_in(const std::string& path, const Json& value,
                                   const arrow::DataType& type, bool strict) {
  if (!fits(value, type)) return misfit(path, value, type);
  if (value.is_array() && type.id() == arrow::Type::LIST) {
    for (const Json& item : value) {
      if (auto fault = misfit_in(path, item, *type.field(0)->type(), strict)) return fault;
    }
  }
  if (!value.is_object() || type.id() != arrow::Type::STRUCT) return std::nullopt;
  const auto& object = static_cast<const arrow::StructType&>(type);
  for (const auto& [name, inner] : value.items()) {
    const auto field = object.GetFieldByName(name);
    const std::string place = path + "." + name;
    if (field == nullptr && strict) {
      return JsonFault{fmt::format("the field '{}' has not been seen before", place),
                       "say 'schema: union', or declare the whole field, or name what to read in "
                       "'columns'"};
    }
    if (field == nullptr) continue;
    if (auto fault = misfit_in(place, inner, *field->type(), strict)) return fault;
  }
  return std::nullopt;
}

}  // namespace

std::optional<JsonFault> json_misfit(std::string_view object, const arrow::Schema& columns,
                                     const arrow::Schema* known) {
  const Json parsed = Json::parse(object, nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded()) return std::nullopt;
  if (!parsed.is_object()) {
    return JsonFault{fmt::format("{} is no object", shown(parsed)), "a line is one object"};
  }
  for (const auto& [name, value] : parsed.items()) {
    const auto field = columns.GetFieldByName(name);
    if (field != nullptr) {
      if (auto fault = misfit_in(name, value, *field->type(), known != nullptr)) return fault;
    } else if (known != nullptr && known->GetFieldByName(name) == nullptr) {
      const std::string declared = type_for(value);
      return JsonFault{
          fmt::format("the field '{}' has not been seen before: it would be lost", name),
          fmt::format("say 'schema: union' to look into all files, declare it, such as types: "
                      "{{\"{}\": {}}}, or name what to read in 'columns'",
                      name, declared.empty() ? "text" : declared)};
    }
  }
  return std::nullopt;
}

bool holds_large_doubles(const arrow::Array& values) {
  if (values.type_id() == arrow::Type::DOUBLE) {
    const auto& doubles = static_cast<const arrow::DoubleArray&>(values);
    for (std::int64_t i = 0; i < doubles.length(); ++i) {
      if (!doubles.IsNull(i) && std::fabs(doubles.Value(i)) >= exact_below) return true;
    }
    return false;
  }
  if (values.type_id() == arrow::Type::LIST) {
    return holds_large_doubles(*static_cast<const arrow::ListArray&>(values).values());
  }
  if (values.type_id() != arrow::Type::STRUCT) return false;
  for (const auto& field : static_cast<const arrow::StructArray&>(values).fields()) {
    if (holds_large_doubles(*field)) return true;
  }
  return false;
}

std::optional<JsonFault> inexact_number(std::string_view object, const arrow::Schema& columns,
                                        const ColumnTypes& declared) {
  std::optional<JsonFault> fault;
  see_numbers(object, columns,
              [&](const std::vector<std::string>& path, const arrow::DataType* type,
                  const std::string& text) {
                const bool is_double = type != nullptr && type->id() == arrow::Type::DOUBLE;
                if (fault || !is_double || declared.contains(path.front())) return;
                if (!loses_digits(text)) return;
                const std::string name = fmt::format("{}", fmt::join(path, "."));
                fault = JsonFault{inexact_message(name, text),
                                  fmt::format("declare the field, such as types: {{\"{}\": "
                                              "\"numeric(38,2)\"}}; double precision rounds it",
                                              path.front())};
              });
  return fault;
}

std::map<std::string, std::size_t> integer_fields(std::string_view lines) {
  const arrow::Schema nothing{arrow::FieldVector()};
  std::map<std::string, std::size_t> digits;
  each_line(lines, [&](std::string_view line) {
    see_numbers(
        line, nothing,
        [&](const std::vector<std::string>& path, const arrow::DataType*, const std::string& text) {
          if (path.size() != 1) return;
          std::size_t& longest = digits[path.front()];
          longest = is_integer(text) ? std::max(longest, text.size()) : SIZE_MAX;
        });
  });
  std::erase_if(digits, [](const auto& field) { return field.second == SIZE_MAX; });
  return digits;
}

}  // namespace troupe
