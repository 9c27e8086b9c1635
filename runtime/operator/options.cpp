#include "runtime/operator/options.hpp"

#include "runtime/base/json.hpp"
#include "runtime/base/json_text.hpp"
#include "runtime/base/near.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace troupe {

namespace {

/// A value in words, for the person who wrote it.
std::string shown(const Json& value) {
  if (value.is_null()) return "nothing";
  if (value.is_string()) return fmt::format("the text '{}'", value.get_ref<const std::string&>());
  if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
  if (value.is_array()) return "a list";
  if (value.is_object()) return "a map";
  return fmt::format("the number {}", json_text(value));
}

/// Checks the value of one parameter: collects every mistake, and makes the form that getters
/// return.
class ValueCheck {
 public:
  ValueCheck(const Parameter& parameter, std::vector<Error>& errors)
      : parameter_(parameter), errors_(errors) {}

  /// The value in the one form that the getters know, or null after a mistake.
  Json normal(const Json& value) {
    switch (parameter_.type) {
      case ParameterType::boolean:
        return value.is_boolean() ? value : wrong(value, "true or false");
      case ParameterType::integer:
        return value.is_number_integer() ? bounded(value) : wrong(value, "a whole number");
      case ParameterType::number:
        return value.is_number() ? bounded(value) : wrong(value, "a number");
      case ParameterType::bytes:
        return bytes(value);
      case ParameterType::duration:
        return duration(value);
      case ParameterType::choice:
        return choice(value);
      case ParameterType::text:
        return value.is_string() ? value : wrong(value, "a text; put it in quotes");
      case ParameterType::texts:
        return texts(value.is_string() ? Json::array({value}) : value);
      case ParameterType::path:
        return filled(value, "a path");
      case ParameterType::column:
        return filled(value, "the name of a column");
      case ParameterType::expression:
      case ParameterType::predicate:
        return expression(value);
      case ParameterType::columns:
        return list(value, "a list of column names");
      case ParameterType::order:
        return list(value.is_string() ? Json::array({value}) : value,
                    "a list of columns to order by, such as [delay desc]");
      case ParameterType::expressions:
        if (value.is_array()) return list(value, "");
        return map(value, "a map from names to SQL expressions, or a list of column names");
      case ParameterType::aggregates:
        return map(value, "a map from names to aggregates, such as {rows: count(*)}");
      case ParameterType::column_types:
        return map(value, "a map from column names to SQL types");
      case ParameterType::rows:
        return rows(value);
      case ParameterType::connection:
        return connection(value);
    }
    return nullptr;
  }

 private:
  void report(std::string_view below, std::string message, std::string hint = {}) {
    Error error{ErrorCode::invalid_argument, std::move(message), std::move(hint)};
    error.path = below.empty() ? parameter_.name : fmt::format("{}.{}", parameter_.name, below);
    errors_.push_back(std::move(error));
  }

  Json wrong(const Json& value, std::string_view wanted) {
    report("", fmt::format("'{}' wants {}, not {}", parameter_.name, wanted, shown(value)));
    return nullptr;
  }

  Json bounded(const Json& value) {
    const bool whole = parameter_.type != ParameterType::number;
    if (whole && value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX) {
      return wrong(value, fmt::format("a number of at most {}", INT64_MAX));
    }
    const double number = value.get<double>();
    if (parameter_.min && number < *parameter_.min) {
      return wrong(value, fmt::format("at least {}", *parameter_.min));
    }
    if (parameter_.max && number > *parameter_.max) {
      return wrong(value, fmt::format("at most {}", *parameter_.max));
    }
    return value;
  }

  Json bytes(const Json& value) {
    if (value.is_number_integer() && value >= 0) return bounded(value);
    if (!value.is_string()) return wrong(value, "a number of bytes, such as 64MiB");
    const Result<std::int64_t> size = parse_bytes(value.get_ref<const std::string&>());
    if (size) return bounded(*size);
    errors_.push_back(size.error().at(parameter_.name));
    return nullptr;
  }

  Json duration(const Json& value) {
    if (!value.is_string()) return wrong(value, "a duration with its unit, such as 10s");
    const Result<Duration> time = parse_duration(value.get_ref<const std::string&>());
    if (time) return time->count();
    errors_.push_back(time.error().at(parameter_.name));
    return nullptr;
  }

  Json choice(const Json& value) {
    const std::string wanted = fmt::format("one of {}", fmt::join(parameter_.choices, ", "));
    // YAML reads the word null without quotes as no value.
    if (value.is_null() &&
        std::count(parameter_.choices.begin(), parameter_.choices.end(), "null")) {
      return "null";
    }
    if (!value.is_string()) return wrong(value, wanted);
    const auto& word = value.get_ref<const std::string&>();
    if (std::count(parameter_.choices.begin(), parameter_.choices.end(), word)) return value;
    report("", fmt::format("'{}' wants {}, not '{}'", parameter_.name, wanted, word),
           did_you_mean(word, parameter_.choices));
    return nullptr;
  }

  Json filled(const Json& value, std::string_view wanted) {
    return value.is_string() && value != "" ? value : wrong(value, wanted);
  }

  /// YAML reads `1` and `true` as values of its own. If SQL is wanted, they are SQL.
  static bool is_sql(const Json& value) {
    return value.is_number() || value.is_boolean() || (value.is_string() && value != "");
  }
  static Json sql(const Json& value) { return value.is_string() ? value : Json(json_text(value)); }

  Json expression(const Json& value) {
    return is_sql(value) ? sql(value) : wrong(value, "a SQL expression");
  }

  Json texts(const Json& value) {
    const bool fits = value.is_array() && std::all_of(value.begin(), value.end(),
                                                      [](const Json& v) { return v.is_string(); });
    return fits ? value : wrong(value, "a list of texts; put each in quotes");
  }

  Json list(const Json& value, std::string_view wanted) {
    if (!value.is_array()) return wrong(value, wanted);
    if (value.empty()) return wrong(value, "at least one entry");
    std::set<std::string> seen;
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (!value[i].is_string() || value[i] == "") {
        report(std::to_string(i),
               fmt::format("an entry of '{}' must be a text, not {}", parameter_.name,
                           value[i] == "" ? "an empty one" : shown(value[i])));
      } else if (!seen.insert(value[i]).second) {
        report(std::to_string(i),
               fmt::format("'{}' has '{}' twice", parameter_.name, value[i].get<std::string>()));
      }
    }
    return value;
  }

  Json map(const Json& value, std::string_view wanted) {
    if (!value.is_object()) return wrong(value, wanted);
    if (value.empty()) return wrong(value, "at least one entry");
    Json entries = Json::object();
    for (const auto& [name, entry] : value.items()) {
      if (!is_sql(entry)) {
        report(name, fmt::format("'{}' of '{}' wants a text in SQL, not {}", name, parameter_.name,
                                 entry == "" ? "an empty one" : shown(entry)));
      } else {
        entries[name] = sql(entry);
      }
    }
    return entries;
  }

  Json rows(const Json& value) {
    if (!value.is_array()) return wrong(value, "a list of rows");
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (!value[i].is_object()) {
        report(std::to_string(i),
               fmt::format("a row is a map from columns to values, not {}", shown(value[i])));
        continue;
      }
      for (const auto& [name, entry] : value[i].items()) {
        if (!entry.is_structured()) continue;
        report(fmt::format("{}.{}", i, name),
               fmt::format("a row holds plain values, not {}", shown(entry)));
      }
    }
    return value;
  }

  Json connection(const Json& value) {
    if (!value.is_object() || !value.contains("type") || !value["type"].is_string()) {
      return wrong(value, "a connection");
    }
    const auto& type = value["type"].get_ref<const std::string&>();
    if (std::count(parameter_.choices.begin(), parameter_.choices.end(), type)) return value;
    report("", fmt::format("'{}' wants a connection of type {}, not {}", parameter_.name,
                           fmt::join(parameter_.choices, " or "), type));
    return nullptr;
  }

  const Parameter& parameter_;
  std::vector<Error>& errors_;
};

/// A column name as SQL: quoted, since it may be `Order` or hold blanks.
std::string quoted(const std::string& name) {
  std::string text = "\"";
  for (char letter : name) text += letter == '"' ? std::string("\"\"") : std::string(1, letter);
  return text + '"';
}

std::vector<std::string> names_of(const OperatorDescription& description) {
  std::vector<std::string> names;
  for (const Parameter& parameter : description.parameters) names.push_back(parameter.name);
  return names;
}

Error unknown_key(const OperatorDescription& description, const std::string& key) {
  const std::vector<std::string> names = names_of(description);
  Error error =
      make_error(ErrorCode::invalid_argument, "'{}' has no parameter '{}'", description.name, key);
  error.path = key;
  error.hint = did_you_mean(key, names);
  if (error.hint.empty()) {
    error.hint = names.empty() ? "it has none" : fmt::format("it has: {}", fmt::join(names, ", "));
  }
  return error;
}

Error missing(const OperatorDescription& description, const Parameter& parameter) {
  Error error = make_error(ErrorCode::invalid_argument, "'{}' needs '{}': {}", description.name,
                           parameter.name, parameter.help);
  error.path = parameter.name;
  return error;
}

/// All mistakes; and, if there are none, every value in its normal form, defaults included.
std::pair<std::vector<Error>, Json> checked(const OperatorDescription& description,
                                            const Json& with) {
  std::vector<Error> errors;
  Json values = Json::object();
  if (!with.is_null() && !with.is_object()) {
    errors.push_back(make_error(ErrorCode::invalid_argument,
                                "'with' wants a map of parameters, not {}", shown(with)));
    return {errors, values};
  }
  for (const auto& [key, value] : with.items()) {
    if (!description.find(key)) errors.push_back(unknown_key(description, key));
  }
  for (const Parameter& parameter : description.parameters) {
    if (with.contains(parameter.name)) {
      values[parameter.name] = ValueCheck(parameter, errors).normal(with[parameter.name]);
    } else if (!parameter.default_value.empty()) {
      const Json value = Json::parse(parameter.default_value, nullptr, false);
      values[parameter.name] = ValueCheck(parameter, errors).normal(value);
    } else if (parameter.required) {
      errors.push_back(missing(description, parameter));
    }
  }
  return {std::move(errors), std::move(values)};
}

}  // namespace

std::vector<Error> Options::check(const OperatorDescription& description, const Json& with) {
  return checked(description, with).first;
}

Result<Options> Options::make(const OperatorDescription& description, const Json& with) {
  auto [errors, values] = checked(description, with);
  if (!errors.empty()) return errors.front();
  return Options(description, std::make_shared<const Json>(std::move(values)));
}

bool Options::has(const std::string& name) const {
  ENSURE(description_->find(name), "'{}' describes no parameter '{}'", description_->name, name);
  return values_->contains(name);
}

const Json& Options::get(const std::string& name,
                         std::initializer_list<ParameterType> types) const {
  const Parameter* parameter = description_->find(name);
  ENSURE(parameter, "'{}' describes no parameter '{}'", description_->name, name);
  ENSURE(std::count(types.begin(), types.end(), parameter->type), "'{}' of '{}' is of type {}",
         name, description_->name, to_string(parameter->type));
  ENSURE(values_->contains(name), "'{}' of '{}' is not set: ask has() first", name,
         description_->name);
  return (*values_)[name];
}

bool Options::boolean(const std::string& name) const {
  return get(name, {ParameterType::boolean}).get<bool>();
}

std::int64_t Options::integer(const std::string& name) const {
  return get(name, {ParameterType::integer}).get<std::int64_t>();
}

double Options::number(const std::string& name) const {
  return get(name, {ParameterType::number}).get<double>();
}

std::int64_t Options::bytes(const std::string& name) const {
  return get(name, {ParameterType::bytes}).get<std::int64_t>();
}

Duration Options::duration(const std::string& name) const {
  return Duration(get(name, {ParameterType::duration}).get<std::int64_t>());
}

std::string Options::text(const std::string& name) const {
  return get(name, {ParameterType::text, ParameterType::path, ParameterType::choice,
                    ParameterType::column, ParameterType::expression, ParameterType::predicate})
      .get<std::string>();
}

std::vector<std::string> Options::list(const std::string& name) const {
  return get(name, {ParameterType::columns, ParameterType::order, ParameterType::texts})
      .get<std::vector<std::string>>();
}

std::vector<NamedText> Options::named(const std::string& name) const {
  const Json& value = get(
      name, {ParameterType::expressions, ParameterType::aggregates, ParameterType::column_types});
  std::vector<NamedText> entries;
  if (value.is_array()) {
    for (const Json& column : value) {
      entries.push_back({column.get<std::string>(), quoted(column.get<std::string>())});
    }
    return entries;
  }
  for (const auto& [key, text] : value.items()) entries.push_back({key, text.get<std::string>()});
  return entries;
}

const Json& Options::rows(const std::string& name) const {
  return get(name, {ParameterType::rows});
}

const Json& Options::connection(const std::string& name) const {
  return get(name, {ParameterType::connection});
}

}  // namespace troupe
