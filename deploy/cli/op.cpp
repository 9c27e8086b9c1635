#include "deploy/cli/verb.hpp"
#include "runtime/base/json.hpp"
#include "runtime/base/near.hpp"
#include "runtime/operator/operator_kind.hpp"

#include <algorithm>

namespace troupe {
namespace {

const char* role_of(OperatorRole role) {
  switch (role) {
    case OperatorRole::source:
      return "source";
    case OperatorRole::transform:
      return "transform";
    case OperatorRole::sink:
      return "sink";
  }
  return "transform";
}

std::string inputs_of(const OperatorDescription& op) {
  if (op.inputs_max < 0) return fmt::format("{} or more", op.inputs_min);
  if (op.inputs_min == op.inputs_max) return std::to_string(op.inputs_min);
  return fmt::format("{} to {}", op.inputs_min, op.inputs_max);
}

Json as_json(const Parameter& parameter) {
  Json item = {{"name", parameter.name},
               {"type", to_string(parameter.type)},
               {"required", parameter.required},
               {"help", parameter.help}};
  if (!parameter.default_value.empty()) item["default"] = Json::parse(parameter.default_value);
  if (!parameter.choices.empty()) item["choices"] = parameter.choices;
  if (parameter.min) item["min"] = *parameter.min;
  if (parameter.max) item["max"] = *parameter.max;
  return item;
}

Json as_json(const OperatorDescription& op) {
  Json parameters = Json::array();
  for (const auto& parameter : op.parameters) parameters.push_back(as_json(parameter));
  Json ports = Json::array();
  for (const auto& port : op.ports) ports.push_back({{"name", port.name}, {"help", port.help}});
  Json told = {{"name", op.name},         {"role", role_of(op.role)}, {"summary", op.summary},
               {"inputs", inputs_of(op)}, {"parameters", parameters}, {"example", op.example},
               {"notes", op.notes},       {"ports", ports},           {"streams", op.streams},
               {"changes", op.changes}};
  if (op.guarantee) told["guarantee"] = to_string(*op.guarantee);
  return told;
}

/// What flows into it, beside tables; nothing where that is all.
std::string takes(const OperatorDescription& op) {
  if (op.role == OperatorRole::source) return "";
  if (op.changes) return "takes streams, also of changes";
  const bool streams = op.streams || op.role == OperatorRole::sink;
  return streams ? "takes streams of appends" : "takes tables, no streams";
}

std::string remarks_of(const Parameter& parameter) {
  std::string text = parameter.required ? "required" : "";
  const auto add = [&](const std::string& remark) { text += (text.empty() ? "" : ", ") + remark; };
  if (!parameter.default_value.empty()) add("default " + parameter.default_value);
  if (!parameter.choices.empty())
    add(fmt::format("one of {}", fmt::join(parameter.choices, " | ")));
  if (parameter.min) add(fmt::format("at least {}", *parameter.min));
  if (parameter.max) add(fmt::format("at most {}", *parameter.max));
  return text;
}

std::string indented(const std::string& text) {
  std::string result = "  ";
  for (const char c : text) {
    result += c;
    if (c == '\n') result += "  ";
  }
  result.erase(result.find_last_not_of(" \n") + 1);
  return result;
}

class OpList final : public Verb {
 public:
  const VerbDescription& description() const override {
    static const VerbDescription description{
        .name = "op list",
        .summary = "every operator and connector a dataflow may use",
        .arguments = {},
        .example = "troupe op list"};
    return description;
  }

  Result<ExitCode> run(const VerbArguments&, VerbContext& context) const override {
    TextTable table{{{"OPERATOR"}, {"ROLE"}, {"SUMMARY"}}, {}};
    Json items = Json::array();
    for (const OperatorKind* kind : context.registry.all()) {
      const auto& op = kind->description();
      table.rows.push_back({op.name, role_of(op.role), op.summary});
      items.push_back(as_json(op));
    }
    context.out.table(table, &items);
    return ExitCode::done;
  }
};

class OpShow final : public Verb {
 public:
  const VerbDescription& description() const override {
    static const VerbDescription description{
        .name = "op show",
        .summary = "what one operator does, its parameters and an example",
        .arguments = {{.names = "NAME", .help = "as in `op:`, e.g. aggregate", .required = true}},
        .example = "troupe op show aggregate"};
    return description;
  }

  Result<ExitCode> run(const VerbArguments& arguments, VerbContext& context) const override {
    const std::string name = arguments.text("NAME");
    const OperatorKind* kind = context.registry.find(name);
    if (kind == nullptr) return unknown(name, context.registry);
    const auto& op = kind->description();
    if (context.out.format() != OutputFormat::table && context.out.format() != OutputFormat::wide) {
      context.out.object(as_json(op));
      return ExitCode::done;
    }
    context.out.line(fmt::format("{}  ({}, inputs: {})\n\n{}\n", op.name, role_of(op.role),
                                 inputs_of(op), indented(op.summary)));
    if (!op.parameters.empty()) context.out.line("with:");
    for (const auto& parameter : op.parameters) {
      context.out.line(fmt::format("  {:<16} {:<13} {}", parameter.name, to_string(parameter.type),
                                   remarks_of(parameter)));
      context.out.line(fmt::format("  {:<16} {}", "", parameter.help));
    }
    if (const std::string told = takes(op); !told.empty()) context.out.line(told);
    if (op.guarantee) context.out.line(fmt::format("guarantee: {}", to_string(*op.guarantee)));
    if (!op.ports.empty()) context.out.line("further outputs (from: <id>.<name>):");
    for (const auto& port : op.ports) {
      context.out.line(fmt::format("  {:<16} {}", port.name, port.help));
    }
    if (!op.notes.empty()) context.out.line(fmt::format("\n{}", indented(op.notes)));
    context.out.line(fmt::format("\nexample:\n{}", indented(op.example)));
    return ExitCode::done;
  }

 private:
  static Error unknown(const std::string& name, const OperatorRegistry& registry) {
    std::vector<std::string> names;
    for (const OperatorKind* kind : registry.all()) names.push_back(kind->description().name);
    Error error = make_error(ErrorCode::not_found, "no operator '{}'", name);
    error.hint = did_you_mean(name, names);
    if (error.hint.empty()) error.hint = "troupe op list shows them all";
    return error;
  }
};

}  // namespace

void register_op(VerbList& verbs) {
  verbs.push_back(std::make_unique<OpList>());
  verbs.push_back(std::make_unique<OpShow>());
}

}  // namespace troupe
