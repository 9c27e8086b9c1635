#include "runtime/metadata/counters_text.hpp"

#include "runtime/base/json.hpp"
#include "runtime/base/json_text.hpp"

namespace troupe {
namespace {

template <class V>
std::string key_of(std::string_view name) {
  return std::string(name) + (std::is_same_v<V, Duration> ? "_ns" : "");
}

template <class V>
Json json_of(const std::vector<V>& values);

template <class V>
Json json_of(const V& value) {
  if constexpr (Described<V>) {
    Json object = Json::object();
    for_each_field<V>([&]<class M>(const Field<V, M>& each) {
      object[key_of<M>(each.name)] = json_of(value.*each.member);
    });
    return object;
  } else if constexpr (std::is_same_v<V, Duration>) {
    return value.count();
  } else {
    return value;
  }
}
template <class V>
Json json_of(const std::vector<V>& values) {
  Json array = Json::array();
  for (const V& value : values) array.push_back(json_of(value));
  return array;
}

template <class V>
void read(const Json& json, std::vector<V>& values);

/// Passes over whatever does not fit: the text may be of another version, and only people read it.
template <class V>
void read(const Json& json, V& value) {
  if constexpr (Described<V>) {
    if (!json.is_object()) return;
    for_each_field<V>([&]<class M>(const Field<V, M>& each) {
      const auto found = json.find(key_of<M>(each.name));
      if (found != json.end()) read(*found, value.*each.member);
    });
  } else if constexpr (std::is_same_v<V, Duration>) {
    if (json.is_number_integer()) value = Duration(json.get<Duration::rep>());
  } else if constexpr (std::is_arithmetic_v<V>) {
    if (json.is_number_integer()) value = json.get<V>();
  } else {
    if (json.is_string()) value = json.get<V>();
  }
}
template <class V>
void read(const Json& json, std::vector<V>& values) {
  if (!json.is_array()) return;
  for (const Json& item : json) read(item, values.emplace_back());
}

}  // namespace

std::string counters_text(const TaskCounters& counters) { return json_text(json_of(counters)); }

TaskCounters counters_from(std::string_view text) {
  TaskCounters counters;
  read(Json::parse(text, nullptr, /*allow_exceptions=*/false), counters);
  return counters;
}

}  // namespace troupe
