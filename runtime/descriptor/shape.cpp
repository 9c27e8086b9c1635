#include "runtime/descriptor/shape.hpp"

#include "runtime/base/json.hpp"
#include "runtime/base/near.hpp"
#include "runtime/descriptor/map_reader.hpp"
#include "runtime/descriptor/shape_connections.hpp"
#include "runtime/descriptor/shape_parameters.hpp"
#include "runtime/descriptor/shape_test.hpp"
#include "runtime/descriptor/shape_vertex.hpp"
#include "runtime/graph/graph_check.hpp"
#include "runtime/operator/options.hpp"

#include <utility>

namespace troupe {
namespace {

constexpr const char* api_version = "troupe/v1";
constexpr std::int64_t memory_bytes_min = std::int64_t{16} << 20;

class JobShaper {
 public:
  JobShaper(const YamlNode& root, const SourceText& source, const OperatorRegistry& registry,
            Diagnostics& diagnostics)
      : root_(root), source_(source), registry_(registry), diagnostics_(diagnostics) {}

  std::optional<ShapedJob> run(const CheckOptions& options) {
    if (!known_version()) return std::nullopt;
    MapReader reader(root_, "a job", diagnostics_,
                     {"apiVersion", "kind", "metadata", "params", "mode", "parallelism", "memory",
                      "restart", "checkpoint", "secrets", "connections", "dataflow", "tests"},
                     {"schedule", "tasks", "delivery", "defaults", "backfill", "resources", "sla",
                      "notify", "environments"});
    if (const YamlNode* metadata = reader.require("metadata", root_.offset)) read(*metadata);
    mode(reader);
    parameters_ = shape_parameters(root_.entry("params"), options.parameters,
                                   options.open_parameters, diagnostics_);
    name_job();
    settings(reader);
    if (const YamlNode* dataflow = flow(reader)) vertices(*dataflow);
    if (const YamlNode* tests = reader.find("tests")) {
      shaped_.job.tests = shape_tests(*tests, source_, parameters_.declarations, diagnostics_);
    }
    shaped_.job.parameters = std::move(parameters_.declarations);
    return std::move(shaped_);
  }

 private:
  void report(Mistake mistake, const YamlNode& at, std::string message, std::string hint = {},
              std::vector<std::string> allowed = {}) {
    diagnostics_.report(mistake, at.offset, marked_bytes(at), std::move(message), std::move(hint),
                        std::move(allowed));
  }

  /// False if the file is for another version or no job at all: nothing else is worth telling then.
  bool known_version() {
    if (root_.kind != YamlNode::Kind::map) {
      report(Mistake::wrong_type, root_, fmt::format("a job is a map, not {}", describe(root_)),
             "it begins with 'apiVersion: troupe/v1'");
      return false;
    }
    return constant("apiVersion", api_version) && constant("kind", "Job");
  }

  bool constant(const char* key, const std::string& wanted) {
    const YamlNode* value = root_.find(key);
    if (!value) {
      report(Mistake::missing_key, root_, fmt::format("a job needs '{}: {}'", key, wanted));
      return false;
    }
    if (value->text == wanted) return true;
    report(Mistake::not_supported, *value,
           fmt::format("'{}' is {}; this version reads '{}'", key, describe(*value), wanted));
    return false;
  }

  void read(const YamlNode& node) {
    JobMetadata& metadata = shaped_.job.metadata;
    MapReader reader(node, "metadata", diagnostics_,
                     {"name", "namespace", "description", "owner", "labels"});
    if (!reader.is_map()) return;
    reader.require("name", root_.entry("metadata")->key.offset, 8);
    metadata.name = name(reader, "name");
    metadata.job_namespace = name(reader, "namespace");
    metadata.description = reader.text("description").value_or("");
    metadata.owner = reader.text("owner").value_or("");
    const YamlNode* labels = reader.map("labels");
    if (!labels) return;
    for (const YamlEntry& label : labels->entries) {
      if (label.value.kind == YamlNode::Kind::scalar) {
        metadata.labels[label.key.text] = label.value.text;
      } else {
        report_wrong_type(diagnostics_, label.value, label.key.text, "a text");
      }
    }
  }

  std::string name(const MapReader& reader, const char* key) {
    const std::optional<std::string> text = reader.text(key);
    if (text && !valid_id(*text)) {
      report(Mistake::bad_name, *reader.find(key), fmt::format("'{}' is no {}", *text, key),
             "a lower-case letter, then letters, digits, '_' and '-'");
    }
    return text.value_or("");
  }

  void mode(const MapReader& reader) {
    const YamlNode* mode = reader.find("mode");
    if (!mode || mode->text == "batch") return;
    if (mode->text == "streaming") {
      shaped_.job.graph.settings.mode = JobMode::streaming;
      return;
    }
    report(Mistake::bad_value, *mode,
           fmt::format("'mode' is batch or streaming, not {}", describe(*mode)),
           did_you_mean(mode->text, {"batch", "streaming"}), {"batch", "streaming"});
  }

  void name_job() {
    const JobMetadata& metadata = shaped_.job.metadata;
    shaped_.job.graph.name = JobName(metadata.full_name());
    parameters_.names["job.name"] = text_value(metadata.name);
    parameters_.names["job.namespace"] = text_value(metadata.job_namespace);
  }

  Filler filler() { return {source_, parameters_, shaped_.templates, diagnostics_}; }

  void settings(const MapReader& reader) {
    JobSettings& settings = shaped_.job.graph.settings;
    Filler fill = filler();
    if (const YamlNode* node = reader.find("parallelism")) {
      settings.parallelism = shape_parallelism(*node, "parallelism", fill, diagnostics_);
    }
    if (const YamlNode* node = reader.find("memory")) memory(*node, fill);
    if (const YamlNode* node = reader.find("restart")) restart(*node, fill);
    if (const YamlNode* node = reader.find("checkpoint")) checkpoint(*node, fill);
  }

  void memory(const YamlNode& node, Filler& fill) {
    const std::optional<Json> value = fill.fill(node, FillAs::typed, "memory");
    if (!value) return;
    Result<std::int64_t> bytes = make_error(ErrorCode::invalid_argument,
                                            "'memory' wants a number of "
                                            "bytes, such as 4GiB, not {}",
                                            describe(node));
    if (value->is_number_integer()) bytes = value->get<std::int64_t>();
    if (value->is_string()) bytes = parse_bytes(value->get_ref<const std::string&>());
    if (!bytes) return report(Mistake::bad_value, node, bytes.error().message, bytes.error().hint);
    if (*bytes < memory_bytes_min) {
      return report(Mistake::bad_value, node, "'memory' is at least 16MiB");
    }
    shaped_.job.graph.settings.memory_bytes = *bytes;
  }

  void restart(const YamlNode& node, Filler& fill) {
    RestartSettings& settings = shaped_.job.graph.settings.restart;
    MapReader reader(node, "restart", diagnostics_, {"attempts", "window", "initial", "max"},
                     {"backoff", "jitter", "for"});
    constexpr std::int64_t attempts_max = 1000000;
    count(reader, "restart", "attempts", 0, attempts_max, settings.attempts, fill);
    duration(reader, "restart", "window", settings.window, fill);
    duration(reader, "restart", "initial", settings.initial_delay, fill);
    duration(reader, "restart", "max", settings.max_delay, fill);
  }

  void checkpoint(const YamlNode& node, Filler& fill) {
    if (shaped_.job.graph.settings.mode != JobMode::streaming) {
      return report(Mistake::bad_value, node, "a batch job takes no checkpoints",
                    "'mode: streaming' makes it a streaming job");
    }
    CheckpointSettings& settings = shaped_.job.graph.settings.checkpoint;
    MapReader reader(node, "checkpoint", diagnostics_,
                     {"every", "timeout", "keep", "copies", "directory"}, {"mode", "storage"});
    constexpr std::int64_t kept_max = 1000;
    constexpr Duration every_min = 10ms;
    duration(reader, "checkpoint", "every", settings.every, fill);
    if (settings.every < every_min) {
      report(Mistake::bad_value, *reader.find("every"), "'every' is at least 10ms");
    }
    duration(reader, "checkpoint", "timeout", settings.timeout, fill);
    count(reader, "checkpoint", "keep", 1, kept_max, settings.keep, fill);
    if (const YamlNode* node_of_copies = reader.find("copies")) copies(*node_of_copies, fill);
    if (const YamlNode* directory = reader.find("directory")) {
      const std::optional<Json> value =
          fill.fill(*directory, FillAs::typed, "checkpoint.directory");
      if (value && value->is_string() && !value->get_ref<const std::string&>().empty()) {
        settings.directory = value->get<std::string>();
      } else if (value) {
        report(Mistake::bad_value, *directory, "'directory' wants a path");
      }
    }
  }

  void copies(const YamlNode& node, Filler& fill) {
    const std::optional<Json> value = fill.fill(node, FillAs::typed, "checkpoint.copies");
    if (!value || *value == "at_least 1") return;
    if (*value == 2) {
      shaped_.job.graph.settings.checkpoint.copies_min = 2;
      return;
    }
    report(Mistake::bad_value, node,
           fmt::format("'copies' is 2 or 'at_least 1', not {}", describe(node)),
           "2: no checkpoint is published whose state is on one node only");
  }

  void count(const MapReader& reader, const char* map, const char* key, std::int64_t least,
             std::int64_t most, std::uint32_t& setting, Filler& fill) {
    const YamlNode* node = reader.find(key);
    if (!node) return;
    const std::optional<Json> value =
        fill.fill(*node, FillAs::typed, fmt::format("{}.{}", map, key));
    if (!value) return;
    const std::int64_t count = value->is_number_integer() ? value->get<std::int64_t>() : least - 1;
    if (count < least || count > most) {
      return report(Mistake::bad_value, *node,
                    fmt::format("'{}' wants a whole number from {} to {}, not {}", key, least, most,
                                describe(*node)));
    }
    setting = static_cast<std::uint32_t>(count);
  }

  void duration(const MapReader& reader, const char* map, const char* key, Duration& setting,
                Filler& fill) {
    const YamlNode* node = reader.find(key);
    if (!node) return;
    const std::string path = fmt::format("{}.{}", map, key);
    setting = shape_duration(*node, key, path, fill, diagnostics_).value_or(setting);
  }

  const YamlNode* flow(const MapReader& reader) {
    if (!reader.has("dataflow") && reader.has("tasks")) return nullptr;
    const YamlNode* dataflow = reader.require("dataflow", root_.offset);
    if (!dataflow) return nullptr;
    if (dataflow->kind != YamlNode::Kind::map || dataflow->entries.empty()) {
      report_wrong_type(diagnostics_, *dataflow, "dataflow", "a map from ids to operators");
      return nullptr;
    }
    return dataflow;
  }

  void vertices(const YamlNode& dataflow) {
    shaped_.dataflow = &dataflow;
    const ShapedConnections connections = shape_connections(
        root_.entry("secrets"), root_.entry("connections"), source_, parameters_, diagnostics_);
    Filler fill = filler();
    for (const YamlEntry& entry : dataflow.entries) {
      shape_vertex(entry, source_, registry_, connections, fill, shaped_, diagnostics_);
    }
  }

  const YamlNode& root_;
  const SourceText& source_;
  const OperatorRegistry& registry_;
  Diagnostics& diagnostics_;
  ShapedParameters parameters_;
  ShapedJob shaped_;
};

}  // namespace

std::optional<ShapedJob> shape_job(const YamlNode& root, const SourceText& source,
                                   const OperatorRegistry& registry, const CheckOptions& options,
                                   Diagnostics& diagnostics) {
  return JobShaper(root, source, registry, diagnostics).run(options);
}

}  // namespace troupe
