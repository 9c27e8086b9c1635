#include "runtime/base/json.hpp"
#include "runtime/base/json_text.hpp"
#include "runtime/graph/explain.hpp"

#include <algorithm>

namespace troupe {
namespace {

/// The part of this name, or an empty value if there is none.
const Json& part(const Json& whole, const char* name) {
  static const Json nothing;
  const auto found = whole.find(name);
  return found == whole.end() ? nothing : *found;
}

std::string joined(const Json& words) {
  std::string text;
  for (const Json& word : words) {
    text +=
        (text.empty() ? "" : ", ") + (word.is_string() ? word.get<std::string>() : json_text(word));
  }
  return text;
}

/// "4 of 19 columns: a, b, c, d; rows with (delay > 30)".
std::string pushed(const Json& source) {
  std::string text;
  if (source.contains("reads")) {
    text = fmt::format("{} of {} columns: {}", source["reads"].size(),
                       json_text(source["of_columns"]), joined(source["reads"]));
  }
  if (source.contains("predicate")) {
    text += fmt::format("{}only rows with {}", text.empty() ? "" : "; ",
                        source["predicate"].get<std::string>());
  }
  return text;
}

std::string exchange(const Json& edge) {
  std::string text = edge["exchange"].get<std::string>();
  if (edge.contains("keys")) text += "(" + joined(edge["keys"]) + ")";
  return text;
}

std::string phase_line(const Json& phase) {
  std::string text = "    " + phase["name"].get<std::string>();
  if (phase.contains("detail")) text += "  " + phase["detail"].get<std::string>();
  for (const Json& input : part(phase, "inputs")) {
    const bool own = input.contains("phase");
    text += fmt::format("\n      <- {} {}  {}{}", own ? "phase" : "input",
                        json_text(input[own ? "phase" : "input"]), exchange(input),
                        input.contains("waits_for_all") ? "  waits for all of it" : "");
  }
  return text + "\n";
}

std::string operator_text(const Json& vertex) {
  std::string text =
      fmt::format("{}  {}", vertex["id"].get<std::string>(), vertex["op"].get<std::string>());
  if (vertex.contains("from")) text += "  from " + joined(vertex["from"]);
  if (vertex.contains("rows")) {
    text += fmt::format("  {} {} rows", vertex.contains("rows_at_most") ? "at most" : "about",
                        json_text(vertex["rows"]));
  }
  text += "\n";
  for (const auto& [name, value] : part(vertex, "with").items()) {
    text += fmt::format("    {}: {}\n", name,
                        value.is_string() ? value.get<std::string>() : json_text(value));
  }
  if (const std::string told = pushed(vertex); !told.empty()) {
    text += fmt::format("    reads {}\n", told);
  }
  for (const Json& phase : part(vertex, "phases")) text += phase_line(phase);
  if (vertex.contains("columns")) {
    std::string columns;
    for (const Json& column : vertex["columns"]) {
      columns += fmt::format("{}{} {}", columns.empty() ? "" : ", ",
                             column["name"].get<std::string>(), column["type"].get<std::string>());
    }
    text += fmt::format("    gives {}\n", columns);
  }
  return text;
}

/// "region 4", "regions 0-3 8". Each region restarts alone.
std::string regions_text(const Json& regions) {
  std::string text = regions.size() == 1 ? "region" : "regions";
  for (std::size_t i = 0; i < regions.size(); ++i) {
    const auto first = regions[i].get<std::size_t>();
    auto last = first;
    while (i + 1 < regions.size() && regions[i + 1] == last + 1) ++i, ++last;
    text += first == last ? fmt::format(" {}", first) : fmt::format(" {}-{}", first, last);
  }
  return text;
}

std::string stage_text(const Json& stage) {
  const auto subtasks = stage["subtasks"].get<std::uint32_t>();
  std::string text =
      fmt::format("stage {}  {} subtask{}  {}\n", json_text(stage["stage"]), subtasks,
                  subtasks == 1 ? "" : "s", regions_text(stage["regions"]));
  for (const Json& edge : part(stage, "inputs")) {
    text += fmt::format("  <- stage {}  {}{}", json_text(edge["stage"]), exchange(edge),
                        edge["kept_on_disk"].get<bool>() ? "  kept on disk"
                        : edge.contains("held")          ? "  held until it is wanted"
                                                         : "");
    if (edge.contains("flow")) text += "  " + edge["flow"].get<std::string>();
    if (edge.contains("tells_needed")) {
      text += fmt::format("  tells which {} it needs", joined(edge["tells_needed"]));
    }
    text += "\n";
  }
  std::size_t id_width = 0;
  std::size_t phase_width = 0;
  for (const Json& link : stage["chain"]) {
    id_width = std::max(id_width, link["id"].get<std::string>().size());
    phase_width = std::max(phase_width, link["phase"].get<std::string>().size());
  }
  for (const Json& link : stage["chain"]) {
    std::string line = fmt::format("  {:<{}}  {:<{}}", link["id"].get<std::string>(), id_width,
                                   link["phase"].get<std::string>(), phase_width);
    if (link.contains("detail")) line += "  " + link["detail"].get<std::string>();
    if (const std::string told = pushed(link); !told.empty()) line += "  reads " + told;
    if (link.contains("state")) line += "  (stateful)";
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string in_quotes(const std::string& text) { return json_text(Json(text)); }

}  // namespace

std::string explain_text(const Json& explained) {
  std::string text = fmt::format("job {}  plan {}", explained["job"].get<std::string>(),
                                 explained["hash"].get<std::string>().substr(0, 12));
  if (explained.contains("tasks")) text += fmt::format("  {} tasks", json_text(explained["tasks"]));
  text += "\n\n";
  for (const Json& vertex : part(explained, "operators")) {
    text += operator_text(vertex);
  }
  for (const Json& stage : part(explained, "stages")) text += stage_text(stage);
  return text;
}

std::string explain_dot(const Json& explained) {
  std::string text = fmt::format("digraph {} {{\n  node [shape=box];\n",
                                 in_quotes(explained["job"].get<std::string>()));
  for (const Json& vertex : part(explained, "operators")) {
    const auto id = vertex["id"].get<std::string>();
    text += fmt::format("  {} [label={}];\n", in_quotes(id),
                        in_quotes(id + "\n" + vertex["op"].get<std::string>()));
    for (const Json& from : part(vertex, "from")) {
      const auto producer = from.get<std::string>();
      text += fmt::format("  {} -> {};\n", in_quotes(producer.substr(0, producer.find('.'))),
                          in_quotes(id));
    }
  }
  for (const Json& stage : part(explained, "stages")) {
    std::string label =
        fmt::format("stage {} x {}", json_text(stage["stage"]), json_text(stage["subtasks"]));
    for (const Json& link : stage["chain"]) {
      label +=
          fmt::format("\n{}: {}", link["id"].get<std::string>(), link["phase"].get<std::string>());
    }
    text += fmt::format("  s{} [label={}];\n", json_text(stage["stage"]), in_quotes(label));
    for (const Json& edge : part(stage, "inputs")) {
      text += fmt::format("  s{} -> s{} [label={}{}];\n", json_text(edge["stage"]),
                          json_text(stage["stage"]), in_quotes(exchange(edge)),
                          edge["kept_on_disk"].get<bool>() ? ", style=bold" : "");
    }
  }
  return text + "}\n";
}

}  // namespace troupe
