#include "runtime/descriptor/shape_parameters.hpp"

#include "runtime/base/json.hpp"
#include "runtime/base/near.hpp"
#include "runtime/base/utf8.hpp"
#include "runtime/descriptor/map_reader.hpp"
#include "runtime/graph/graph_check.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

namespace troupe {
namespace {

double magnitude(const Value& value) {
  return value.type == ValueType::integer ? static_cast<double>(value.integer) : value.number;
}

bool bounded(ValueType type) { return type == ValueType::integer || type == ValueType::number; }

class ParameterShaper {
 public:
  ParameterShaper(const std::map<std::string, std::string>& given, bool may_be_open,
                  Diagnostics& diagnostics)
      : given_(given), may_be_open_(may_be_open), diagnostics_(diagnostics) {}

  ShapedParameters run(const YamlEntry* entry) {
    const YamlNode* params = entry ? &entry->value : nullptr;
    if (params && params->kind != YamlNode::Kind::map) {
      report_wrong_type(diagnostics_, *params, "params", "a map");
      params = nullptr;
    }
    if (params) {
      for (const YamlEntry& entry : params->entries) declare(entry);
    }
    for (const auto& [name, text] : given_) unknown(name, entry);
    return std::move(shaped_);
  }

 private:
  void declare(const YamlEntry& entry) {
    const std::size_t before = diagnostics_.size();
    const std::string& name = entry.key.text;
    if (!valid_id(name)) {
      diagnostics_.report(Mistake::bad_name, entry.key.offset, marked_bytes(entry.key),
                          fmt::format("'{}' is no name for a parameter", name),
                          "a lower-case letter, then letters, digits, '_' and '-'");
    }
    ParameterDeclaration declaration{name};
    read(entry, declaration);
    // A broken declaration cannot judge a value: its mistakes would follow from the first one.
    if (diagnostics_.size() == before) take_value(entry, declaration);
    if (diagnostics_.size() != before) shaped_.broken.insert("params." + name);
    shaped_.declarations.push_back(std::move(declaration));
  }

  void read(const YamlEntry& entry, ParameterDeclaration& declaration) {
    MapReader reader(entry.value, declaration.name, diagnostics_,
                     {"type", "default", "min", "max", "values", "description"}, {"pattern"});
    const YamlNode* type = reader.require("type", entry.key.offset, marked_bytes(entry.key));
    declaration.description = reader.text("description").value_or("");
    if (!type) return;
    const std::optional<ValueType> known = parse_value_type(type->text);
    if (!known) {
      diagnostics_.report(Mistake::bad_value, type->offset, marked_bytes(*type),
                          fmt::format("{} is no type of a parameter", describe(*type)),
                          did_you_mean(type->text, value_type_names()), value_type_names());
      return;
    }
    declaration.type = *known;
    declaration.min = bound(reader, "min", *known);
    declaration.max = bound(reader, "max", *known);
    if (const YamlNode* values = reader.list("values")) {
      std::vector<Value> allowed;
      for (const YamlNode& value : values->items) {
        if (std::optional<Value> one = parse(declaration, value)) allowed.push_back(*one);
      }
      declaration.values = std::move(allowed);
    }
    if (*known == ValueType::choice && !reader.has("values")) {
      diagnostics_.report(Mistake::missing_key, type->offset, marked_bytes(*type),
                          "an enum needs 'values', the list of what is allowed");
    }
    if (const YamlNode* value = reader.find("default")) {
      declaration.default_value = parse(declaration, *value);
    }
  }

  std::optional<double> bound(const MapReader& reader, const char* key, ValueType type) {
    const YamlNode* node = reader.find(key);
    if (!node) return std::nullopt;
    const Json value = to_json(*node);
    if (!bounded(type)) {
      diagnostics_.report(
          Mistake::bad_parameter, node->offset, marked_bytes(*node),
          fmt::format("'{}' is for int and float, not for {}", key, to_string(type)));
    } else if (!value.is_number()) {
      report_wrong_type(diagnostics_, *node, key, "a number");
    } else {
      return value.get<double>();
    }
    return std::nullopt;
  }

  std::optional<Value> parse(const ParameterDeclaration& declaration, const YamlNode& node) {
    if (node.kind != YamlNode::Kind::scalar) {
      report_wrong_type(diagnostics_, node, declaration.name, "a single value");
      return std::nullopt;
    }
    Result<Value> value = parse_parameter(declaration, node.text);
    if (value) return *std::move(value);
    diagnostics_.report(Mistake::bad_parameter, node.offset, marked_bytes(node),
                        value.error().message, value.error().hint);
    return std::nullopt;
  }

  void take_value(const YamlEntry& entry, const ParameterDeclaration& declaration) {
    const auto found = given_.find(declaration.name);
    const auto report = [&](Mistake mistake, const std::string& message, const std::string& hint) {
      diagnostics_.report(mistake, entry.key.offset, marked_bytes(entry.key), message, hint);
    };
    if (found == given_.end()) {
      if (declaration.default_value) {
        shaped_.names["params." + declaration.name] = *declaration.default_value;
        return;
      }
      if (may_be_open_) {
        shaped_.open.insert("params." + declaration.name);
        return;
      }
      return report(Mistake::missing_parameter,
                    fmt::format("the parameter '{}' needs a value", declaration.name),
                    fmt::format("-p {}=..., or a default", declaration.name));
    }
    Result<Value> value = parse_parameter(declaration, found->second);
    if (!value) {
      return report(
          Mistake::bad_parameter,
          fmt::format("-p {}={}: {}", declaration.name, found->second, value.error().message),
          value.error().hint);
    }
    shaped_.names["params." + declaration.name] = *std::move(value);
  }

  void unknown(const std::string& name, const YamlEntry* params) {
    std::vector<std::string> known;
    for (const ParameterDeclaration& declaration : shaped_.declarations) {
      if (declaration.name == name) return;
      known.push_back(declaration.name);
    }
    diagnostics_.report(Mistake::unknown_parameter, params ? params->key.offset : 0,
                        params ? marked_bytes(params->key) : 1,
                        fmt::format("-p {}: there is no such parameter", name),
                        did_you_mean(name, known), known);
  }

  const std::map<std::string, std::string>& given_;
  const bool may_be_open_;
  Diagnostics& diagnostics_;
  ShapedParameters shaped_;
};

}  // namespace

Result<Value> parse_parameter(const ParameterDeclaration& declaration, std::string_view text) {
  if (!is_utf8(text)) {
    return make_error(ErrorCode::invalid_argument, "the value of '{}' is not in UTF-8",
                      declaration.name);
  }
  Value value = TRY(parse_value(declaration.type, text));
  if (declaration.min && magnitude(value) < *declaration.min) {
    return make_error(ErrorCode::invalid_argument, "{} is below the minimum of '{}', {}", text,
                      declaration.name, *declaration.min);
  }
  if (declaration.max && magnitude(value) > *declaration.max) {
    return make_error(ErrorCode::invalid_argument, "{} is above the maximum of '{}', {}", text,
                      declaration.name, *declaration.max);
  }
  const auto& values = declaration.values;
  if (values.empty() || std::count(values.begin(), values.end(), value)) return value;
  std::vector<std::string> words;
  for (const Value& allowed : values) words.push_back(to_text(allowed));
  Error error = make_error(ErrorCode::invalid_argument, "'{}' is not among the values of '{}': {}",
                           text, declaration.name, fmt::join(words, ", "));
  error.hint = did_you_mean(text, words);
  return error;
}

ShapedParameters shape_parameters(const YamlEntry* params,
                                  const std::map<std::string, std::string>& given, bool may_be_open,
                                  Diagnostics& diagnostics) {
  return ParameterShaper(given, may_be_open, diagnostics).run(params);
}

}  // namespace troupe
