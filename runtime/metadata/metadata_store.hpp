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

/// How far a run got. Counted as its attempts are written, so that nobody reads those for a list.
struct RunCounts {
  std::uint32_t tasks = 0;  ///< that its plan makes
  std::uint32_t tasks_finished = 0;
  std::uint32_t task_restarts = 0;  ///< attempts after the first of each task
  std::int64_t rows_committed = 0;  ///< that readers see
};

/// One line of a list: what stands in the run's own row.
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

struct JobSummary {
  JobName job;
  std::string hash;  ///< of the version that is current
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

/// What the control plane remembers, durably. Owned by the COORDINATOR; every call blocks on the
/// disk.
///
/// **To write**, from one thread at a time. A call is one transaction: all of its records or none,
/// on disk when it returns. States are compare-and-set: a record whose `from` is not what the row
/// says is a `conflict`, and the caller must stop, for somebody else acts or it has forgotten
/// something. A write whose outcome is unknown is an error as well; only reading the store again
/// tells.
///
/// **To read**, from one other thread at a time. Readers see what was durable when they began, and
/// wait for no writer; nor does one wait for them. Lists come in pages: `limit` of them, on from
/// the last one of the page before.
class MetadataStore {
 public:
  virtual ~MetadataStore() = default;

  /// Raises the term and reads all that a leader starts from, in one transaction.
  virtual Result<ClusterImage> begin_term() = 0;
  /// Writes records and answers looks, each where it stands: a look sees what was written before
  /// it, in this call too.
  virtual Result<std::vector<Looked>> carry_out(const StoreSteps& steps) = 0;
  Result<> write(std::vector<Record> records);

  virtual Result<StoredRun> run(RunId run) = 0;
  virtual Result<RunSummary> run_summary(RunId run) = 0;
  /// The newest first; all jobs where `job` is empty, only older runs than `before` where that is
  /// set.
  virtual Result<std::vector<RunSummary>> runs(const std::optional<JobName>& job,
                                               std::optional<RunId> before,
                                               std::uint32_t limit) = 0;
  /// By name, those that come after `after`.
  virtual Result<std::vector<JobSummary>> jobs(const JobName& after, std::uint32_t limit) = 0;
  virtual Result<StoredJob> job(const JobName& job) = 0;
  /// After `sequence`, oldest first.
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
