#include "deploy/cli/run_text.hpp"

#include "deploy/cli/output.hpp"
#include "runtime/control/wall_time.hpp"

#include <algorithm>
#include <chrono>
#include <map>

namespace troupe {
namespace {

/// An operator that is busy for a smaller share of its time is no bottleneck, even if others wait.
constexpr double busy_worth_telling = 0.5;
constexpr double wait_worth_telling = 0.2;

double seconds_between(WallTime from, WallTime to) {
  return std::chrono::duration<double>(to - from).count();
}

double total_time(const VertexView& vertex) {
  return vertex.busy_s + vertex.blocked_s + vertex.idle_s;
}

double share(double part, const VertexView& vertex) {
  const double all = total_time(vertex);
  return all > 0 ? part / all : 0;
}

const char* colour_of(VertexState state) {
  switch (state) {
    case VertexState::failed:
      return "\033[31m";
    case VertexState::running:
      return "\033[36m";
    case VertexState::finished:
      return "\033[32m";
    case VertexState::waiting:
    case VertexState::cancelled:
      return "\033[2m";
  }
  return "";
}

std::string where_it_waits(const VertexView& vertex) {
  if (total_time(vertex) <= 0) return "";
  const double blocked = share(vertex.blocked_s, vertex), idle = share(vertex.idle_s, vertex);
  std::string text = fmt::format("{:3.0f} % busy", 100 * share(vertex.busy_s, vertex));
  if (blocked >= wait_worth_telling) {
    text += fmt::format(", {:.0f} % waiting for room behind it", 100 * blocked);
  } else if (idle >= wait_worth_telling && !vertex.from.empty()) {
    text += fmt::format(", {:.0f} % waiting for input", 100 * idle);
  }
  return text;
}

/// Of a stream: how far it is, and what it has dropped.
std::string where_it_is(const VertexView& vertex) {
  std::string text;
  if (vertex.watermark) text += fmt::format(", at {}", short_time(*vertex.watermark));
  if (vertex.lag_s && *vertex.lag_s > 0) {
    text += fmt::format(" ({} behind)", human_duration(*vertex.lag_s));
  }
  if (vertex.rows_late > 0) {
    text += fmt::format(", {} late rows dropped", with_thousands(vertex.rows_late));
  }
  return text;
}

struct Line {
  std::string tree;
  const VertexView* vertex;
};

/// The graph as a tree: each vertex once, below its first input, depth first.
class Tree {
 public:
  explicit Tree(const std::vector<VertexView>& vertices) {
    for (const auto& vertex : vertices) {
      if (!vertex.from.empty()) children_[vertex.from.front()].push_back(&vertex);
    }
    for (const auto& vertex : vertices) {
      if (vertex.from.empty()) add(vertex, "", "");
    }
  }

  const std::vector<Line>& lines() const { return lines_; }

 private:
  void add(const VertexView& vertex, const std::string& own, const std::string& below) {
    lines_.push_back({own + vertex.id, &vertex});
    const auto& children = children_[vertex.id];
    for (std::size_t i = 0; i < children.size(); ++i) {
      const bool last = i + 1 == children.size();
      add(*children[i], below + (last ? "└─ " : "├─ "), below + (last ? "   " : "│  "));
    }
  }

  std::map<std::string, std::vector<const VertexView*>> children_;
  std::vector<Line> lines_;
};

std::string other_inputs(const VertexView& vertex) {
  if (vertex.from.size() < 2) return "";
  return fmt::format("  + {}", fmt::join(vertex.from.begin() + 1, vertex.from.end(), ", "));
}

}  // namespace

std::string short_time(WallTime time) { return to_iso8601(time).substr(0, 19) + "Z"; }

std::string run_headline(const RunView& run) {
  std::string text = fmt::format("run {}  {}  {}", run.id, run.job, to_string(run.state));
  if (run.started && run.finished) {
    text += "  " + human_duration(seconds_between(*run.started, *run.finished));
  }
  text += fmt::format("  {} of {} tasks", run.tasks_finished, run.tasks);
  if (run.task_restarts > 0) text += fmt::format("  {} restarted", run.task_restarts);
  if (run.recovered_in_s) {
    text += fmt::format("  recovered in {}", human_duration(*run.recovered_in_s));
  }
  return text;
}

std::string run_graph(const RunView& run, bool colour) {
  const Tree tree(run.vertices);
  std::size_t id_width = 0, op_width = 0;
  for (const auto& line : tree.lines()) {
    id_width = std::max(id_width, width_of(line.tree));
    op_width = std::max(op_width, line.vertex->op.size());
  }
  std::string text;
  for (const auto& [drawn, vertex] : tree.lines()) {
    const std::int64_t rows = vertex->rows_out > 0 ? vertex->rows_out : vertex->rows_in;
    text += fmt::format(
        "  {}{}  {:<{}}  {}{:<9}{}  {:>5}  {:>14} rows  {}{}\n", drawn,
        std::string(id_width - width_of(drawn), ' '), vertex->op, op_width,
        colour ? colour_of(vertex->state) : "", to_string(vertex->state), colour ? "\033[0m" : "",
        vertex->tasks > 0 && vertex->tasks_begun == 0
            ? std::string("fused")
            : fmt::format("{}/{}", vertex->tasks_begun_finished, vertex->tasks_begun),
        with_thousands(rows), where_it_waits(*vertex) + where_it_is(*vertex),
        other_inputs(*vertex));
  }
  const std::string words = bottleneck(run);
  if (!words.empty()) text += fmt::format("\n  bottleneck: {}\n", words);
  return text;
}

std::string bottleneck(const RunView& run) {
  const VertexView* busiest = nullptr;
  std::size_t waiting = 0;
  for (const auto& vertex : run.vertices) {
    if (!busiest || share(vertex.busy_s, vertex) > share(busiest->busy_s, *busiest)) {
      busiest = &vertex;
    }
  }
  for (const auto& vertex : run.vertices) {
    if (&vertex == busiest) continue;
    const double waits = vertex.blocked_s + (vertex.from.empty() ? 0 : vertex.idle_s);
    if (share(waits, vertex) >= wait_worth_telling) ++waiting;
  }
  if (!busiest || waiting == 0 || share(busiest->busy_s, *busiest) < busy_worth_telling) return "";
  return fmt::format("`{}` is busy {:.0f} % of its time, and {} operator{} wait{} for it",
                     busiest->id, 100 * share(busiest->busy_s, *busiest), waiting,
                     waiting == 1 ? "" : "s", waiting == 1 ? "s" : "");
}

std::string run_position(const RunView& run) {
  if (!run.epoch) return "";
  std::string text = *run.epoch == Epoch() ? std::string("no epoch is committed yet")
                                           : fmt::format("epoch {} is committed", *run.epoch);
  if (run.epoch_age_s && *run.epoch != Epoch()) {
    text += fmt::format(", {} ago", human_duration(*run.epoch_age_s));
  }
  std::int64_t state = 0;
  for (const auto& vertex : run.vertices) state += vertex.state_bytes;
  if (state > 0) text += fmt::format("; state {}", human_bytes(state));
  return text;
}

std::string run_progress(const RunView& run, double seconds) {
  std::int64_t rows = 0;
  for (const auto& vertex : run.vertices) {
    if (vertex.from.empty()) rows += vertex.rows_out;
  }
  const double rate = seconds > 0 ? static_cast<double>(rows) / seconds : 0;
  return fmt::format("{}  {}/{} tasks  {} rows read  {}/s  {}", to_string(run.state),
                     run.tasks_finished, run.tasks, with_thousands(rows),
                     with_thousands(static_cast<std::int64_t>(rate)), human_duration(seconds));
}

namespace {

TextTable::Cell seconds_cell(const std::optional<double>& seconds) {
  return seconds ? TextTable::Cell::seconds(*seconds) : TextTable::Cell("");
}

}  // namespace

TextTable checkpoints_table(const std::vector<CheckpointView>& checkpoints) {
  using Audience = TextTable::Audience;
  TextTable table{{{"EPOCH", true},
                   {"STATE"},
                   {"STARTED"},
                   {"ALIGN", true},
                   {"WRITE", true},
                   {"ACKNOWLEDGE", true, Audience::wide},
                   {"COPY", true},
                   {"COMMIT", true},
                   {"STATE SIZE", true},
                   {"ROWS", true},
                   {"REASON"}},
                  {}};
  for (const CheckpointView& each : checkpoints) {
    table.rows.push_back(
        {fmt::format("{}", each.epoch), to_string(each.state),
         each.started ? short_time(*each.started) : "", seconds_cell(each.aligned_s),
         seconds_cell(each.written_s), seconds_cell(each.acknowledged_s),
         seconds_cell(each.copied_s), seconds_cell(each.commit_s),
         TextTable::Cell(human_bytes(each.state_bytes), fmt::format("{}", each.state_bytes)),
         TextTable::Cell::count(each.rows), each.reason});
  }
  return table;
}

TextTable runs_table(const std::vector<RunView>& runs) {
  using Audience = TextTable::Audience;
  TextTable table{{{"RUN", true},
                   {"JOB"},
                   {"STATE"},
                   {"TASKS", true, Audience::people},
                   {"TASKS", true, Audience::programs},
                   {"TASKS FINISHED", true, Audience::programs},
                   {"RESTARTS", true},
                   {"ROWS", true},
                   {"TIME", true, Audience::people},
                   {"TIME S", true, Audience::programs},
                   {"SUBMITTED"},
                   {"PLAN", false, Audience::wide},
                   {"ERROR", false, Audience::wide}},
                  {}};
  for (const auto& run : runs) {
    const TextTable::Cell time =
        run.started && run.finished
            ? TextTable::Cell::seconds(seconds_between(*run.started, *run.finished))
            : TextTable::Cell("");
    table.rows.push_back(
        {fmt::format("{}", run.id), run.job.value(), to_string(run.state),
         fmt::format("{}/{}", run.tasks_finished, run.tasks), fmt::format("{}", run.tasks),
         fmt::format("{}", run.tasks_finished), fmt::format("{}", run.task_restarts),
         run.rows_committed > 0 || run.state == RunState::succeeded
             ? TextTable::Cell::count(run.rows_committed)
             : "",
         time, time, run.submitted ? short_time(*run.submitted) : "", run.plan_hash, run.error});
  }
  return table;
}

TextTable tasks_table(const RunView& run) {
  TextTable table{{{"TASK"}, {"OPERATORS"}, {"STATE"}, {"NODE"}, {"ATTEMPT", true}, {"REASON"}},
                  {}};
  for (const auto& task : run.task_list) {
    table.rows.push_back(
        {fmt::format("{}", task.task), task.name, to_string(task.state), task.node.value(),
         task.attempt == Attempt() ? "" : fmt::format("{}", task.attempt), task.reason});
  }
  return table;
}

std::string run_nodes(const RunView& run) {
  std::map<NodeId, std::size_t> tasks;
  for (const auto& task : run.task_list) {
    if (!task.node.value().empty()) ++tasks[task.node];
  }
  std::vector<std::string> told;
  for (const auto& [node, count] : tasks) told.push_back(fmt::format("{} {}", node, count));
  return told.empty() ? "" : fmt::format("tasks by node: {}", fmt::join(told, ", "));
}

}  // namespace troupe
