#include "actors/coordinator/run_view.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <set>

namespace troupe {
namespace {

double in_seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

std::string chain_name(const Stage& stage) {
  std::vector<std::string> names;
  for (const auto& link : stage.chain) names.push_back(link.phase.name);
  return fmt::format("{}", fmt::join(names, " > "));
}

TaskState state_of(const TaskStatus& task) {
  if (task.attempt != Attempt(0)) return task_state(task.state);
  return task.attempts == 0 ? TaskState::waiting : TaskState::restarting;
}

bool is_finished(const TaskStatus& task) {
  return task.attempt != Attempt(0) && task.state == AttemptState::finished;
}

/// Attempts after the first.
std::uint32_t again(const TaskStatus& task) { return task.attempts > 1 ? task.attempts - 1 : 0; }

/// Counters of the winning attempt where the task is done, else the last that were heard.
const TaskCounters& counters_of(const TaskStatus& task) {
  return is_finished(task) ? task.result.counters : task.counters;
}

class Views {
 public:
  explicit Views(const RunFacts& facts) : facts_(facts) {
    for (const auto& vertex : facts.job.vertices) {
      VertexView view{.id = vertex.id, .op = vertex.op};
      for (const auto& input : vertex.inputs) view.from.push_back(input.from);
      index_[vertex.id] = vertices_.size();
      vertices_.push_back(std::move(view));
    }
  }

  void add(TaskId id, const TaskStatus& task) {
    const Stage& stage = facts_.topology->graph().stage(id.stage);
    std::set<std::string> members;
    for (const auto& link : stage.chain) members.insert(link.vertex);
    for (const auto& name : members) {
      if (const auto found = index_.find(name); found != index_.end()) {
        add_task(vertices_[found->second], task);
        if (!ended(facts_.state)) add_time(vertices_[found->second], task);
      }
    }
    if (const auto first = index_.find(stage.chain.front().vertex); first != index_.end()) {
      ++vertices_[first->second].tasks_begun;
      vertices_[first->second].state_bytes += counters_of(task).state_bytes;
      vertices_[first->second].tasks_begun_finished += is_finished(task);
    }
    for (const auto& counted :
         outer_counters(facts_.topology->graph(), id.stage, counters_of(task))) {
      if (const auto found = index_.find(counted.vertex); found != index_.end()) {
        VertexView& vertex = vertices_[found->second];
        vertex.rows_in += static_cast<std::int64_t>(counted.rows_in);
        vertex.rows_out += static_cast<std::int64_t>(counted.rows_out);
        vertex.bytes_in += static_cast<std::int64_t>(counted.bytes_in);
        vertex.bytes_out += static_cast<std::int64_t>(counted.bytes_out);
        vertex.rows_late += static_cast<std::int64_t>(counted.rows_late);
      }
    }
    tasks_.push_back({id, chain_name(stage), state_of(task), task.attempt, task.node,
                      is_finished(task) ? "" : task.over});
  }

  void fill(RunView& view) && {
    for (auto& vertex : vertices_) vertex.state = final_state(vertex);
    view.vertices = std::move(vertices_);
    view.task_list = std::move(tasks_);
  }

 private:
  static void add_task(VertexView& vertex, const TaskStatus& task) {
    const TaskCounters& counters = counters_of(task);
    ++vertex.tasks;
    vertex.tasks_finished += is_finished(task);
    vertex.restarts += again(task);
    vertex.busy_s += in_seconds(counters.busy);
    vertex.blocked_s += in_seconds(counters.blocked);
    vertex.idle_s += in_seconds(counters.idle);
    vertex.queue_fill = std::max(vertex.queue_fill, counters.queue_percent / 100.0);
    if (state_of(task) == TaskState::running) vertex.state = VertexState::running;
  }

  /// The task that is furthest behind counts; one that has ended holds nothing back.
  void add_time(VertexView& vertex, const TaskStatus& task) const {
    const std::int64_t micros = counters_of(task).watermark;
    if (micros == 0 || is_finished(task)) return;
    const WallTime time{WallTime::duration(micros)};
    if (vertex.watermark && *vertex.watermark <= time) return;
    vertex.watermark = time;
    vertex.lag_s = std::chrono::duration<double>(facts_.now - time).count();
  }

  /// Once all tasks have been added: until then it is waiting, or running where one of them is.
  VertexState final_state(const VertexView& vertex) const {
    if (vertex.tasks > 0 && vertex.tasks_finished == vertex.tasks) return VertexState::finished;
    if (facts_.state == RunState::failed || facts_.state == RunState::halted) {
      return VertexState::failed;
    }
    return facts_.state == RunState::cancelled ? VertexState::cancelled : vertex.state;
  }

  const RunFacts& facts_;
  std::vector<VertexView> vertices_;
  std::map<std::string, std::size_t> index_;
  std::vector<TaskView> tasks_;
};

}  // namespace

RunView view_of(const RunFacts& facts) {
  RunView view;
  view.id = facts.made.run;
  view.job = facts.made.job;
  view.state = facts.state;
  view.uid = facts.made.uid;
  view.resumes = facts.made.resumes;
  view.plan_hash = facts.made.hash;
  view.attempt = facts.made.run_attempt;
  view.submitted = facts.submitted;
  view.started = facts.started;
  view.finished = facts.finished;
  view.rows_committed = facts.rows_committed;
  if (facts.cause) {
    view.error = facts.cause->message;
    view.hint = facts.cause->hint;
  }
  view.epoch = facts.epoch;
  if (facts.epoch_age) view.epoch_age_s = in_seconds(*facts.epoch_age);
  if (facts.recovered_in) view.recovered_in_s = in_seconds(*facts.recovered_in);
  Views views(facts);
  if (facts.topology != nullptr) {
    for (const auto& [id, task] : facts.tasks) {
      views.add(id, task);
      ++view.tasks;
      view.tasks_finished += is_finished(task);
      view.task_restarts += again(task);
      if (!ended(facts.state) && !is_finished(task) && view.reason.empty()) view.reason = task.over;
    }
  }
  if (!ended(facts.state) && !facts.waits.empty()) view.reason = facts.waits;
  std::move(views).fill(view);
  return view;
}

std::string in_words(const CommitWait& wait, Instant now) {
  return fmt::format(
      "committing '{}' has failed for {} s, {} time{}, and is tried until it is done: {}",
      wait.vertex, (now - wait.since) / 1s, wait.failures, wait.failures == 1 ? "" : "s",
      wait.why.to_string());
}

std::string in_words(const Errands::Wait& wait, Instant now) {
  if (wait.silent) {
    return fmt::format(
        "the commit of '{}' has waited for {} s: executor {} has not answered, and was asked again "
        "or another one was",
        wait.vertex, (now - wait.since) / 1s, *wait.silent);
  }
  return fmt::format("the commit of '{}' has waited for {} s for an executor", wait.vertex,
                     (now - wait.since) / 1s);
}

std::vector<VertexCounters> outer_counters(const TaskGraph& graph, StageId stage,
                                           const TaskCounters& counters) {
  const auto holds = [](const Stage& one, const std::string& vertex) {
    return std::any_of(one.chain.begin(), one.chain.end(),
                       [&](const ChainLink& link) { return link.vertex == vertex; });
  };
  const auto begin = graph.stages.begin(), here = begin + stage.value();
  std::map<std::string, VertexCounters> outer;
  for (const VertexCounters& counted : counters.vertices) {
    const auto [entry, first] = outer.try_emplace(counted.vertex, counted);
    if (first) continue;
    entry->second.rows_out = counted.rows_out;
    entry->second.bytes_out = counted.bytes_out;
  }
  std::vector<VertexCounters> result;
  for (auto& [vertex, counted] : outer) {
    const auto has = [&](const Stage& one) { return holds(one, vertex); };
    if (std::any_of(begin, here, has)) counted.rows_in = counted.bytes_in = 0;
    if (std::any_of(here + 1, graph.stages.end(), has)) counted.rows_out = counted.bytes_out = 0;
    result.push_back(std::move(counted));
  }
  return result;
}

std::map<TaskId, TaskStatus> tasks_of(const RunImage& image) {
  std::map<TaskId, TaskStatus> tasks;
  for (const auto& attempt : image.attempts) {
    TaskStatus& task = tasks[attempt.made.key.task];
    const std::uint32_t attempts = task.attempts + 1;
    task = TaskStatus{.attempt = attempt.made.key.attempt,
                      .node = attempt.made.node,
                      .incarnation = attempt.made.incarnation,
                      .state = attempt.state};
    task.attempts = attempts;
    if (attempt.result) task.result = *attempt.result;
  }
  return tasks;
}

}  // namespace troupe
