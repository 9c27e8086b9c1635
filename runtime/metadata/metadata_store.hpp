#pragma once

#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"
#include "runtime/decision/records.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// How far the tasks of a run got, counted from its attempts.
struct StoredWork {
  std::uint32_t attempts = 0;
  std::uint32_t tasks = 0;  ///< that were tried at all
  std::uint32_t finished = 0;
};

/// A run as it is stored, with the times that people ask for.
struct StoredRun {
  RunImage image;
  WallTime submitted;
  std::optional<WallTime> started, finished;
  StoredWork work;
};

struct StoredJob {
  JobVersionRecord version;  ///< the current one
  WallTime applied;
  std::optional<RunId> last_run;
  std::optional<RunState> last_state;
};

struct StoredEvent {
  std::uint64_t sequence = 0;
  WallTime at;
  EventRecord event;
};

/// What the control plane remembers, durably. Owned by the COORDINATOR, used from one thread at a
/// time; every call blocks on the disk.
///
/// A write is one transaction: all of its records or none, on disk when it returns. States are
/// compare-and-set: a record whose `from` is not what the row says is a `conflict`, and the caller
/// must stop, for somebody else acts or it has forgotten something. A write whose outcome is
/// unknown is an error as well; only reading the store again tells.
class MetadataStore {
 public:
  virtual ~MetadataStore() = default;

  /// Raises the term and reads all that a leader starts from, in one transaction.
  virtual Result<ClusterImage> begin_term() = 0;
  virtual Result<> write(const std::vector<Record>& records) = 0;

  virtual Result<StoredRun> run(RunId run) = 0;
  /// The newest first, with manifest, without attempts; all jobs where `job` is empty, only older
  /// runs than `before` where that is set.
  virtual Result<std::vector<StoredRun>> runs(const std::optional<JobName>& job,
                                              std::optional<RunId> before, std::uint32_t limit) = 0;
  virtual Result<std::vector<StoredJob>> jobs() = 0;
  virtual Result<StoredJob> job(const JobName& job) = 0;
  /// After `sequence`, oldest first.
  virtual Result<std::vector<StoredEvent>> events(const std::optional<RunId>& run,
                                                  std::uint64_t sequence, std::uint32_t limit) = 0;
};

/// Idempotency keys that `begin_term` brings back: of the last runs that had one.
inline constexpr std::uint32_t remembered_keys_max = 10'000;
/// Runs with leftovers that `begin_term` brings back: the newest.
inline constexpr std::uint32_t remembered_leftovers_max = 10'000;

}  // namespace troupe
