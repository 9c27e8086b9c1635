#pragma once

#include "runtime/decision/effects.hpp"
#include "tests/sim/model_job.hpp"

#include <map>
#include <string>
#include <vector>

namespace troupe::sim {

/// Commits and cleans up the outputs of model jobs by their real sinks.
class SinkStorage {
 public:
  /// `jobs` by plan.
  explicit SinkStorage(const std::map<std::string, ModelJob>& jobs) : jobs_(jobs) {}

  Result<> commit(const effect::CommitSink& commit) {
    return jobs_.at(*commit.plan)
        .sinks.at(commit.vertex)
        .sink->commit(commit.marker, commit.committables);
  }
  Result<> clean_up(const effect::CleanUpSinks& clean_up) {
    for (const auto& [vertex, sink] : jobs_.at(*clean_up.plan).sinks) {
      TRY(sink.sink->clean_up(sink_marker(clean_up.uid, vertex)));
    }
    return {};
  }

  /// An attempt has told that it has staged something: what a mutant commits, whoever has won.
  void staged(const std::string& marker, const std::vector<Committable>& files) {
    auto& all = staged_[marker];
    all.insert(all.end(), files.begin(), files.end());
  }
  std::vector<Committable> all_staged(const std::string& marker) { return staged_[marker]; }

 private:
  const std::map<std::string, ModelJob>& jobs_;
  std::map<std::string, std::vector<Committable>> staged_;
};

}  // namespace troupe::sim
