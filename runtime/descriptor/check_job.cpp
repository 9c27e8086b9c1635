#include "runtime/descriptor/check_job.hpp"

#include "runtime/base/json.hpp"
#include "runtime/descriptor/environment.hpp"
#include "runtime/descriptor/places.hpp"
#include "runtime/descriptor/shape.hpp"
#include "runtime/descriptor/shape_test.hpp"
#include "runtime/graph/graph_check.hpp"
#include "runtime/graph/task_graph.hpp"
#include "runtime/operator/operator_kind.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace troupe {
namespace {

Mistake graph_mistake(GraphMistake::Kind kind) {
  switch (kind) {
    case GraphMistake::Kind::too_large:
      return Mistake::too_large;
    case GraphMistake::Kind::bad_id:
      return Mistake::bad_name;
    case GraphMistake::Kind::unknown_operator:
      return Mistake::unknown_operator;
    case GraphMistake::Kind::unknown_vertex:
      return Mistake::unknown_vertex;
    case GraphMistake::Kind::no_output:
      return Mistake::unknown_port;
    case GraphMistake::Kind::wrong_inputs:
      return Mistake::wrong_inputs;
    case GraphMistake::Kind::cycle:
      return Mistake::cycle;
    case GraphMistake::Kind::unused:
      return Mistake::unused;
  }
  return Mistake::bad_inputs;
}

/// "late.with.where.x" -> "late", "with", "where".
struct ErrorPath {
  explicit ErrorPath(const std::string& path) {
    std::size_t at = 0;
    for (std::string* part : {&vertex, &section, &parameter}) {
      const std::size_t dot = std::min(path.find('.', at), path.size());
      if (at < path.size()) *part = path.substr(at, dot - at);
      at = dot + 1;
    }
  }

  std::string vertex;
  std::string section;
  std::string parameter;
};

bool holds_sql(ParameterType type) {
  return type == ParameterType::expression || type == ParameterType::predicate ||
         type == ParameterType::expressions || type == ParameterType::aggregates ||
         type == ParameterType::order;
}

/// Stages 3 to 5 of one descriptor.
class JobChecker {
 public:
  JobChecker(const SourceText& source, const YamlNode& root, const OperatorRegistry& registry,
             ShapedJob shaped, Diagnostics& diagnostics)
      : source_(source),
        root_(root),
        registry_(registry),
        shaped_(std::move(shaped)),
        diagnostics_(diagnostics) {}

  JobFile take() { return std::move(shaped_.job); }
  bool bound() const { return bound_; }

  void graph() {
    order_vertices(shaped_.job.graph);
    for (const GraphMistake& mistake : check(shaped_.job.graph, registry_)) {
      if (follows(mistake)) continue;
      report(graph_mistake(mistake.kind), mistake.error);
      if (mistake.kind != GraphMistake::Kind::unused) shaped_.broken.insert(mistake.vertex);
    }
    if (const YamlNode* tests = root_.find("tests")) {
      check_tests(*tests, shaped_.job.graph, registry_, diagnostics_);
    }
  }

  std::vector<RelativePath> paths(const std::string& directory) {
    return relative_paths(shaped_.job.graph, registry_, directory);
  }

  void types(bool tell_unreadable) {
    JobGraph sound = sound_part();
    const std::vector<Error> errors = bind(sound, registry_);
    bound_ = errors.empty();
    for (const Error& error : errors) {
      const Mistake mistake = mistake_of(error);
      if (mistake != Mistake::unreadable || tell_unreadable) report(mistake, error);
    }
    if (bound_ && diagnostics_.empty()) shaped_.job.graph = std::move(sound);
  }

  void environment() {
    for (const Error& error : check_outputs(sound_part(), registry_)) {
      report(Mistake::unwritable, error);
    }
    if (!bound_) return;
    for (const Error& error : check_sinks(sound_part(), registry_)) {
      report(Mistake::unwritable, error);
    }
  }

 private:
  void report(Mistake mistake, const Error& error) {
    const Places places(source_, *shaped_.dataflow, shaped_.templates);
    const Place place =
        mistake == Mistake::unused ? places.key(error.path) : places.value(error.path, error.span);
    diagnostics_.report(mistake, place.offset, place.length, error.message, error.hint);
  }

  /// True if the mistake only follows from a mistake in the vertex's shape.
  bool follows(const GraphMistake& mistake) const {
    const bool broken = shaped_.broken.count(mistake.vertex) > 0;
    switch (mistake.kind) {
      case GraphMistake::Kind::unknown_operator:
        return broken && shaped_.job.graph.find(mistake.vertex)->op.empty();
      case GraphMistake::Kind::wrong_inputs:
        return broken && shaped_.inputs_unknown;
      case GraphMistake::Kind::unused:
        return shaped_.inputs_unknown;
      case GraphMistake::Kind::bad_id:
        return broken;
      default:
        return false;
    }
  }

  /// The graph without broken vertices and without those that read from them.
  JobGraph sound_part() const {
    const JobGraph& all = shaped_.job.graph;
    std::set<std::string> out = shaped_.broken;
    const auto lost = [&](const JobVertex& vertex) {
      return std::any_of(vertex.inputs.begin(), vertex.inputs.end(),
                         [&](const JobInput& input) { return out.count(input.from) > 0; });
    };
    for (std::size_t before = out.size() + 1; before != out.size();) {
      before = out.size();
      for (const JobVertex& vertex : all.vertices) {
        if (lost(vertex)) out.insert(vertex.id);
      }
    }
    JobGraph sound;
    sound.name = all.name;
    sound.settings = all.settings;
    std::copy_if(all.vertices.begin(), all.vertices.end(), std::back_inserter(sound.vertices),
                 [&](const JobVertex& vertex) { return !out.count(vertex.id); });
    order_vertices(sound);
    return sound;
  }

  Mistake mistake_of(const Error& error) const {
    const ErrorPath path(error.path);
    const JobVertex* vertex = shaped_.job.graph.find(path.vertex);
    const OperatorKind* kind = vertex ? registry_.find(vertex->op) : nullptr;
    if (!kind) return Mistake::bad_inputs;
    if (path.section == "from") {
      return error.code == ErrorCode::not_found ? Mistake::unknown_port : Mistake::bad_inputs;
    }
    const Parameter* parameter = kind->description().find(path.parameter);
    const bool sql = parameter && holds_sql(parameter->type);
    if (error.reason == ErrorReason::unknown_column && (sql || names_column(parameter))) {
      return Mistake::unknown_column;
    }
    if (sql) return Mistake::bad_expression;
    const bool about_data = error.code != ErrorCode::invalid_argument ||
                            (parameter && parameter->type == ParameterType::path);
    const bool source = kind->description().role == OperatorRole::source;
    return source && about_data ? Mistake::unreadable : Mistake::bad_option;
  }

  static bool names_column(const Parameter* parameter) {
    return parameter &&
           (parameter->type == ParameterType::column || parameter->type == ParameterType::columns ||
            parameter->type == ParameterType::column_types);
  }

  const SourceText& source_;
  const YamlNode& root_;
  const OperatorRegistry& registry_;
  ShapedJob shaped_;
  Diagnostics& diagnostics_;
  bool bound_ = false;
};

}  // namespace

CheckedJob check_job(const std::string& file, std::string_view text,
                     const OperatorRegistry& registry, const CheckOptions& options) {
  const SourceText source(file, text);
  Diagnostics diagnostics(source);
  CheckedJob checked;
  const auto done = [&] {
    checked.mistakes = diagnostics.take();
    return checked;
  };
  const std::optional<YamlNode> root = parse_yaml(source, diagnostics);
  if (!root || !diagnostics.empty() || options.last == CheckStage::syntax) return done();

  std::optional<ShapedJob> shaped = shape_job(*root, source, registry, options, diagnostics);
  if (!shaped || !shaped->dataflow) return done();
  JobChecker checker(source, *root, registry, *std::move(shaped), diagnostics);
  if (options.last >= CheckStage::graph) checker.graph();
  checked.relative_paths = checker.paths(options.directory);
  if (options.last >= CheckStage::types) checker.types(options.last >= CheckStage::environment);
  if (options.last >= CheckStage::environment) checker.environment();
  if (diagnostics.empty()) {
    checked.job = checker.take();
    checked.bound = checker.bound();
  }
  return done();
}

}  // namespace troupe
