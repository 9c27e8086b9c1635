#pragma once

#include "runtime/exec/task.hpp"
#include "runtime/protocol/messages.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace troupe {

/// The end of one attempt of a task: done, or the error that ended it.
struct TaskEnded {
  AttemptKey key;
  std::optional<Error> error = {};
  std::vector<Committable> staged = {};
  TaskCounters counters = {};
  std::uint64_t bytes_out = 0;  ///< sent to other tasks, or handed to a sink
};

/// The turns of one attempt, and how it ended: what every shell does that gives tasks their turns,
/// be it an actor or the simulation. One thread at a time.
///
/// Invariant: an attempt that has ended is not run again, and the first cause of its end counts.
/// Its end may be told when none of its calls is away on another thread, and not before: from then
/// on it writes nothing.
class TaskTurns {
 public:
  TaskTurns(AttemptKey key, std::shared_ptr<Task> task) : key_(key), task_(std::move(task)) {}

  /// After a wake. True: the task wants another turn, whoever else may have one before.
  bool turn() {
    if (ended_) return false;
    const Progress progress = task_->run();
    news_ = task_->news();
    if (progress == Progress::done) ended_ = true;
    if (progress == Progress::failed) fail(task_->error());
    return progress == Progress::worked;
  }
  /// What the task has said in its last turn.
  TaskNews take_news() { return std::exchange(news_, {}); }
  /// It ends with its next turn, for which its host is woken.
  void stop() { task_->cancel(); }
  /// A call of the task on another thread threw, or could not be made.
  void defect(Error error) {
    task_->cancel();
    fail(std::move(error));
  }

  bool ended() const { return ended_; }
  /// Requires that it has ended.
  TaskEnded end() const {
    TaskEnded end{key_, error_};
    if (!error_) end.staged = task_->staged();
    end.counters = task_->counters();
    end.bytes_out = task_->bytes_out();
    return end;
  }
  const std::optional<Error>& error() const { return error_; }

 private:
  void fail(Error error) {
    if (std::exchange(ended_, true)) return;
    error_ = std::move(error);
  }

  const AttemptKey key_;
  const std::shared_ptr<Task> task_;
  TaskNews news_;
  bool ended_ = false;
  std::optional<Error> error_;
};

}  // namespace troupe
