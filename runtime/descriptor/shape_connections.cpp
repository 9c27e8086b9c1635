#include "runtime/descriptor/shape_connections.hpp"

#include "runtime/base/json.hpp"
#include "runtime/base/near.hpp"
#include "runtime/descriptor/map_reader.hpp"
#include "runtime/descriptor/shape_vertex.hpp"
#include "runtime/graph/graph_check.hpp"
#include "runtime/secrets/connection.hpp"

namespace troupe {
namespace {

constexpr std::string_view prefix = "secrets.";

/// "${{ secrets.x }}" -> "secrets.x"; nothing if there is more in it, or less.
std::string only_name(std::string_view expression) {
  std::string_view inner = expression.substr(3, expression.size() - 5);
  while (!inner.empty() && inner.front() == ' ') inner.remove_prefix(1);
  while (!inner.empty() && inner.back() == ' ') inner.remove_suffix(1);
  const bool name = inner.starts_with(prefix) && valid_id(inner.substr(prefix.size()));
  return name ? std::string(inner) : std::string();
}

class ConnectionShaper {
 public:
  ConnectionShaper(const SourceText& source, const ShapedParameters& parameters,
                   Diagnostics& diagnostics)
      : parameters_(parameters),
        diagnostics_(diagnostics),
        filler_(source, parameters_, templates_, diagnostics) {}

  void secrets(const YamlEntry& all) {
    for (const YamlEntry& entry : entries(all)) {
      const std::string name = std::string(prefix) + entry.key.text;
      // Known, whatever it is, so that its uses are not mistakes of their own.
      parameters_.names[name] = text_value("");
      if (!named(entry.key, "secret")) continue;
      const Result<SecretReference> reference = parse_secret_reference(to_json(entry.value));
      if (reference) {
        secrets_.emplace(name, *reference);
      } else {
        report(entry.value, reference.error());
        parameters_.broken.insert(name);
      }
    }
  }

  ShapedConnections connections(const YamlEntry& all) {
    ShapedConnections shaped;
    for (const YamlEntry& entry : entries(all)) {
      const std::size_t before = diagnostics_.size();
      std::optional<Json> value;
      if (named(entry.key, "connection")) value = connection(entry);
      ShapedConnection& made = shaped.all[entry.key.text];
      made.open = filler_.take_open();
      if (value && diagnostics_.size() == before) {
        made.value = std::make_shared<const Json>(*std::move(value));
      }
    }
    return shaped;
  }

 private:
  const std::vector<YamlEntry>& entries(const YamlEntry& all) {
    if (all.value.kind != YamlNode::Kind::map) {
      report_wrong_type(diagnostics_, all.value, all.key.text, "a map from names");
    }
    return all.value.entries;
  }

  bool named(const YamlNode& key, const char* what) {
    if (valid_id(key.text)) return true;
    diagnostics_.report(Mistake::bad_name, key.offset, marked_bytes(key),
                        fmt::format("'{}' is no name for a {}", key.text, what),
                        "a lower-case letter, then letters, digits, '_' and '-'");
    return false;
  }

  /// Nothing where a text is not known, or after a mistake.
  std::optional<Json> connection(const YamlEntry& entry) {
    if (entry.value.kind != YamlNode::Kind::map) {
      report_wrong_type(diagnostics_, entry.value, entry.key.text, "a map");
      return std::nullopt;
    }
    Json written = {{"name", entry.key.text}};
    bool whole = true;
    for (const YamlEntry& setting : entry.value.entries) {
      const std::string& key = setting.key.text;
      std::optional<Json> value = text(setting.value, key, entry.key.text + "." + key);
      whole = whole && value;
      if (key == "name") {
        diagnostics_.report(Mistake::unknown_key, setting.key.offset, marked_bytes(setting.key),
                            "unknown key 'name'", "a connection has its key as its name");
      } else if (value) {
        written[key] = *std::move(value);
      }
    }
    if (!whole) return std::nullopt;
    const Result<Connection> made = Connection::parse(written);
    if (made) return made->to_json();
    const YamlEntry* at = entry.value.entry(made.error().path);
    const bool unknown = at && made.error().path != "type" && !known(written, at->key.text);
    report(unknown ? at->key : at ? at->value : entry.key, made.error());
    return std::nullopt;
  }

  static bool known(const Json& written, const std::string& key) {
    const ConnectionType* type = find_connection_type(written["type"].get<std::string>());
    return type == nullptr || type->find(key) != nullptr;
  }

  std::optional<Json> text(const YamlNode& node, const std::string& key, const std::string& path) {
    const std::optional<Json> filled = filler_.fill(node, FillAs::text, path);
    if (!filled) return std::nullopt;
    if (!filled->is_string()) {
      report_wrong_type(diagnostics_, node, key, "a text");
      return std::nullopt;
    }
    const auto found = templates_.find(path);
    return found == templates_.end() ? filled : parts(node, found->second);
  }

  /// The text with its secrets as references.
  std::optional<Json> parts(const YamlNode& node, const Template& filled) {
    Json all = Json::array();
    for (const Template::Piece& piece : filled.pieces) {
      const std::string_view written = std::string_view(node.text).substr(piece.from, piece.size);
      const auto secret = piece.computed ? secrets_.find(only_name(written)) : secrets_.end();
      if (secret != secrets_.end()) {
        all.push_back(troupe::to_json(secret->second));
      } else if (piece.computed && written.find(prefix) != std::string_view::npos) {
        report(node, make_error(ErrorCode::invalid_argument,
                                "a secret stands by itself: ${{{{ secrets.NAME }}}}"));
        return std::nullopt;
      } else {
        all.push_back(filled.text.substr(piece.at, piece.made));
      }
    }
    return all.size() == 1 ? all.front() : all;
  }

  void report(const YamlNode& at, const Error& error) {
    diagnostics_.report(Mistake::bad_connection, at.offset, marked_bytes(at), error.message,
                        error.hint);
  }

  ShapedParameters parameters_;  ///< those of the job, and the secrets
  Diagnostics& diagnostics_;
  std::map<std::string, Template> templates_;  ///< by connection and key
  Filler filler_;
  std::map<std::string, SecretReference> secrets_;
};

}  // namespace

const ShapedConnection* ShapedConnections::find(const std::string& name) const {
  const auto found = all.find(name);
  return found == all.end() ? nullptr : &found->second;
}

std::vector<std::string> ShapedConnections::names() const {
  std::vector<std::string> names;
  for (const auto& [name, connection] : all) names.push_back(name);
  return names;
}

ShapedConnections shape_connections(const YamlEntry* secrets, const YamlEntry* connections,
                                    const SourceText& source, const ShapedParameters& parameters,
                                    Diagnostics& diagnostics) {
  ConnectionShaper shaper(source, parameters, diagnostics);
  if (secrets) shaper.secrets(*secrets);
  return connections ? shaper.connections(*connections) : ShapedConnections();
}

}  // namespace troupe
