#pragma once

#include "runtime/run/run.hpp"
#include "runtime/run/run_event.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>

namespace troupe {

/// When the epochs of a streaming run begin, and whose acknowledgements they wait for.
///
///     (all tasks of its streams run, and it is time) --begin--> open: SnapshotTask to those that
///         read sources --(each task acknowledges)--> files that only one node has are copied to
///         another one --> sealed and published, in one transaction
///         --(too late, or a task begins again)--> aborted; the next one has all that it had
///     (enough are published that no sink has committed) --> the next one holds the sources, and is
///         published when one of those is committed: a storage that is away costs no more than that
///     (all sources are at their end) --> EndSources: tasks end, and what they have staged is the
///         run's last epoch
///     (somebody stops the run) --> one more, at once; then it is suspended, with the state of the
///         last one that is published
///
/// Owned by the phase in which tasks are at work. An acknowledgement is no row: a coordinator that
/// takes over aborts what is open.
///
/// Where the job wants its state on two disks, and not two nodes take work, none begins: it waits,
/// and says so.
///
/// Invariant: an epoch is published only if each task of a stream has acknowledged it in the
/// attempt that counts, and each file of its state is on two nodes, if there are two for work.
/// Invariant: none begins while a task is not at work, or has ended: what an ended task has
/// staged is in the run's last epoch, so no other may say that all before it is published.
class Checkpoints {
 public:
  explicit Checkpoints(Run& run);

  /// Begins one, or gives one up, if it is time.
  void advance();
  void on_acknowledged(const run_event::Snapshotted& event);
  /// True where what was to be copied is damaged on the disk of who wrote it.
  bool on_copied(const run_event::Copied& event);
  void on_exhausted(TaskId task, Attempt attempt);
  /// The run takes a last epoch: it begins now, or as soon as the open one is over.
  void stop();
  /// The last one is over, well or not, or none can begin: the run need not wait for more.
  bool stopped() const;

  /// A node has a new conversation with its coordinator: what was said in the last one may be lost.
  void on_listed(const NodeProcess& node);

  /// When `advance` is due.
  std::optional<Instant> next_deadline() const;

 private:
  bool may_begin() const;
  /// Else storages are away, and what waits for them is enough.
  bool may_publish() const;
  /// The open one has all that it needs.
  bool complete() const;
  bool all_run() const;
  bool may_copy() const;
  bool all_exhausted() const { return exhausted_.size() == sources_.size(); }
  void drop_stale();
  void begin();
  void on_all_acknowledged();
  void copy();
  std::vector<NodeId> holders(const StoredSnapshot& file) const;
  void publish();
  void drop_unnamed();
  void drop(const ClusterNode* node, std::vector<std::string> names, const std::string& directory);
  void note_waiting();
  void abort(const std::string& why);
  void end_sources();

  Run& run_;
  std::set<TaskId> tasks_;    ///< of its streams
  std::set<TaskId> sources_;  ///< of them, those that read sources
  std::map<TaskId, Attempt> exhausted_;
  std::map<TaskId, TaskSnapshot> acknowledged_;  ///< of the open epoch
  /// Of files that are on another node's disk, too: their nodes.
  std::map<std::string, std::set<NodeId>> copies_;
  std::map<std::uint64_t, std::vector<std::string>> copying_;  ///< by errand: names of files
  std::set<std::uint64_t> awaited_;  ///< errands that the open epoch waits for
  std::uint64_t last_copy_ = 0;
  bool told_single_ = false;
  bool told_waits_ = false;
  bool last_begun_ = false;  ///< the one after which the run stops
  Instant next_at_ = {};     ///< the next one begins not earlier
  Instant begun_at_ = {};    ///< the open one
  EpochPhases phases_ = {};  ///< likewise
};

}  // namespace troupe
