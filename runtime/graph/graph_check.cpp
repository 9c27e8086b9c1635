#include "runtime/graph/graph_check.hpp"

#include "runtime/base/json.hpp"
#include "runtime/base/near.hpp"
#include "runtime/operator/operator_kind.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace troupe {
namespace {

bool lower(char c) { return c >= 'a' && c <= 'z'; }
bool digit(char c) { return c >= '0' && c <= '9'; }

/// Checks one graph. A mistake silences the mistakes that follow from it.
class GraphCheck {
 public:
  using Kind = GraphMistake::Kind;

  GraphCheck(const JobGraph& graph, const OperatorRegistry& registry)
      : graph_(graph), registry_(registry) {
    for (const JobVertex& vertex : graph.vertices) {
      ids_.push_back(vertex.id);
      by_id_.emplace(vertex.id, &vertex);
    }
  }

  std::vector<GraphMistake> run() {
    if (graph_.vertices.empty()) report(Kind::too_large, "", "", "a job needs an operator");
    if (graph_.vertices.size() > vertices_max) {
      report(Kind::too_large, "", "",
             fmt::format("{} operators are more than a job may have ({})", graph_.vertices.size(),
                         vertices_max));
      return std::move(mistakes_);
    }
    ids();
    for (const JobVertex& vertex : graph_.vertices) {
      inputs(vertex);
      operator_of(vertex);
    }
    cycles();
    unused();
    return std::move(mistakes_);
  }

 private:
  void report(Kind kind, const std::string& vertex, std::string_view below, std::string message,
              std::string hint = {}) {
    Error error{ErrorCode::invalid_argument, std::move(message), std::move(hint)};
    error.path = fmt::format("{}{}", vertex, below);
    mistakes_.push_back({kind, vertex, std::move(error)});
  }

  const JobVertex* find(const std::string& id) const {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : found->second;
  }

  void ids() {
    std::set<std::string> seen;
    for (const std::string& id : ids_) {
      if (!valid_id(id)) {
        report(Kind::bad_id, id, "", fmt::format("'{}' is no id", id),
               "an id is a lower-case letter, then lower-case letters, digits, '_' and '-'; at "
               "most 63 characters");
      }
      if (seen.insert(id).second) continue;
      report(Kind::bad_id, id, "", fmt::format("two operators are called '{}'", id));
    }
  }

  void inputs(const JobVertex& vertex) {
    for (std::size_t i = 0; i < vertex.inputs.size(); ++i) {
      const JobInput& input = vertex.inputs[i];
      const std::string below = fmt::format(".from.{}", i);
      if (input.from == vertex.id) {
        report(Kind::cycle, vertex.id, below, fmt::format("'{}' reads itself", vertex.id));
        looping_.insert(vertex.id);
      } else if (const JobVertex* producer = find(input.from)) {
        port(vertex, *producer, input, below);
      } else {
        report(Kind::unknown_vertex, vertex.id, below,
               fmt::format("there is no operator '{}'", input.from),
               did_you_mean(input.from, ids_));
        guessed_ = true;
      }
    }
  }

  void port(const JobVertex& vertex, const JobVertex& producer, const JobInput& input,
            const std::string& below) {
    const OperatorKind* kind = registry_.find(producer.op);
    if (kind && kind->description().role == OperatorRole::sink) {
      report(Kind::no_output, vertex.id, below,
             fmt::format("'{}' ({}) has no output: it is a sink", producer.id, producer.op),
             "read what it reads");
    } else if (kind && !input.port.empty()) {
      std::vector<std::string> names;
      for (const OutputPort& port : kind->description().ports) names.push_back(port.name);
      if (std::count(names.begin(), names.end(), input.port)) return;
      std::string hint = did_you_mean(input.port, names);
      if (hint.empty()) hint = fmt::format("from: {}", producer.id);
      report(Kind::no_output, vertex.id, below,
             fmt::format("'{}' ({}) has no output '{}'", producer.id, producer.op, input.port),
             hint);
      guessed_ = true;
    }
  }

  void operator_of(const JobVertex& vertex) {
    const OperatorKind* kind = registry_.find(vertex.op);
    if (!kind) return unknown_operator(vertex);
    const OperatorDescription& told = kind->description();
    const int count = static_cast<int>(vertex.inputs.size());
    if (vertex.inputs.size() > inputs_max) {
      return report(Kind::wrong_inputs, vertex.id, ".from",
                    fmt::format("at most {} inputs", inputs_max));
    }
    if (vertex.event_time && told.role != OperatorRole::source) {
      report(Kind::wrong_inputs, vertex.id, ".event_time",
             fmt::format("'{}' is no source: its rows have the event time of those it reads",
                         vertex.op),
             "move it to the source");
    }
    if (count >= told.inputs_min && (told.inputs_max < 0 || count <= told.inputs_max)) return;
    if (told.role == OperatorRole::source) {
      return report(Kind::wrong_inputs, vertex.id, ".from",
                    fmt::format("'{}' is a source: it reads no other operator", vertex.op),
                    "remove 'from'");
    }
    const std::string hint = count == 0 ? "say where its rows come from: from: <id>" : "";
    report(Kind::wrong_inputs, vertex.id, ".from",
           fmt::format("'{}' wants {}, not {}", vertex.op, wanted(told), count), hint);
  }

  static std::string wanted(const OperatorDescription& told) {
    const auto inputs = [](int n) { return fmt::format("{} input{}", n, n == 1 ? "" : "s"); };
    if (told.inputs_max < 0) return "at least " + inputs(told.inputs_min);
    if (told.inputs_min == told.inputs_max) return inputs(told.inputs_min);
    return fmt::format("{} to {}", told.inputs_min, inputs(told.inputs_max));
  }

  void unknown_operator(const JobVertex& vertex) {
    std::vector<std::string> names;
    for (const OperatorKind* kind : registry_.all()) names.push_back(kind->description().name);
    std::string hint = did_you_mean(vertex.op, names);
    if (hint.empty()) hint = "troupe op list shows all operators";
    report(Kind::unknown_operator, vertex.id, ".op",
           fmt::format("there is no operator kind '{}'", vertex.op), hint);
  }

  /// Reports each cycle once, at the first of its vertices, and names the way round.
  void cycles() {
    std::map<std::string, int> state;  // 1: on the way, 2: done
    std::vector<const JobVertex*> way;
    for (const JobVertex& vertex : graph_.vertices) visit(vertex, state, way);
  }

  /// Depth first, against the flow. `run` has bounded the vertices, and so the depth.
  void visit(const JobVertex& vertex, std::map<std::string, int>& state,
             std::vector<const JobVertex*>& way) {
    int& mine = state[vertex.id];
    if (mine == 2) return;
    if (mine == 1) return cycle(vertex, way);
    mine = 1;
    way.push_back(&vertex);
    for (const JobInput& input : vertex.inputs) {
      const JobVertex* producer = input.from == vertex.id ? nullptr : find(input.from);
      if (producer) visit(*producer, state, way);
    }
    way.pop_back();
    state[vertex.id] = 2;
  }

  void cycle(const JobVertex& back_at, const std::vector<const JobVertex*>& way) {
    std::string round = back_at.id;
    auto at = std::find_if(way.begin(), way.end(),
                           [&](const JobVertex* vertex) { return vertex->id == back_at.id; });
    bool known = false;
    for (; at != way.end(); ++at) {
      known = !looping_.insert((*at)->id).second || known;
      if ((*at)->id != back_at.id) round += " reads " + (*at)->id;
    }
    if (known) return;
    report(Kind::cycle, back_at.id, ".from",
           fmt::format("a cycle: {} reads {}; rows may only flow forward", round, back_at.id));
  }

  /// Says nothing if some name is unknown: that name may be a misspelled reader of this vertex.
  void unused() {
    if (guessed_) return;
    std::set<std::string> read;
    std::set<std::pair<std::string, std::string>> ports_read;
    for (const JobVertex& vertex : graph_.vertices) {
      for (const JobInput& input : vertex.inputs) {
        read.insert(input.from);
        ports_read.emplace(input.from, input.port);
      }
    }
    for (const JobVertex& vertex : graph_.vertices) {
      const OperatorKind* kind = registry_.find(vertex.op);
      if (kind && graph_.settings.mode == JobMode::streaming) {
        unread_ports(vertex, kind->description(), ports_read);
      }
      if (!kind || kind->description().role == OperatorRole::sink || read.count(vertex.id))
        continue;
      report(Kind::unused, vertex.id, "", fmt::format("nothing reads the rows of '{}'", vertex.id),
             "end it in a sink, such as 'print' or 'write.parquet', or remove it");
    }
  }

  void unread_ports(const JobVertex& vertex, const OperatorDescription& told,
                    const std::set<std::pair<std::string, std::string>>& read) {
    for (const OutputPort& port : told.ports) {
      if (port.unless.empty() || vertex.with->contains(port.unless)) continue;
      if (read.count({vertex.id, port.name})) continue;
      report(Kind::unused, vertex.id, "",
             fmt::format("nothing reads what '{}' gives by its output '{}'", vertex.id, port.name),
             fmt::format("read it (from: {}.{}), or say what becomes of these rows: '{}'",
                         vertex.id, port.name, port.unless));
    }
  }

  const JobGraph& graph_;
  const OperatorRegistry& registry_;
  std::vector<std::string> ids_;
  std::map<std::string, const JobVertex*> by_id_;
  std::set<std::string> looping_;
  bool guessed_ = false;
  std::vector<GraphMistake> mistakes_;
};

}  // namespace

bool valid_id(std::string_view id) {
  if (id.empty() || id.size() > id_chars_max || !lower(id.front())) return false;
  return std::all_of(id.begin(), id.end(),
                     [](char c) { return lower(c) || digit(c) || c == '_' || c == '-'; });
}

/// Always places the first vertex that can go next, so the order stays close to the author's.
void order_vertices(JobGraph& graph) {
  std::vector<JobVertex> vertices = std::move(graph.vertices);
  std::map<std::string, std::vector<std::size_t>> readers;  // by what they read
  std::vector<std::size_t> missing(vertices.size());        // inputs that are not placed yet
  std::set<std::size_t> ready;
  for (std::size_t i = 0; i < vertices.size(); ++i) {
    std::set<std::string> read;
    for (const JobInput& input : vertices[i].inputs) read.insert(input.from);
    for (const std::string& id : read) readers[id].push_back(i);
    missing[i] = read.size();
    if (read.empty()) ready.insert(i);
  }
  std::vector<JobVertex> ordered;
  std::vector<bool> placed(vertices.size());
  while (!ready.empty()) {
    const std::size_t next = *ready.begin();
    ready.erase(ready.begin());
    placed[next] = true;
    for (const std::size_t reader : std::exchange(readers[vertices[next].id], {})) {
      if (--missing[reader] == 0) ready.insert(reader);
    }
    ordered.push_back(std::move(vertices[next]));
  }
  for (std::size_t i = 0; i < vertices.size(); ++i) {
    if (!placed[i]) ordered.push_back(std::move(vertices[i]));
  }
  graph.vertices = std::move(ordered);
}

std::vector<GraphMistake> check(const JobGraph& graph, const OperatorRegistry& registry) {
  return GraphCheck(graph, registry).run();
}

Result<> well_formed(const JobGraph& graph) {
  std::set<std::string> earlier;
  for (const JobVertex& vertex : graph.vertices) {
    for (const JobInput& input : vertex.inputs) {
      if (!earlier.count(input.from)) {
        return make_error(ErrorCode::invalid_argument,
                          "'{}' reads '{}', which is no earlier operator", vertex.id, input.from)
            .at(vertex.id + ".from");
      }
    }
    if (!vertex.with) {
      return make_error(ErrorCode::invalid_argument, "'{}' has no parameters at all", vertex.id);
    }
    if (!earlier.insert(vertex.id).second) {
      return make_error(ErrorCode::invalid_argument, "two operators are called '{}'", vertex.id);
    }
  }
  return {};
}

}  // namespace troupe
