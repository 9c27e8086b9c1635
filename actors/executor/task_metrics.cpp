#include "actors/executor/task_metrics.hpp"

namespace troupe {
namespace {

/// The vertex by which a task is known: the first of its chain.
std::string name_of(const TaskCounters& counters) {
  return counters.vertices.empty() ? "" : counters.vertices.front().vertex;
}

}  // namespace

TaskMetrics::TaskMetrics(Metrics& metrics, std::uint32_t slots)
    : metrics_(metrics),
      running_(metrics.gauge("troupe_executor_tasks", "Tasks that are on this node now.")) {
  metrics.gauge("troupe_executor_slots", "Subtasks of a stage that this node takes at a time.")
      .set(slots);
}

void TaskMetrics::began(const AttemptKey& key, const JobName& job) {
  tasks_[key].job = job;
  running_.set(static_cast<double>(tasks_.size()));
}

void TaskMetrics::moved(const AttemptKey& key, const TaskCounters& so_far) {
  const auto found = tasks_.find(key);
  if (found == tasks_.end()) return;
  auto& [job, counted] = found->second;
  for (std::size_t i = 0; i < so_far.vertices.size(); ++i) {
    count(job, i < counted.vertices.size() ? counted.vertices[i] : VertexCounters(),
          so_far.vertices[i]);
  }
  const std::string name = name_of(so_far);
  // By difference of whole milliseconds, so that what is rounded away now is counted later.
  const auto time = [&](const char* metric, const char* help, Duration before, Duration now) {
    of_vertex(metric, help, job, name).add(static_cast<std::uint64_t>(now / 1ms - before / 1ms));
  };
  time("troupe_executor_busy_milliseconds_total", "Time that tasks of this node computed.",
       counted.busy, so_far.busy);
  time("troupe_executor_blocked_milliseconds_total",
       "Time that tasks of this node waited for room behind them, or for a disk.", counted.blocked,
       so_far.blocked);
  time("troupe_executor_idle_milliseconds_total", "Time that tasks of this node waited for input.",
       counted.idle, so_far.idle);
  metrics_
      .gauge("troupe_executor_queue_fill_ratio",
             "The fullest input queue of a task of this node, when it last was looked at.",
             {{"job", job.value()}, {"vertex", name}})
      .set(so_far.queue_percent / 100.0);
  counted = so_far;
}

void TaskMetrics::ended(const AttemptKey& key, const TaskCounters& in_all, const char* outcome) {
  if (!tasks_.contains(key)) return;
  TaskCounters last = in_all;
  last.queue_percent = 0;
  moved(key, last);
  metrics_
      .counter("troupe_executor_tasks_ended_total", "Tasks of this node that are over.",
               {{"job", tasks_.at(key).job.value()}, {"outcome", outcome}})
      .add();
  tasks_.erase(key);
  running_.set(static_cast<double>(tasks_.size()));
}

void TaskMetrics::count(const JobName& job, const VertexCounters& before,
                        const VertexCounters& now) {
  const auto add = [&](const char* metric, const char* help, std::uint64_t from, std::uint64_t to) {
    of_vertex(metric, help, job, now.vertex).add(to - from);
  };
  add("troupe_executor_rows_in_total", "Rows that went into an operator on this node.",
      before.rows_in, now.rows_in);
  add("troupe_executor_rows_out_total", "Rows that an operator made on this node.", before.rows_out,
      now.rows_out);
  add("troupe_executor_bytes_in_total", "Bytes that went into an operator on this node.",
      before.bytes_in, now.bytes_in);
  add("troupe_executor_bytes_out_total", "Bytes that an operator made on this node.",
      before.bytes_out, now.bytes_out);
  if (now.rows_late == 0) return;  // only windows of streams drop any
  add("troupe_executor_rows_late_total",
      "Rows dropped, since they came when their windows were closed.", before.rows_late,
      now.rows_late);
}

MetricCounter& TaskMetrics::of_vertex(const char* name, const char* help, const JobName& job,
                                      const std::string& vertex) {
  return metrics_.counter(name, help, {{"job", job.value()}, {"vertex", vertex}});
}

}  // namespace troupe
