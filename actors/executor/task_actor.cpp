#include "actors/executor/task_actor.hpp"

#include <exception>

namespace troupe {

void ActorTaskHost::wake() {
  if (!woken_.exchange(true, std::memory_order_seq_cst)) actor_.send(Message::of(RunTask{}));
}

void ActorTaskHost::offload(std::function<void()> work) {
  auto submitted = io_.submit([self = shared_from_this(), work = std::move(work)] {
    try {
      work();
    } catch (const std::exception& exception) {
      auto error = fail(ErrorCode::internal, "{}", exception.what());
      self->actor_.send(Message::of(TaskDefect{std::move(error)}), Priority::high);
    }
  });
  if (submitted) return;
  actor_.send(Message::of(TaskDefect{std::move(submitted).error()}), Priority::high);
}

TaskActor::TaskActor(TaskId id, Attempt attempt, std::unique_ptr<Task> task,
                     std::shared_ptr<ActorTaskHost> host, ActorHandle supervisor)
    : id_(id),
      attempt_(attempt),
      task_(std::move(task)),
      host_(std::move(host)),
      supervisor_(std::move(supervisor)) {}

void TaskActor::on(const RunTask&) {
  host_->running();
  switch (task_->run()) {
    case Progress::worked:
      return host_->wake();
    case Progress::waiting:
      return;
    case Progress::done:
      return report({});
    case Progress::failed:
      return report(task_->error());
  }
}

void TaskActor::on(const StopTask&) { task_->cancel(); }

void TaskActor::on(const TaskDefect& defect) { report(defect.error); }

void TaskActor::report(std::optional<Error> error) {
  auto staged = error ? std::vector<Committable>() : task_->staged();
  // High, or the news of this actor's end would overtake it.
  supervisor_.send(
      Message::of(TaskEnded{id_, attempt_, error, std::move(staged), task_->statistics()}),
      Priority::high);
  end(std::move(error));
}

}  // namespace troupe
