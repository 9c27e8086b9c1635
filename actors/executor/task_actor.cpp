#include "actors/executor/task_actor.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

void ActorTaskHost::begin() {
  begun_.store(true, std::memory_order_seq_cst);
  wake();
}

void ActorTaskHost::wake() {
  if (!begun_.load(std::memory_order_seq_cst)) return;
  if (!woken_.exchange(true, std::memory_order_seq_cst)) actor_.send(Message::of(RunTask{}));
}

void ActorTaskHost::wake_at(Instant time) {
  if (!wake_at_ || time < *wake_at_) wake_at_ = time;
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
      turns_(key, std::move(task)),
      host_(std::move(host)),
      supervisor_(std::move(supervisor)) {}

void TaskActor::on(const RunTask&) {
  host_->running();
  const bool more = turns_.turn();
  report_news();
  if (more) return host_->wake();
  set_timer();
  report_if_ended();
}

/// One that fires earlier stays: what the task then still waits for, it asks for again.
void TaskActor::set_timer() {
  const auto wanted = host_->take_wake_at();
  if (!wanted || (timer_at_ && *timer_at_ <= *wanted)) return;
  if (timer_at_) cancel(timer_);
  timer_at_ = wanted;
  timer_ = after(std::max(Duration(0), *wanted - clock().now()), [this] {
    timer_at_.reset();
    host_->wake();
  });
}

/// High, as the end of the task: what comes before it is heard before it.
void TaskActor::report_news() {
  TaskNews news = turns_.take_news();
  if (!news.any()) return;
  supervisor_.send(Message::of(TaskSaid{key_, std::move(news)}), Priority::high);
}

void TaskActor::on(const StopTask&) {
  turns_.stop();
  host_->begin();
}

void TaskActor::on(const TaskDefect& defect) {
  turns_.defect(defect.error);
  report_if_ended();
}

/// As soon as nothing of the attempt is left on the I/O pool; its last call wakes us.
void TaskActor::report_if_ended() {
  if (!turns_.ended() || host_->away() > 0) return;
  // High, or the news of this actor's end would overtake it.
  supervisor_.send(Message::of(turns_.end()), Priority::high);
  end(turns_.error());
}

}  // namespace troupe
