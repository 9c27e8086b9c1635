#pragma once

#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"
#include "runtime/decision/effects.hpp"
#include "runtime/decision/records.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// When a run came, began and ended; for people.
struct RunTimes {
  WallTime submitted;
  std::optional<WallTime> started, finished;
};

/// How far a run got. Counted when its attempts are written, so that lists need not read those.
struct RunCounts {
  std::uint32_t tasks = 0;  ///< of its plan
  std::uint32_t tasks_finished = 0;
  std::uint32_t task_restarts = 0;  ///< attempts after the first of each task
  std::int64_t rows_committed = 0;  ///< that readers see
};

/// One line of a list, from the run's own row alone.
struct RunSummary {
  RunRecord made;
  RunState state = RunState::queued;
  std::optional<Error> cause;
  RunTimes times;
  RunCounts counts;
};

/// A run as it is stored.
struct StoredRun {
  RunImage image;
  RunTimes times;
};

/// An epoch as it is stored, for people.
struct StoredEpoch {
  Epoch epoch;
  EpochState state = EpochState::started;
  std::optional<WallTime> started, published, committed;
  std::optional<EpochPhases> phases;  ///< once it was acknowledged
  std::int64_t state_bytes = 0;
  std::int64_t rows = 0;
  std::string why;  ///< it was given up
};

struct JobSummary {
  JobName job;
  std::string hash;  ///< of the current version
  WallTime applied;
  std::optional<RunId> last_run;
  std::optional<RunState> last_state;
};

struct StoredJob {
  JobSummary summary;
  std::shared_ptr<const std::string> plan;
  std::string descriptor;
};

struct StoredEvent {
  std::uint64_t sequence = 0;
  WallTime at;
  EventRecord event;
};

/// The durable memory of the control plane. Owned by the COORDINATOR; every call blocks on the
/// disk.
///
/// **To write**, from one thread at a time. A call is one transaction: all of its records or none,
/// on disk when it returns. States are compare-and-set: if a record's `from` is not the row's
/// state, the call is a `conflict`, and the caller must stop, for somebody else acts or it has
/// forgotten something. A write whose outcome is unknown is an error as well; only a new reading of
/// the store can tell.
///
/// **To read**, from one other thread at a time. A reader sees what was durable when it began.
/// Readers and writers do not wait for each other. Lists come in pages: at most `limit` items after
/// the last one of the page before.
class MetadataStore {
 public:
  virtual ~MetadataStore() = default;

  /// Raises the term and reads the image that a new leader starts from, in one transaction.
  virtual Result<ClusterImage> begin_term() = 0;
  /// Writes records and answers looks, in their order: a look sees all that was written before it,
  /// in this call too.
  virtual Result<std::vector<Looked>> carry_out(const StoreSteps& steps) = 0;
  Result<> write(std::vector<Record> records);

  virtual Result<StoredRun> run(RunId run) = 0;
  virtual Result<RunSummary> run_summary(RunId run) = 0;
  /// The newest first; of all jobs if `job` is empty; only runs older than `before` if that is set.
  virtual Result<std::vector<RunSummary>> runs(const std::optional<JobName>& job,
                                               std::optional<RunId> before,
                                               std::uint32_t limit) = 0;
  /// Sorted by name, from the first one after `after`.
  virtual Result<std::vector<JobSummary>> jobs(const JobName& after, std::uint32_t limit) = 0;
  virtual Result<StoredJob> job(const JobName& job) = 0;
  /// Of a streaming run, the newest first.
  virtual Result<std::vector<StoredEpoch>> epochs(RunId run, std::uint32_t limit) = 0;
  /// Events after number `sequence`, oldest first.
  virtual Result<std::vector<StoredEvent>> events(const std::optional<RunId>& run,
                                                  std::uint64_t sequence, std::uint32_t limit) = 0;
};

inline Result<> MetadataStore::write(std::vector<Record> records) {
  TRY(carry_out({effect::Persist{std::move(records)}}));
  return {};
}

/// Runs with leftovers that `begin_term` brings back: the newest.
inline constexpr std::uint32_t remembered_leftovers_max = 10'000;

}  // namespace troupe
