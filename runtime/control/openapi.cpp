#include "runtime/control/openapi.hpp"

#include "runtime/control/answer_json.hpp"
#include "runtime/control/json_fields.hpp"

#include <algorithm>

namespace troupe {
namespace {

constexpr const char* json_content = "application/json";

Json reference(const std::string& name) { return {{"$ref", "#/components/schemas/" + name}}; }

template <class T>
const char* schema_name() {
  if constexpr (std::same_as<T, Error>) {
    return "Error";
  } else {
    return T::schema;
  }
}

/// Collects the schemas of components while the contract is made.
class Schemas {
 public:
  template <class T>
  Json of(const T& value);

  Json all = Json::object();

 private:
  template <class T>
  Json component(const T& value);
};

/// The properties of an object, from its fields.
class Properties {
 public:
  explicit Properties(Schemas& schemas) : schemas_(schemas) {}

  template <class T>
  void operator()(const char* name, const T& value, Presence presence = Presence::required,
                  const char* = "") {
    properties[name] = schemas_.of(value);
    if (presence != Presence::optional) required.push_back(name);
  }

  Json object() const {
    return {{"type", "object"}, {"properties", properties}, {"required", required}};
  }

  Json properties = Json::object();
  Json required = Json::array();

 private:
  Schemas& schemas_;
};

Json mistake_schema() {
  // Made from an example that has every field.
  const Diagnostic full{.file = "f", .hint = "h", .allowed = {"a"}};
  Json properties = Json::object();
  const Json example = render_json(full);
  for (const auto& [name, value] : example.items()) {
    if (value.is_array()) {
      properties[name] = {{"type", "array"}, {"items", {{"type", "string"}}}};
    } else {
      properties[name] = {{"type", value.is_string() ? "string" : "integer"}};
    }
  }
  return {{"type", "object"}, {"properties", properties}};
}

template <class T>
Json Schemas::component(const T& value) {
  const char* name = schema_name<T>();
  if (!all.contains(name)) {
    Properties properties(*this);
    each_value(value, properties);
    all[name] = properties.object();
  }
  return reference(name);
}

template <class T>
Json words_schema() {
  Json words = Json::array();
  each_enumerator<T>([&](T value) { words.push_back(to_string(value)); });
  return {{"type", "string"}, {"enum", words}};
}

template <class T>
Json Schemas::of(const T& value) {
  if constexpr (Worded<T>) {
    return words_schema<T>();
  } else if constexpr (is_optional<T>) {
    Json schema = of(typename T::value_type());
    if (Worded<typename T::value_type>) schema["enum"].push_back("");  // "" stands for no value
    return schema;
  } else if constexpr (is_id<T>) {
    return of(value.value());
  } else if constexpr (std::same_as<T, Binary>) {
    return {{"type", "string"}, {"format", "byte"}};
  } else if constexpr (std::same_as<T, WallTime>) {
    return {{"type", "string"}, {"format", "date-time"}};
  } else if constexpr (std::same_as<T, std::chrono::seconds>) {
    return {{"type", "integer"}, {"minimum", 0}};
  } else if constexpr (std::same_as<T, Diagnostic>) {
    all["Mistake"] = mistake_schema();
    return reference("Mistake");
  } else if constexpr (std::same_as<T, Texts>) {
    return {{"type", "object"}, {"additionalProperties", true}};  // see `read_texts`
  } else if constexpr (is_vector<T>) {
    return {{"type", "array"}, {"items", of(typename T::value_type())}};
  } else if constexpr (Described<T>) {
    return component(value);
  } else if constexpr (std::same_as<T, bool>) {
    return {{"type", "boolean"}};
  } else if constexpr (std::unsigned_integral<T>) {
    return {{"type", "integer"}, {"minimum", 0}};
  } else if constexpr (std::integral<T>) {
    return {{"type", "integer"}};
  } else if constexpr (std::floating_point<T>) {
    return {{"type", "number"}};
  } else {
    return {{"type", "string"}};
  }
}

Json content(Json schema, const char* type = json_content) {
  return {{type, {{"schema", std::move(schema)}}}};
}

Json answer(const std::string& description, Json schema) {
  return {{"description", description}, {"content", content(std::move(schema))}};
}

Json refusal(Schemas& schemas) {
  return answer("Why not.", {{"type", "object"},
                             {"properties", {{"error", schemas.of(Error())}}},
                             {"required", {"error"}}});
}

/// The parts of an operation that its route names.
Json head_of(const Route& route) {
  Json operation = {{"operationId", route.operation},
                    {"summary", route.summary},
                    {"x-scope", to_string(route.access)}};
  if (route.access != Access::open) {
    operation["security"] = Json::array({{{"token", Json::array()}}});
  }
  return operation;
}

/// The arguments of an operation: parameters of the path and the query, or fields of a body.
class Arguments {
 public:
  Arguments(const Route& route, Schemas& schemas) : route_(route), schemas_(schemas) {}

  template <class T>
  void operator()(const char* name, const T& value, Presence presence, const char* help) {
    const bool path = in_path(route_, name);
    Json schema = schemas_.of(value);
    if (!path && has_default(value)) schema["default"] = json_of(value);
    if (path || route_.method == std::string_view("GET")) {
      parameters.push_back({{"name", name},
                            {"in", path ? "path" : "query"},
                            {"required", path || presence == Presence::required},
                            {"description", help},
                            {"schema", schema}});
      return;
    }
    schema["description"] = help;
    properties[name] = schema;
    if (presence == Presence::required) required.push_back(name);
  }

  void add_to(Json& operation) const {
    operation["parameters"] = parameters;
    if (properties.empty()) return;
    Json body = {{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
    if (!required.empty()) body["required"] = required;
    operation["requestBody"] = {{"required", !required.empty()}, {"content", content(body)}};
  }

  Json parameters = Json::array();
  Json properties = Json::object();
  Json required = Json::array();

 private:
  /// Numbers have a default; an endless wait cannot be written, so it is none.
  template <class T>
  static bool has_default(const T& value) {
    if constexpr (std::same_as<T, std::chrono::seconds>) return value != forever;
    return std::integral<T>;
  }

  const Route& route_;
  Schemas& schemas_;
};

template <class T>
Json answers_of(const Route& route, Schemas& schemas, const T& value) {
  return {{std::to_string(route.status), answer(T::schema, schemas.of(value))}};
}

template <class T>
Json answers_of(const Route& route, Schemas& schemas, const Checked<T>&) {
  const Json notes = {{"type", "object"},
                      {"properties", {{"notes", schemas.of(std::vector<std::string>())}}}};
  Json mistakes = refusal(schemas)["content"][json_content]["schema"];
  mistakes["properties"]["diagnostics"] = schemas.of(std::vector<Diagnostic>());
  mistakes["properties"]["notes"] = notes["properties"]["notes"];
  Json done = {{"allOf", Json::array({schemas.of(T()), notes})}};
  return {{std::to_string(route.status), answer(T::schema, std::move(done))},
          {std::to_string(mistakes_status),
           answer("The descriptor has mistakes.", std::move(mistakes))}};
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), ::tolower);
  return text;
}

}  // namespace

Json openapi(const std::vector<NodeRoute>& own) {
  Schemas schemas;
  Json paths = Json::object();
  for (const NodeRoute& route : own) {
    Json operation = head_of(route);
    operation["responses"][std::to_string(route.status)] = {{"description", route.answer}};
    paths[route.path][lower(route.method)] = operation;
  }
  each_route([&]<class R>(const RouteOf<R>& route) {
    Json operation = head_of(route);
    operation["x-request"] = R::name;
    Arguments arguments(route, schemas);
    const R request{};
    each_value(request, arguments);
    arguments.add_to(operation);
    operation["responses"] = answers_of(route, schemas, typename R::Answer());
    operation["responses"]["default"] = {{"$ref", "#/components/responses/Refusal"}};
    paths[route.path][lower(route.method)] = operation;
  });
  return {{"openapi", "3.0.3"},
          {"info", {{"title", "Troupe"}, {"version", "v1"}}},
          {"paths", paths},
          {"components",
           {{"securitySchemes", {{"token", {{"type", "http"}, {"scheme", "bearer"}}}}},
            {"responses", {{"Refusal", refusal(schemas)}}},
            {"schemas", schemas.all}}}};
}

}  // namespace troupe
