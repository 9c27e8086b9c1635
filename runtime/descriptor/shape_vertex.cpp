#include "runtime/descriptor/shape_vertex.hpp"

#include "runtime/base/json.hpp"
#include "runtime/base/near.hpp"
#include "runtime/data/key_group.hpp"
#include "runtime/descriptor/map_reader.hpp"
#include "runtime/descriptor/shape_connections.hpp"
#include "runtime/graph/graph_check.hpp"
#include "runtime/operator/operator_kind.hpp"

#include <algorithm>
#include <utility>

namespace troupe {
namespace {

FillAs fill_as(ParameterType type) {
  switch (type) {
    case ParameterType::expression:
    case ParameterType::predicate:
    case ParameterType::expressions:
    case ParameterType::aggregates:
    case ParameterType::order:
      return FillAs::sql;
    case ParameterType::boolean:
    case ParameterType::integer:
    case ParameterType::number:
    case ParameterType::bytes:
    case ParameterType::duration:
      return FillAs::typed;
    default:
      return FillAs::text;
  }
}

std::vector<std::string> parameter_names(const OperatorDescription& described) {
  std::vector<std::string> names;
  for (const Parameter& parameter : described.parameters) names.push_back(parameter.name);
  return names;
}

class VertexShaper {
 public:
  VertexShaper(const YamlEntry& entry, const SourceText& source, const OperatorRegistry& registry,
               const ShapedConnections& connections, Filler& filler, ShapedJob& shaped,
               Diagnostics& diagnostics)
      : key_(entry.key),
        value_(entry.value),
        source_(source),
        registry_(registry),
        connections_(connections),
        filler_(filler),
        shaped_(shaped),
        diagnostics_(diagnostics) {}

  void run() {
    const std::size_t before = diagnostics_.size();
    vertex_.id = key_.text;
    vertex_.with = std::make_shared<const Json>(Json::object());
    if (!valid_id(vertex_.id)) {
      diagnostics_.report(Mistake::bad_name, key_.offset, marked_bytes(key_),
                          fmt::format("'{}' is no id for an operator", vertex_.id),
                          "a lower-case letter, then letters, digits, '_' and '-'");
    }
    filler_.take_open();  // those of the vertex before
    read();
    if (auto open = filler_.take_open(); !open.empty()) {
      shaped_.job.open[vertex_.id] = std::move(open);
    }
    if (diagnostics_.size() != before || poisoned_) shaped_.broken.insert(vertex_.id);
    shaped_.job.graph.vertices.push_back(std::move(vertex_));
  }

 private:
  void read() {
    const std::size_t known = diagnostics_.size();
    MapReader reader(value_, vertex_.id, diagnostics_,
                     {"op", "from", "with", "event_time", "parallelism", "description"},
                     {"state", "on_error", "sample", "formerly", "resources", "schema"});
    const bool odd_key = reader.is_map() && diagnostics_.size() != known;
    // An unknown key in a vertex without `from` may be a misspelled `from`.
    if (!reader.is_map() || (odd_key && !reader.has("from"))) shaped_.inputs_unknown = true;
    reader.require("op", key_.offset, marked_bytes(key_));
    reader.text("description");
    if (const YamlNode* from = reader.find("from")) {
      const std::size_t before = diagnostics_.size();
      inputs(*from);
      if (diagnostics_.size() != before) shaped_.inputs_unknown = true;
    }
    if (const YamlNode* subtasks = reader.find("parallelism")) {
      vertex_.parallelism =
          shape_parallelism(*subtasks, vertex_.id + ".parallelism", filler_, diagnostics_);
    }
    if (const YamlNode* time = reader.map("event_time")) event_time(*time);
    const YamlNode* with = reader.map("with");
    const std::optional<std::string> op = reader.text("op");
    if (!op) return;
    vertex_.op = *op;
    if (reader.has("with") && !with) return;
    if (const OperatorKind* kind = registry_.find(*op)) options(kind->description(), with);
  }

  void inputs(const YamlNode& from) {
    if (from.kind == YamlNode::Kind::scalar) return input(from);
    if (from.kind != YamlNode::Kind::list) {
      return report_wrong_type(diagnostics_, from, "from", "the id of an operator, or a list");
    }
    for (const YamlNode& item : from.items) input(item);
  }

  /// "id", or "id.port".
  void input(const YamlNode& node) {
    if (node.kind != YamlNode::Kind::scalar) {
      return report_wrong_type(diagnostics_, node, "from", "ids of operators");
    }
    const std::size_t dot = node.text.find('.');
    JobInput read{node.text.substr(0, dot)};
    if (dot != std::string::npos) {
      read.port = node.text.substr(dot + 1);
      if (!valid_id(read.port)) {
        diagnostics_.report(Mistake::unknown_port, offset_in_source(source_, node, dot + 1),
                            read.port.size(),
                            fmt::format("'{}' has no output '{}'", read.from, read.port),
                            fmt::format("from: {}", read.from));
        read.port.clear();
      }
    }
    vertex_.inputs.push_back(std::move(read));
  }

  void event_time(const YamlNode& node) {
    const std::string path = vertex_.id + ".event_time";
    MapReader reader(node, "event_time", diagnostics_, {"value", "max_out_of_order", "idle_after"});
    reader.require("value", node.offset);
    TimeSettings time;
    if (const YamlNode* value = reader.find("value")) {
      const std::optional<Json> filled = filler_.fill(*value, FillAs::sql, path + ".value");
      poisoned_ = poisoned_ || !filled;
      if (filled && filled->is_string()) time.value = filled->get<std::string>();
      if (filled && !filled->is_string()) {
        report_wrong_type(diagnostics_, *value, "value", "a SQL expression");
      }
    }
    if (const YamlNode* late = reader.find("max_out_of_order")) {
      const std::string place = path + ".max_out_of_order";
      const auto bound = shape_duration(*late, "max_out_of_order", place, filler_, diagnostics_);
      time.max_out_of_order = bound.value_or(Duration(0));
    }
    if (const YamlNode* idle = reader.find("idle_after")) {
      const std::string place = path + ".idle_after";
      time.idle_after = shape_duration(*idle, "idle_after", place, filler_, diagnostics_);
      if (time.idle_after == Duration(0)) {
        diagnostics_.report(Mistake::bad_value, idle->offset, marked_bytes(*idle),
                            "'idle_after' must be longer than nothing",
                            "leave it out where all subtasks of the source always have rows");
      }
    }
    vertex_.event_time = std::move(time);
  }

  void options(const OperatorDescription& described, const YamlNode* with) {
    Json filled = Json::object();
    std::vector<std::string> skipped;
    if (with) {
      for (const YamlEntry& entry : with->entries) {
        const Parameter* parameter = described.find(entry.key.text);
        const FillAs as = parameter ? fill_as(parameter->type) : FillAs::typed;
        const std::string path = fmt::format("{}.with.{}", vertex_.id, entry.key.text);
        const bool named = parameter && parameter->type == ParameterType::connection;
        if (std::optional<Json> value =
                named ? connection(entry.value, path) : filler_.fill(entry.value, as, path)) {
          filled[entry.key.text] = *std::move(value);
        } else {
          skipped.push_back(entry.key.text);
          poisoned_ = true;
        }
      }
    }
    vertex_.with = std::make_shared<const Json>(filled);
    for (const YamlEntry& entry : with ? with->entries : std::vector<YamlEntry>()) {
      // Do not report a parameter as missing if it is only misspelled.
      if (described.find(entry.key.text)) continue;
      skipped.push_back(nearest(entry.key.text, parameter_names(described)));
    }
    for (const Error& error : Options::check(described, filled)) {
      const std::string name = error.path.substr(0, error.path.find('.'));
      if (!std::count(skipped.begin(), skipped.end(), name)) tell(error, name, described, with);
    }
  }

  /// What `connections:` says of the one that is named here.
  std::optional<Json> connection(const YamlNode& node, const std::string& path) {
    const std::optional<Json> name = filler_.fill(node, FillAs::text, path);
    if (!name) return std::nullopt;
    if (!name->is_string()) {
      report_wrong_type(diagnostics_, node, "connection", "the name of a connection");
      return std::nullopt;
    }
    const ShapedConnection* found = connections_.find(name->get<std::string>());
    if (found) {
      filler_.add_open(found->open);
      return found->value ? std::optional<Json>(*found->value) : std::nullopt;
    }
    diagnostics_.report(Mistake::unknown_connection, node.offset, marked_bytes(node),
                        fmt::format("there is no connection '{}'", name->get<std::string>()),
                        did_you_mean(name->get<std::string>(), connections_.names()),
                        connections_.names());
    return std::nullopt;
  }

  void tell(const Error& error, const std::string& name, const OperatorDescription& described,
            const YamlNode* with) {
    const Places places(source_, *shaped_.dataflow, shaped_.templates);
    const std::string path = fmt::format("{}.with.{}", vertex_.id, error.path);
    const YamlEntry* written = with ? with->entry(name) : nullptr;
    const Parameter* parameter = described.find(name);
    if (!parameter && written) {
      const std::vector<std::string> allowed = parameter_names(described);
      diagnostics_.report(Mistake::unknown_key, written->key.offset, marked_bytes(written->key),
                          fmt::format("unknown key '{}' for '{}'", name, vertex_.op),
                          did_you_mean(name, allowed), allowed);
    } else if (parameter && !written) {
      const Place place = places.key(with ? vertex_.id + ".with" : vertex_.id);
      diagnostics_.report(Mistake::missing_key, place.offset, place.length,
                          fmt::format("'{}' needs '{}'", vertex_.op, name), parameter->help);
    } else {
      const Place place = places.value(path, error.span);
      diagnostics_.report(Mistake::bad_value, place.offset, place.length, error.message,
                          error.hint);
    }
  }

  const YamlNode& key_;
  const YamlNode& value_;
  const SourceText& source_;
  const OperatorRegistry& registry_;
  const ShapedConnections& connections_;
  Filler& filler_;
  ShapedJob& shaped_;
  Diagnostics& diagnostics_;
  JobVertex vertex_;
  bool poisoned_ = false;
};

}  // namespace

std::optional<Json> Filler::fill(const YamlNode& node, FillAs as, const std::string& path) {
  if (node.kind == YamlNode::Kind::scalar) return scalar(node, as, path);
  if (node.kind == YamlNode::Kind::null) return Json();
  const bool list = node.kind == YamlNode::Kind::list;
  Json filled = list ? Json::array() : Json::object();
  bool whole = true;
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    std::optional<Json> item = fill(node.items[i], as, fmt::format("{}.{}", path, i));
    whole = whole && item;
    if (item) filled.push_back(*std::move(item));
  }
  for (const YamlEntry& entry : node.entries) {
    std::optional<Json> value = fill(entry.value, as, path + "." + entry.key.text);
    whole = whole && value;
    if (value) filled[entry.key.text] = *std::move(value);
  }
  if (!whole) return std::nullopt;
  return filled;
}

std::optional<Json> Filler::scalar(const YamlNode& node, FillAs as, const std::string& path) {
  if (!has_template(node.text)) return scalar_to_json(node);
  bool unknown_value = false;
  for (const std::string& name : parameters_.broken) {
    unknown_value = unknown_value || mentions(node.text, name);
  }
  for (const std::string& name : parameters_.open) {
    if (!mentions(node.text, name)) continue;
    open_.insert(name.substr(name.find('.') + 1));
    unknown_value = true;
  }
  if (unknown_value) return std::nullopt;
  Result<Template> filled =
      expand(node.text, parameters_.names, as == FillAs::sql ? PasteAs::sql : PasteAs::text);
  if (!filled) {
    const Error& error = filled.error();
    const TextSpan span = error.span.value_or(TextSpan{0, node.text.size()});
    const std::size_t from = offset_in_source(source_, node, span.offset);
    const std::size_t last =
        offset_in_source(source_, node, span.offset + std::max<std::size_t>(span.length, 1) - 1);
    const bool unknown = error.code == ErrorCode::not_found;
    diagnostics_.report(unknown ? Mistake::unknown_in_template : Mistake::bad_template, from,
                        last + 1 - std::min(from, last), error.message, error.hint);
    return std::nullopt;
  }
  const bool keep = as == FillAs::typed && filled->only.has_value();
  Json value = keep ? to_json(*filled->only) : Json(filled->text);
  templates_[path] = *std::move(filled);
  return value;
}

void shape_vertex(const YamlEntry& entry, const SourceText& source,
                  const OperatorRegistry& registry, const ShapedConnections& connections,
                  Filler& filler, ShapedJob& shaped, Diagnostics& diagnostics) {
  VertexShaper(entry, source, registry, connections, filler, shaped, diagnostics).run();
}

std::optional<std::uint32_t> shape_parallelism(const YamlNode& node, const std::string& path,
                                               Filler& filler, Diagnostics& diagnostics) {
  const std::optional<Json> value = filler.fill(node, FillAs::typed, path);
  if (!value) return std::nullopt;
  if (!value->is_number_integer()) {
    report_wrong_type(diagnostics, node, "parallelism", "a whole number");
    return std::nullopt;
  }
  const auto subtasks = value->get<std::int64_t>();
  if (subtasks >= 1 && subtasks <= key_groups_default) return static_cast<std::uint32_t>(subtasks);
  diagnostics.report(Mistake::bad_value, node.offset, marked_bytes(node),
                     fmt::format("'parallelism' is {}; 1 to {} subtasks are possible", subtasks,
                                 key_groups_default));
  return std::nullopt;
}

std::optional<Duration> shape_duration(const YamlNode& node, std::string_view key,
                                       const std::string& path, Filler& filler,
                                       Diagnostics& diagnostics) {
  const std::optional<Json> value = filler.fill(node, FillAs::typed, path);
  if (!value) return std::nullopt;
  if (!value->is_string()) {
    report_wrong_type(diagnostics, node, key, "a duration with its unit, such as 10s");
    return std::nullopt;
  }
  const Result<Duration> parsed = parse_duration(value->get_ref<const std::string&>());
  if (parsed) return *parsed;
  diagnostics.report(Mistake::bad_value, node.offset, marked_bytes(node), parsed.error().message,
                     parsed.error().hint);
  return std::nullopt;
}

}  // namespace troupe
