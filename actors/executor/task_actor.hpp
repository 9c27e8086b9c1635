#pragma once

#include "actors/system/actor.hpp"
#include "actors/system/io_pool.hpp"
#include "runtime/host/task_turns.hpp"

#include <atomic>
#include <memory>
#include <optional>

namespace troupe {

/// Run the task: somebody it waits for has moved.
struct RunTask {};
/// End the attempt; what it has staged is left to the sink's clean-up.
struct StopTask {};
/// TASK -> EXECUTOR: what the task of a stream says while it runs.
struct TaskSaid {
  AttemptKey key;
  TaskNews news;
};
/// A call of the task on the I/O pool threw, or could not be made.
struct TaskDefect {
  Error error;
};

/// Wakes a task by a message to its actor, at most one at a time. Before `begin` nothing wakes it:
/// a task that is built may hear from its channels, but must not run until it is told to.
class ActorTaskHost : public TaskHost, public std::enable_shared_from_this<ActorTaskHost> {
 public:
  explicit ActorTaskHost(IoPool& io) : io_(io) {}
  /// Before `begin`.
  void attach(ActorHandle actor) { actor_ = std::move(actor); }
  /// The task may run from now on.
  void begin();

  void wake() override;
  void wake_at(Instant time) override;
  void offload(std::function<void()> work) override;
  /// A run begins: wakes from here on are another run.
  void running() { woken_.store(false, std::memory_order_seq_cst); }
  /// What the run that has ended asked for by `wake_at`; told once.
  std::optional<Instant> take_wake_at() { return std::exchange(wake_at_, std::nullopt); }
  /// Calls on the I/O pool that have not ended; when the last one has, the task is woken.
  int away() const { return away_.load(std::memory_order_seq_cst); }

 private:
  void back(const Result<>& done);

  IoPool& io_;
  ActorHandle actor_;
  std::atomic<bool> begun_{false};
  std::atomic<bool> woken_{false};
  std::atomic<int> away_{0};
  std::optional<Instant> wake_at_;  ///< used by runs alone
};

/// One attempt of one task: gives it turns on the scheduler's workers.
///
/// Supervised by whoever deployed it (the EXECUTOR or the STORE), which watches it and gets
/// `TaskEnded` before it ends. Nothing survives its death but what the task has staged.
///
/// Invariant: when it has ended, none of its calls is left on the I/O pool: the attempt writes
/// nothing any more.
class TaskActor : public ActorOf<TaskActor, RunTask, StopTask, TaskDefect> {
 public:
  TaskActor(AttemptKey key, std::shared_ptr<Task> task, std::shared_ptr<ActorTaskHost> host,
            ActorHandle supervisor);

  void on(const RunTask&);
  void on(const StopTask&);
  void on(const TaskDefect& defect);

 protected:
  /// Ends like a cancelled one.
  void on_stop() override { on(StopTask{}); }

 private:
  void report_news();
  void report_if_ended();
  void set_timer();

  const AttemptKey key_;
  TaskTurns turns_;
  std::shared_ptr<ActorTaskHost> host_;
  const ActorHandle supervisor_;
  std::optional<Instant> timer_at_;  ///< the one that is set
  TimerId timer_ = 0;
};

}  // namespace troupe
