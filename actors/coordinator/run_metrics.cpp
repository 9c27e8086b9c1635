#include "actors/coordinator/run_metrics.hpp"

#include <chrono>

namespace troupe {
namespace {

std::uint64_t milliseconds(Duration duration) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

}  // namespace

void RunMetrics::won(const JobName& job, const std::vector<VertexCounters>& vertices,
                     const TaskCounters& counters) {
  for (const VertexCounters& vertex : vertices) {
    of_vertex("troupe_rows_in_total", "Rows that went into an operator.", job, vertex.vertex)
        .add(vertex.rows_in);
    of_vertex("troupe_rows_out_total", "Rows that an operator made.", job, vertex.vertex)
        .add(vertex.rows_out);
    of_vertex("troupe_bytes_in_total", "Bytes that went into an operator.", job, vertex.vertex)
        .add(vertex.bytes_in);
    of_vertex("troupe_bytes_out_total", "Bytes that an operator made.", job, vertex.vertex)
        .add(vertex.bytes_out);
  }
  of_job("troupe_task_busy_milliseconds_total", "Time that tasks computed.", job)
      .add(milliseconds(counters.busy));
  of_job("troupe_task_blocked_milliseconds_total", "Time that tasks waited for room behind them.",
         job)
      .add(milliseconds(counters.blocked));
  of_job("troupe_task_idle_milliseconds_total", "Time that tasks waited for input.", job)
      .add(milliseconds(counters.idle));
  queue_fill(job, counters, 0);
}

void RunMetrics::progress(const JobName& job, const TaskCounters& counters) {
  queue_fill(job, counters, counters.queue_percent / 100.0);
}

void RunMetrics::queue_fill(const JobName& job, const TaskCounters& counters, double ratio) {
  if (counters.vertices.empty()) return;
  metrics_
      .gauge("troupe_queue_fill_ratio", "The fullest input queue of a task, when it last said.",
             {{"job", job.value()}, {"vertex", counters.vertices.front().vertex}})
      .set(ratio);
}

void RunMetrics::restarted(const JobName& job, std::size_t regions) {
  of_job("troupe_region_restarts_total", "Regions of tasks that began again.", job).add(regions);
}

void RunMetrics::ended(const JobName& job, RunState state) {
  metrics_
      .counter("troupe_runs_ended_total", "Runs that have ended.",
               {{"job", job.value()}, {"state", to_string(state)}})
      .add();
}

void RunMetrics::epoch(const JobName& job, EpochState state, WallTime now) {
  metrics_
      .counter("troupe_epochs_total", "Epochs of streaming runs that came so far.",
               {{"job", job.value()}, {"state", to_string(state)}})
      .add();
  if (state != EpochState::committed) return;
  metrics_
      .gauge("troupe_epoch_committed_seconds",
             "When an epoch was committed last, in seconds since 1970.", {{"job", job.value()}})
      .set(std::chrono::duration<double>(now.time_since_epoch()).count());
}

void RunMetrics::sealed(const JobName& job, const ManifestRecord& manifest) {
  phase(job, "aligned", manifest.phases.aligned);
  phase(job, "written", manifest.phases.written);
  phase(job, "acknowledged", manifest.phases.acknowledged);
  phase(job, "copied", manifest.phases.copied);
}

void RunMetrics::phase(const JobName& job, const char* name, Duration took) {
  metrics_
      .gauge("troupe_checkpoint_seconds", "How long a part of the last checkpoint took.",
             {{"job", job.value()}, {"phase", name}})
      .set(std::chrono::duration<double>(took).count());
}

void RunMetrics::position(const JobName& job, const std::string& vertex, std::int64_t watermark,
                          std::int64_t state_bytes) {
  const Labels labels{{"job", job.value()}, {"vertex", vertex}};
  metrics_.gauge("troupe_state_bytes", "What tasks would be restored from.", labels)
      .set(static_cast<double>(state_bytes));
  if (watermark == 0) return;
  metrics_
      .gauge("troupe_watermark_seconds",
             "The event time of the task that is furthest behind, in seconds since 1970.", labels)
      .set(static_cast<double>(watermark) / 1e6);
}

MetricCounter& RunMetrics::of_vertex(const char* name, const char* help, const JobName& job,
                                     const std::string& vertex) {
  return metrics_.counter(name, help, {{"job", job.value()}, {"vertex", vertex}});
}

MetricCounter& RunMetrics::of_job(const char* name, const char* help, const JobName& job) {
  return metrics_.counter(name, help, {{"job", job.value()}});
}

}  // namespace troupe
