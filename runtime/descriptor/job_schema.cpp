#include "runtime/descriptor/job_schema.hpp"

#include "runtime/base/json.hpp"
#include "runtime/data/key_group.hpp"
#include "runtime/descriptor/value.hpp"
#include "runtime/operator/operator_kind.hpp"
#include "runtime/secrets/connection.hpp"

#include <algorithm>
#include <utility>

namespace troupe {
namespace {

Json ref(const char* definition) { return {{"$ref", fmt::format("#/definitions/{}", definition)}}; }

Json typed(const char* type) { return {{"type", type}}; }
Json list_of(Json items) { return {{"type", "array"}, {"items", std::move(items)}}; }
Json map_of(Json values) {
  return {{"type", "object"}, {"additionalProperties", std::move(values)}};
}
Json any_of(Json one, Json other) { return {{"anyOf", Json::array({one, other})}}; }

/// A map with these keys and no others.
Json closed(Json properties, std::vector<std::string> required = {}) {
  Json schema = {{"type", "object"}, {"additionalProperties", false}};
  if (!required.empty()) schema["required"] = required;
  schema["properties"] = std::move(properties);
  return schema;
}

/// Any value may be a `${{ }}` instead.
Json or_template(Json schema) { return any_of(std::move(schema), ref("template")); }

Json bounded(const char* type, const Parameter& parameter) {
  Json schema = typed(type);
  if (parameter.min) schema["minimum"] = *parameter.min;
  if (parameter.max) schema["maximum"] = *parameter.max;
  return schema;
}

/// YAML reads the word null without quotes as no value, so both must be allowed.
Json choices_of(const Parameter& parameter) {
  Json choices = parameter.choices;
  if (std::count(parameter.choices.begin(), parameter.choices.end(), "null")) {
    choices.push_back(nullptr);
  }
  return choices;
}

Json value_schema(const Parameter& parameter) {
  switch (parameter.type) {
    case ParameterType::boolean:
      return or_template(typed("boolean"));
    case ParameterType::integer:
      return or_template(bounded("integer", parameter));
    case ParameterType::number:
      return or_template(bounded("number", parameter));
    case ParameterType::choice:
      return or_template({{"enum", choices_of(parameter)}});
    case ParameterType::duration:
      return or_template(ref("duration"));
    case ParameterType::bytes:
      return or_template(ref("bytes"));
    case ParameterType::expression:
    case ParameterType::predicate:
      return ref("sql");
    case ParameterType::columns:
      return list_of(typed("string"));
    case ParameterType::order:
    case ParameterType::texts:
      return any_of(typed("string"), list_of(typed("string")));
    case ParameterType::expressions:
      return any_of(map_of(ref("sql")), list_of(typed("string")));
    case ParameterType::aggregates:
      return map_of(ref("sql"));
    case ParameterType::column_types:
      return map_of(typed("string"));
    case ParameterType::rows:
      return ref("rows");
    case ParameterType::connection:
      return ref("id");
    case ParameterType::text:
    case ParameterType::path:
    case ParameterType::column:
      break;
  }
  return typed("string");
}

Json parameter_schema(const Parameter& parameter) {
  Json schema = value_schema(parameter);
  schema["description"] = parameter.help;
  if (!parameter.default_value.empty()) {
    schema["default"] = Json::parse(parameter.default_value, nullptr, false);
  }
  return schema;
}

/// "If op is X, then its with: is this": so that editors complete exactly.
Json operator_rule(const OperatorDescription& described) {
  Json properties = Json::object();
  std::vector<std::string> required;
  for (const Parameter& parameter : described.parameters) {
    properties[parameter.name] = parameter_schema(parameter);
    if (parameter.required) required.push_back(parameter.name);
  }
  Json with = closed(std::move(properties), required);
  with["description"] = described.summary;
  Json then = {{"properties", {{"with", std::move(with)}}}};
  std::vector<std::string> needed;
  if (!required.empty()) needed.push_back("with");
  if (described.inputs_min > 0) needed.push_back("from");
  if (!needed.empty()) then["required"] = needed;
  if (described.inputs_max == 0) then["properties"]["from"] = false;
  return {{"if", {{"properties", {{"op", {{"const", described.name}}}}}}}, {"then", then}};
}

Json operator_schema(const OperatorRegistry& registry) {
  std::vector<std::string> names;
  Json rules = Json::array();
  for (const OperatorKind* kind : registry.all()) {
    names.push_back(kind->description().name);
    rules.push_back(operator_rule(kind->description()));
  }
  Json schema = closed({{"op", {{"enum", names}, {"description", "The operator."}}},
                        {"from", any_of(ref("input"), list_of(ref("input")))},
                        {"with", {{"type", "object"}, {"description", "Its parameters."}}},
                        {"event_time", closed({{"value", ref("sql")},
                                               {"max_out_of_order", or_template(ref("duration"))},
                                               {"idle_after", or_template(ref("duration"))}},
                                              {"value"})},
                        {"parallelism", ref("count")},
                        {"description", typed("string")}},
                       {"op"});
  schema["allOf"] = std::move(rules);
  return schema;
}

Json parameter_declaration() {
  Json scalar = {{"type", Json::array({"string", "number", "boolean"})}};
  return closed({{"type", {{"enum", value_type_names()}}},
                 {"default", scalar},
                 {"min", typed("number")},
                 {"max", typed("number")},
                 {"values", list_of(scalar)},
                 {"description", typed("string")}},
                {"type"});
}

Json test_schema() {
  const Json given = any_of(
      ref("rows"), closed({{"rows", ref("rows")}, {"types", map_of(typed("string"))}}, {"rows"}));
  Json expectation = closed({{"in_any_order", ref("rows")},
                             {"in_order", ref("rows")},
                             {"contains", ref("rows")},
                             {"count", {{"type", "integer"}, {"minimum", 0}}}});
  expectation["minProperties"] = 1;
  expectation["maxProperties"] = 1;
  return closed({{"name", typed("string")},
                 {"description", typed("string")},
                 {"params", typed("object")},
                 {"given", map_of(given)},
                 {"expect", map_of(expectation)}},
                {"name", "expect"});
}

Json definitions(const OperatorRegistry& registry) {
  const auto pattern = [](const char* text) { return Json{{"type", "string"}, {"pattern", text}}; };
  const Json plain = {{"type", Json::array({"string", "number", "boolean", "null"})}};
  return {
      {"id", pattern("^[a-z][a-z0-9_-]{0,62}$")},
      {"input", pattern("^[a-z][a-z0-9_-]{0,62}(\\.[a-z][a-z0-9_-]{0,62})?$")},
      {"template", pattern("\\$\\{\\{.*\\}\\}")},
      {"duration", pattern("^([0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h|d))+$")},
      {"bytes", any_of(pattern("^[0-9]+(\\.[0-9]+)? ?(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)$"),
                       {{"type", "integer"}, {"minimum", 0}})},
      {"count",
       or_template({{"type", "integer"}, {"minimum", 1}, {"maximum", key_groups_default}})},
      {"sql", {{"type", Json::array({"string", "number", "boolean"})}}},
      {"rows", list_of(map_of(plain))},
      {"parameter", parameter_declaration()},
      {"operator", operator_schema(registry)},
      {"test", test_schema()},
  };
}

Json restart_schema() {
  return closed({{"attempts", or_template({{"type", "integer"}, {"minimum", 0}})},
                 {"window", or_template(ref("duration"))},
                 {"initial", or_template(ref("duration"))},
                 {"max", or_template(ref("duration"))}});
}

Json checkpoint_schema() {
  return closed({{"every", or_template(ref("duration"))},
                 {"timeout", or_template(ref("duration"))},
                 {"keep", or_template({{"type", "integer"}, {"minimum", 1}, {"maximum", 1000}})},
                 {"copies", or_template({{"enum", {2, "at_least 1"}}})},
                 {"directory", typed("string")}});
}

/// "If type is X, then its keys are these."
Json connection_schema() {
  Json types = Json::array();
  Json rules = Json::array();
  for (const ConnectionType& type : connection_types()) {
    types.push_back(type.name);
    Json properties = {{"type", {{"const", type.name}, {"description", type.summary}}}};
    std::vector<std::string> required;
    for (const ConnectionKey& key : type.keys) {
      properties[key.name] = {{"type", "string"}, {"description", key.help}};
      if (key.required) required.push_back(key.name);
    }
    rules.push_back({{"if", {{"properties", {{"type", {{"const", type.name}}}}}}},
                     {"then", closed(std::move(properties), required)}});
  }
  return {{"type", "object"},
          {"required", Json::array({"type"})},
          {"properties", {{"type", {{"enum", types}}}}},
          {"allOf", std::move(rules)}};
}

/// Where a secret is found: in one place.
Json secret_schema() {
  Json schema = closed({{"env", {{"type", "string"}, {"pattern", "^[A-Za-z_][A-Za-z0-9_]*$"}}},
                        {"file", {{"type", "string"}, {"pattern", "^/"}}}});
  schema["minProperties"] = 1;
  schema["maxProperties"] = 1;
  return schema;
}

Json metadata_schema() {
  return closed({{"name", ref("id")},
                 {"namespace", ref("id")},
                 {"description", typed("string")},
                 {"owner", typed("string")},
                 {"labels", map_of({{"type", Json::array({"string", "number", "boolean"})}})}},
                {"name"});
}

Json keyed_by_id(Json values) {
  Json schema = map_of(std::move(values));
  schema["propertyNames"] = ref("id");
  return schema;
}

}  // namespace

Json job_schema(const OperatorRegistry& registry) {
  Json dataflow = keyed_by_id(ref("operator"));
  dataflow["minProperties"] = 1;
  Json job = {{"$schema", "http://json-schema.org/draft-07/schema#"},
              {"$id", "troupe/v1/job.schema.json"},
              {"title", "Troupe job descriptor (apiVersion troupe/v1)"}};
  job.update(closed({{"apiVersion", {{"const", "troupe/v1"}}},
                     {"kind", {{"const", "Job"}}},
                     {"metadata", metadata_schema()},
                     {"params", keyed_by_id(ref("parameter"))},
                     {"mode", {{"enum", Json::array({"batch", "streaming"})}}},
                     {"parallelism", ref("count")},
                     {"memory", or_template(ref("bytes"))},
                     {"restart", restart_schema()},
                     {"checkpoint", checkpoint_schema()},
                     {"secrets", keyed_by_id(secret_schema())},
                     {"connections", keyed_by_id(connection_schema())},
                     {"dataflow", std::move(dataflow)},
                     {"tests", list_of(ref("test"))}},
                    {"apiVersion", "kind", "metadata", "dataflow"}));
  job["definitions"] = definitions(registry);
  return job;
}

}  // namespace troupe
