#pragma once

#include "runtime/base/metrics.hpp"
#include "runtime/protocol/messages.hpp"

#include <cstdint>
#include <map>

namespace troupe {

/// What an operator watches of the tasks of one node, while they run: all work that was done here,
/// also what another attempt has to do again. (What counted in the end is the coordinator's:
/// `RunMetrics`.) Owned by the executor.
class TaskMetrics {
 public:
  TaskMetrics(Metrics& metrics, std::uint32_t slots);

  void began(const AttemptKey& key, const JobName& job);
  /// The task has come so far; what is new since the last call is added.
  void moved(const AttemptKey& key, const TaskCounters& so_far);
  /// `outcome`: "finished", "failed" or "stopped".
  void ended(const AttemptKey& key, const TaskCounters& in_all, const char* outcome);

 private:
  struct Known {
    JobName job;
    TaskCounters counted;
  };
  void count(const JobName& job, const VertexCounters& before, const VertexCounters& now);
  MetricCounter& of_vertex(const char* name, const char* help, const JobName& job,
                           const std::string& vertex);

  Metrics& metrics_;
  MetricGauge& running_;
  std::map<AttemptKey, Known> tasks_;
};

}  // namespace troupe
