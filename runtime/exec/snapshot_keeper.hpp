#pragma once

#include "runtime/exec/operator_chain.hpp"
#include "runtime/exec/task_host.hpp"
#include "runtime/exec/task_point.hpp"
#include "runtime/protocol/task_snapshot.hpp"
#include "runtime/state/merge_policy.hpp"

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// Where a task keeps its state, and what that is.
struct SnapshotSite {
  FileSystem* files = nullptr;
  std::string directory;
  std::string name;           ///< unique for ever: the names of all files of the attempt begin so
  std::vector<NodeId> nodes;  ///< whose disk that is; none: all nodes see it
  SubtaskOf self;
  KeyGroupRange groups;
  std::vector<std::vector<OperatorTable>> tables;  ///< by operator of the chain
  bool reads_source = false;
  EpochRole role;
};

/// Writes down what a task is at each barrier, and knows the files that tell it.
///
/// What the operators hand over goes to the I/O threads: one write is under way at a time, in the
/// order of the epochs, each into a file of its own; while the task goes on. Files that have become
/// many are merged beside that. Nothing is ever taken back: what belongs to an epoch that was given
/// up stands in the list of the next one.
///
/// Owned by its task, shared with the calls under way, which may end after it.
class SnapshotKeeper : public std::enable_shared_from_this<SnapshotKeeper> {
 public:
  SnapshotKeeper(std::shared_ptr<TaskHost> host, SnapshotSite site);

  /// Fills the operators, which are open, with what they held at the barrier that the task goes on
  /// from. Blocks.
  Result<TaskPoint> restore(OperatorChain& chain) const;

  /// What was handed over at a barrier, and where the task stood. One whose write has not begun
  /// when the next one comes is written with it: its epoch has been given up.
  Result<> keep(OperatorChain::Handed handed, const TaskPoint& point);

  struct Saved {
    Epoch epoch;
    std::vector<StoredSnapshot> files;
  };
  /// The last epoch that is durable, and all that the task would be restored from to it; told once.
  /// The task is woken when there is one. The failure of a write is told here.
  Result<std::optional<Saved>> saved();
  /// Nothing more is written than what is under way.
  void close();

 private:
  struct Change {
    Epoch epoch;
    std::vector<StateRows> rows;
    TaskPoint point;
  };

  Result<> check(const std::vector<StateRows>& rows) const;
  bool belongs_to_task(std::size_t op, std::size_t table) const {
    return site_.tables[op][table].table->owner == StateOwner::task;
  }
  std::vector<StateRows> of_task(std::vector<StateRows> rows) const;
  void add(std::vector<StateRows>& older, std::vector<StateRows> newer) const;
  bool needs_file(const Change& change) const;
  void start();
  void work();
  std::optional<Change> next();
  Result<> make_directory();
  Result<std::optional<SnapshotFile>> write(const Change& change);
  void written(const Change& change, Result<std::optional<SnapshotFile>> file);
  void merge_some();
  void merge(const SnapshotFiles& parts, bool from_oldest, std::uint64_t number, EventTime time);
  std::vector<OperatorTable> all_tables() const;

  const std::shared_ptr<TaskHost> host_;
  const SnapshotSite site_;
  std::mutex mutex_;
  std::optional<Change> waiting_;
  std::optional<Saved> saved_;
  std::optional<Error> error_;
  std::vector<StoredSnapshot> live_;  ///< the oldest first
  // Of the newest file of this attempt: where the task stood, and what was handed over; of that,
  // the tables that belong to the task are kept.
  std::optional<TaskPoint> point_;
  std::vector<StateRows> rows_;
  std::uint64_t merges_ = 0;
  bool directory_made_ = false;
  bool writing_ = false;
  bool merging_ = false;
  bool closed_ = false;
};

}  // namespace troupe
