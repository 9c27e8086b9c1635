#pragma once

#include "runtime/epoch/epoch_machine.hpp"

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

/// Epochs that are published, and that a sink has not committed yet. Then no more are published,
/// and sources pause: so much is staged at most.
inline constexpr std::size_t uncommitted_epochs_max = 8;
/// So many epochs stay in the history of a run.
inline constexpr std::uint64_t epochs_remembered_max = 1000;

/// The epochs of one run, in their order. A batch run has one, from its beginning to its end; a
/// streaming run one after the other, and before them those of the run that it resumes.
///
/// Owned by its run. At most one is open. Those that are published are committed one after the
/// other: no sink commits an epoch before all sinks have committed the one before it.
///
/// Invariant: a number is never used twice, also not after a restart of the coordinator, nor by a
/// run that goes on.
/// Invariant: the manifests of the last `keep` published epochs stay, and of all that are not
/// committed.
class Epochs {
 public:
  Epochs(EpochOwner owner, std::uint32_t keep, std::vector<EpochImage> rows,
         std::int64_t rows_committed);

  Epoch begin(Decision& decision);
  /// STARTED, and neither published nor aborted; 0: none is.
  Epoch open() const;
  /// The open one's.
  void seal(Manifest manifest, Decision& decision, const EpochPhases& phases = {});
  /// The open one; it is committed when all before it are.
  void publish(Decision& decision);
  /// The open one, if any: nothing of it becomes visible.
  void abort(Decision& decision, const std::string& why = {});
  /// The next one that is published and that nobody commits, if it is its turn: after `publish`,
  /// and of what an earlier leader has published.
  void commit_published(Decision& decision);

  void on_committed(const std::string& vertex, Instant now, Decision& decision);
  void on_commit_failed(const std::string& vertex, const Error& error, Instant now,
                        Decision& decision);
  void on_tick(Instant now, Decision& decision);
  std::optional<Instant> next_deadline() const;

  /// The last one that is; 0: none.
  Epoch published() const;
  /// The manifest of that one; empty where there is none.
  const Manifest& last_manifest() const;
  /// What is sealed and open.
  const Manifest& sealed() const;
  /// The last one that is committed; 0: none.
  Epoch committed() const { return committed_; }
  /// Published, not committed.
  std::size_t uncommitted() const;
  /// None is open, or published and not committed.
  bool all_over() const { return open() == Epoch() && uncommitted() == 0; }
  /// A sink can never be committed.
  const std::optional<Error>& refused() const;
  /// A sink is to be tried again.
  const CommitWait* waits() const;
  /// Files that the manifests which are kept do not name any more; told once.
  std::vector<StoredSnapshot> take_unnamed() { return std::exchange(unnamed_, {}); }
  /// That readers see, of all epochs.
  std::int64_t rows_committed() const { return rows_committed_; }

 private:
  EpochMachine* open_one();
  EpochMachine* committing();
  const EpochMachine* committing() const;
  const EpochMachine* last_published() const;
  void note_committed(Decision& decision);
  void forget(Decision& decision);
  void note_unnamed(const Manifest& forgotten);

  const std::shared_ptr<const EpochOwner> owner_;
  const std::uint32_t keep_;
  std::deque<EpochMachine> all_;  ///< by number: not aborted, and kept
  Epoch last_;
  Epoch committed_;  ///< the last one that is
  std::int64_t rows_committed_ = 0;
  std::vector<StoredSnapshot> unnamed_;
};

}  // namespace troupe
