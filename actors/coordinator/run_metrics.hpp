#pragma once

#include "runtime/base/metrics.hpp"
#include "runtime/decision/records.hpp"

namespace troupe {

/// What an operator watches of the work of runs, by job and vertex. Rows and times count once, when
/// an attempt has won and its record is written: work that was done in vain is not in them.
class RunMetrics {
 public:
  explicit RunMetrics(Metrics& metrics) : metrics_(metrics) {}

  /// `vertices`: see `outer_counters`.
  void won(const JobName& job, const std::vector<VertexCounters>& vertices,
           const TaskCounters& counters);
  void progress(const JobName& job, const TaskCounters& counters);
  void restarted(const JobName& job, std::size_t regions);
  void ended(const JobName& job, RunState state);
  // Of streams.
  void epoch(const JobName& job, EpochState state, WallTime now);
  void sealed(const JobName& job, const ManifestRecord& manifest);
  /// Of all tasks that begin with the vertex. A watermark of 0 is none.
  void position(const JobName& job, const std::string& vertex, std::int64_t watermark,
                std::int64_t state_bytes);

 private:
  /// A task has the name of the first operator of its chain.
  void queue_fill(const JobName& job, const TaskCounters& counters, double ratio);
  void phase(const JobName& job, const char* name, Duration took);
  MetricCounter& of_vertex(const char* name, const char* help, const JobName& job,
                           const std::string& vertex);
  MetricCounter& of_job(const char* name, const char* help, const JobName& job);

  Metrics& metrics_;
};

}  // namespace troupe
