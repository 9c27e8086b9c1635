#pragma once

#include "runtime/decision/decision.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// A sink that cannot be committed now is tried again after this long, twice as long each time, at
/// most so long, for as long as it takes.
inline constexpr Duration commit_retry_min = 500ms;
inline constexpr Duration commit_retry_max = 10s;

/// Whose epoch it is.
struct EpochOwner {
  RunId run;
  RunUid uid;
  std::shared_ptr<const std::string> plan;
  RunUid lineage = {};  ///< its commits are marked with it; empty: as `uid`
};

/// A published sink that could not be committed yet.
struct CommitWait {
  std::string vertex;
  Instant since = {};  ///< when it failed first
  std::uint32_t failures = 0;
  Error why = {};  ///< of the last one
};

/// One epoch of a run: what its sinks stage up to one moment, and how all of it becomes visible.
///
///     none --begin--> STARTED --seal: the manifest--> STARTED --publish--> PUBLISHED
///                        |                                                    | commit
///                        +--abort--> ABORTED             COMMITTED <--(every sink has committed)
///
/// PUBLISHED is **the commit point**. Publish only what is sealed durably, or in the same
/// transaction: whoever reads PUBLISHED then finds the whole manifest, and commits it from the rows
/// alone.
///
/// Owned by the `Epochs` of its run, into whose decisions it writes: an epoch's row changes with
/// the run's.
///
/// Invariant: nothing is committed before PUBLISHED is durable, and only what the manifest names.
/// Invariant: what is published is never passed over: it is committed, however long its storage is
/// away, or `refused` says why it never can be, and a person decides.
class EpochMachine {
 public:
  /// A new one.
  EpochMachine(std::shared_ptr<const EpochOwner> owner, Epoch number)
      : owner_(std::move(owner)), number_(number) {}
  /// As the rows have it.
  EpochMachine(std::shared_ptr<const EpochOwner> owner, EpochImage image);

  void begin(Decision& decision);
  void seal(Manifest manifest, Decision& decision, const EpochPhases& phases = {});
  void publish(Decision& decision);
  /// Its sinks, which have committed `previous` before; of an epoch that an earlier leader has
  /// published, too.
  void commit(Epoch previous, Decision& decision);
  void on_committed(const std::string& vertex, Instant now, Decision& decision);
  void on_commit_failed(const std::string& vertex, const Error& error, Instant now,
                        Decision& decision);
  void on_tick(Instant now, Decision& decision);
  /// Nothing of it becomes visible. One that is published cannot be aborted any more: no change.
  void abort(Decision& decision, const std::string& why = {});

  Epoch number() const { return number_; }
  std::optional<EpochState> state() const { return state_; }
  bool published() const {
    return state_ == EpochState::published || state_ == EpochState::committed;
  }
  bool commit_begun() const { return commit_begun_; }
  bool committed() const { return state_ == EpochState::committed; }
  /// Published, and a sink cannot be committed, now or ever.
  const std::optional<Error>& refused() const { return refused_; }
  /// Published, and a sink is to be tried again: the one that has waited longest.
  const CommitWait* waits() const;
  const Manifest& manifest() const { return manifest_; }
  /// When `on_tick` is due.
  std::optional<Instant> next_deadline() const;

 private:
  struct SinkCommit {
    bool committed = false;
    CommitWait wait = {};  ///< where it has failed
    Duration retry = {};
    std::optional<Instant> again_at;
  };

  /// The commit of a sink that is not over yet; null for any other.
  SinkCommit* open_commit(const std::string& vertex);
  void have_committed(const SinkPart& part, Decision& decision) const;
  void wait(SinkCommit& commit, const std::string& vertex, const Error& error, Instant now,
            Decision& decision);
  void note_committed(Decision& decision);
  void refuse(const std::string& vertex, const Error& error, Decision& decision);
  void move_to(EpochState state, Decision& decision, const std::string& why = {});

  const std::shared_ptr<const EpochOwner> owner_;
  const Epoch number_;
  std::optional<EpochState> state_;
  Manifest manifest_;
  Epoch previous_;
  bool commit_begun_ = false;                  ///< by this leader
  std::map<std::string, SinkCommit> commits_;  ///< by vertex, from `commit` on
  std::optional<Error> refused_;
};

}  // namespace troupe
