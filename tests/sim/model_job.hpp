#pragma once

#include "runtime/coordinator/coordinator_machine.hpp"
#include "runtime/graph/planner.hpp"
#include "runtime/os/random.hpp"
#include "tests/sim/model_stream.hpp"

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe::sim {

/// A row of all model jobs: a number that counts for a key.
struct ModelRow {
  std::int64_t key = 0;
  std::int64_t value = 0;
  friend auto operator<=>(const ModelRow&, const ModelRow&) = default;
};
using Rows = std::vector<ModelRow>;

/// One output of a job: what readers must find there, in any order, when it has succeeded.
struct ModelSink {
  std::string path;
  bool directory = true;
  Rows rows;  ///< sorted
};

/// A real job of real operators, small enough to know its answer without running it: read files,
/// filter, compute, aggregate, join, sort, unite, over every kind of exchange, and write. Some of
/// its tasks fail on purpose, or give their rows in another order each time.
struct ModelJob {
  JobName name;
  std::string plan;  ///< `encode_plan` of the bound graph
  PlanTarget target;
  std::map<std::string, ModelSink> sinks;  ///< by vertex
  std::int64_t memory_bytes = std::int64_t{1} << 30;
  /// The run must fail as the user's mistake.
  bool always_fails = false;
  // Of a stream, whose sinks are there.
  std::shared_ptr<const ModelStream> stream = {};
  std::optional<CheckpointSettings> checkpoint = {};
};

/// Where sources find the rows of streams, by the name of their job.
using ModelStreams = std::map<std::string, std::shared_ptr<const ModelStream>>;

/// Where jobs find what they need. `may_fail`: no task fails on purpose otherwise.
struct ModelPlace {
  Planner& planner;
  FileSystem& files;
  ModelStreams& streams;
  bool may_fail = true;
  std::size_t stream_rows = 250;  ///< of each subtask of a stream's source
};

/// Writes the files that the job reads, and plans it. The same random numbers give the same job.
ModelJob make_model_job(std::uint64_t number, Random& random, const ModelPlace& place);
Submission submission_of(const ModelJob& job, const std::string& key);

/// The rows of what a sink has written, sorted; nothing where there is no output.
std::optional<Rows> rows_in(FileSystem& files, const ModelSink& sink);

std::uint64_t mix(std::uint64_t value);

}  // namespace troupe::sim
