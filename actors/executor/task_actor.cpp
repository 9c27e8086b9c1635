#include "actors/executor/task_actor.hpp"

namespace troupe {

void ActorTaskHost::begin() {
  begun_.store(true, std::memory_order_seq_cst);
  wake();
}

void ActorTaskHost::wake() {
  if (!begun_.load(std::memory_order_seq_cst)) return;
  if (!woken_.exchange(true, std::memory_order_seq_cst)) actor_.send(Message::of(RunTask{}));
}

void ActorTaskHost::offload(std::function<void()> work) {
  away_.fetch_add(1, std::memory_order_seq_cst);
  io_.call(std::move(work),
           [self = shared_from_this()](const Result<>& done) { self->back(done); });
}

void ActorTaskHost::back(const Result<>& done) {
  if (!done) actor_.send(Message::of(TaskDefect{done.error()}), Priority::high);
  if (away_.fetch_sub(1, std::memory_order_seq_cst) == 1) wake();
}

TaskActor::TaskActor(AttemptKey key, std::shared_ptr<Task> task,
                     std::shared_ptr<ActorTaskHost> host, ActorHandle supervisor)
    : key_(key),
      task_(std::move(task)),
      host_(std::move(host)),
      supervisor_(std::move(supervisor)) {}

void TaskActor::on(const RunTask&) {
  host_->running();
  if (over_) return report();
  switch (task_->run()) {
    case Progress::worked:
      return host_->wake();
    case Progress::waiting:
      return;
    case Progress::done:
      return over({});
    case Progress::failed:
      return over(task_->error());
  }
}

void TaskActor::on(const StopTask&) {
  task_->cancel();
  host_->begin();
}

void TaskActor::on(const TaskDefect& defect) {
  task_->cancel();
  over(defect.error);
}

void TaskActor::over(std::optional<Error> error) {
  if (over_) return;
  over_ = true;
  error_ = std::move(error);
  report();
}

/// As soon as nothing of the attempt is left on the I/O pool; its last call wakes us.
void TaskActor::report() {
  if (host_->away() > 0) return;
  auto staged = error_ ? std::vector<Committable>() : task_->staged();
  // High, or the news of this actor's end would overtake it.
  supervisor_.send(Message::of(TaskEnded{key_, error_, std::move(staged), task_->counters(),
                                         task_->bytes_out()}),
                   Priority::high);
  end(error_);
}

}  // namespace troupe
