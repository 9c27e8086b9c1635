#pragma once

// Writes values as JSON and reads them, by their lists of fields. Private to this room: heavy.

#include "runtime/base/caught.hpp"
#include "runtime/base/fields.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/base/json.hpp"
#include "runtime/base/json_text.hpp"
#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"
#include "runtime/control/base64.hpp"
#include "runtime/control/views.hpp"
#include "runtime/control/wall_time.hpp"
#include "runtime/descriptor/diagnostic.hpp"

#include <concepts>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

template <class T>
inline constexpr bool is_id = false;
template <class Tag, class Rep>
inline constexpr bool is_id<StrongId<Tag, Rep>> = true;
template <class Tag>
inline constexpr bool is_id<Counter<Tag>> = true;

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;

using Texts = std::map<std::string, std::string>;

template <class T>
bool is_empty(const T& value) {
  if constexpr (is_optional<T>) {
    return !value.has_value();
  } else if constexpr (is_id<T>) {
    return is_empty(value.value());
  } else if constexpr (requires { value.empty(); }) {
    return value.empty();
  } else if constexpr (Enumerated<T>) {
    return value == T();
  } else {
    return false;
  }
}

template <class T>
Json json_of(const T& value);

class JsonWriter {
 public:
  template <class T>
  void operator()(const char* name, const T& value, Presence presence = Presence::required,
                  const char* = "") {
    if (presence == Presence::optional && is_empty(value)) return;
    object[name] = json_of(value);
  }

  Json object = Json::object();
};

/// The value as JSON. An optional value that is empty becomes an empty text.
template <class T>
Json json_of(const T& value) {
  if constexpr (Worded<T>) {
    return to_string(value);
  } else if constexpr (is_optional<T>) {
    return value ? json_of(*value) : Json("");
  } else if constexpr (is_id<T>) {
    return value.value();
  } else if constexpr (std::same_as<T, Binary>) {
    return to_base64(value.bytes);
  } else if constexpr (std::same_as<T, WallTime>) {
    return to_iso8601(value);
  } else if constexpr (std::same_as<T, std::chrono::seconds>) {
    return value.count();
  } else if constexpr (std::same_as<T, Diagnostic>) {
    return render_json(value);
  } else if constexpr (is_vector<T>) {
    Json items = Json::array();
    for (const auto& item : value) items.push_back(json_of(item));
    return items;
  } else if constexpr (Described<T>) {
    JsonWriter writer;
    each_value(value, writer);
    return std::move(writer.object);
  } else {
    return value;
  }
}

/// "wants a whole number, not 'many'": it is told after the name of the value.
Error wants(const std::string& what, const Json& got);

template <class T>
Result<> read_json(const Json& json, T& value);

/// Reads the fields of an object; keeps the first error, at the path of its field. Ignores fields
/// that it does not know: a later version may send them.
class JsonReader {
 public:
  explicit JsonReader(const Json& object) : object_(object) {}

  template <class T>
  void operator()(const char* name, T&& value, Presence presence = Presence::required,
                  const char* = "") {
    if (!outcome) return;
    const auto found = object_.find(name);
    if (found != object_.end()) {
      if (auto read = read_json(*found, value); !read) outcome = std::move(read).error().at(name);
    } else if (presence == Presence::required) {
      outcome = make_error(ErrorCode::invalid_argument, "is missing").at(name);
    }
  }

  Result<> outcome;

 private:
  const Json& object_;
};

template <std::integral T>
Result<> read_whole(const Json& json, T& value) {
  // The parser makes a number signed only if it is below zero, so both forms must be read.
  if (json.is_number_unsigned()) {
    const auto number = json.get<std::uint64_t>();
    if (std::in_range<T>(number)) value = static_cast<T>(number);
    if (std::in_range<T>(number)) return {};
  } else if (json.is_number_integer()) {
    const auto number = json.get<std::int64_t>();
    if (std::in_range<T>(number)) value = static_cast<T>(number);
    if (std::in_range<T>(number)) return {};
  } else {
    return wants("a whole number", json);
  }
  return wants(fmt::format("a whole number from {} to {}", std::numeric_limits<T>::min(),
                           std::numeric_limits<T>::max()),
               json);
}

template <Worded E>
Result<> read_word(const Json& json, E& value) {
  if (!json.is_string()) return wants("a text", json);
  const auto& word = json.get_ref<const std::string&>();
  if (const auto found = enumerator_of<E>(word)) {
    value = *found;
    return {};
  }
  std::string known;
  each_enumerator<E>(
      [&](E one) { known += (known.empty() ? "" : ", ") + std::string(to_string(one)); });
  Error error = make_error(ErrorCode::invalid_argument, "'{}' is no {}", word, EnumOf<E>::noun);
  error.hint = "one of " + known;
  return error;
}

template <class T>
Result<> read_items(const Json& json, std::vector<T>& items) {
  if (!json.is_array()) return wants("a list", json);
  items.clear();
  for (const Json& item : json) {
    if (auto read = read_json(item, items.emplace_back()); !read) {
      return std::move(read).error().at(std::to_string(items.size() - 1));
    }
  }
  return {};
}

/// A value that is no text becomes its JSON text: `{"limit": 5}` is `-p limit=5`.
Result<> read_texts(const Json& json, Texts& texts);

/// Reads a value from JSON. An error says what the value wants instead; it is told after the
/// value's name.
template <class T>
Result<> read_json(const Json& json, T& value) {
  if constexpr (Worded<T>) {
    return read_word(json, value);
  } else if constexpr (is_optional<T>) {
    if (Worded<typename T::value_type> && json == "") return {};
    return read_json(json, value.emplace());
  } else if constexpr (is_id<T>) {
    std::remove_cvref_t<decltype(value.value())> inner;
    TRY(read_json(json, inner));
    value = T(std::move(inner));
    return {};
  } else if constexpr (std::same_as<T, Binary>) {
    if (!json.is_string()) return wants("a text", json);
    value.bytes = TRY(from_base64(json.get_ref<const std::string&>()));
    return {};
  } else if constexpr (std::same_as<T, WallTime>) {
    if (!json.is_string()) return wants("a time", json);
    value = TRY(from_iso8601(json.get_ref<const std::string&>()));
    return {};
  } else if constexpr (std::same_as<T, std::chrono::seconds>) {
    std::uint64_t count = 0;
    TRY(read_json(json, count));
    value = std::chrono::seconds(std::min<std::uint64_t>(count, T::max().count()));
    return {};
  } else if constexpr (std::same_as<T, Diagnostic>) {
    auto read = TRY(caught([&] { return diagnostic_of(json); }));
    if (!read)
      return make_error(ErrorCode::unsupported, "is a mistake that this version does not know");
    value = *std::move(read);
    return {};
  } else if constexpr (std::same_as<T, Texts>) {
    return read_texts(json, value);
  } else if constexpr (is_vector<T>) {
    return read_items(json, value);
  } else if constexpr (Described<T>) {
    if (!json.is_object()) return wants("an object", json);
    JsonReader reader(json);
    each_value(value, reader);
    return reader.outcome;
  } else if constexpr (std::same_as<T, bool>) {
    if (!json.is_boolean()) return wants("true or false", json);
    value = json.get<bool>();
    return {};
  } else if constexpr (std::integral<T>) {
    return read_whole(json, value);
  } else if constexpr (std::floating_point<T>) {
    if (!json.is_number()) return wants("a number", json);
    value = json.get<T>();
    return {};
  } else {
    static_assert(std::same_as<T, std::string>);
    if (!json.is_string()) return wants("a text", json);
    value = json.get<std::string>();
    return {};
  }
}

}  // namespace troupe
