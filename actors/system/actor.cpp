#include "actors/system/actor.hpp"

#include "actors/system/actor_system.hpp"
#include "actors/system/shell.hpp"

#include <utility>

namespace troupe {

ActorSystem& Actor::system() const { return shell_->system_of(); }
const Clock& Actor::clock() const { return shell_->system_of().clock(); }
ActorHandle Actor::self() const { return shell_->handle(); }
void Actor::end(std::optional<Error> error) { shell_->finish(std::move(error)); }

void Actor::watch(const ActorHandle& other, std::function<void(const Down&)> then) {
  const std::uint64_t number = ++last_number_;
  watches_[number] = {other, std::move(then)};
  other.cell()->watch(self().cell(), number);
}

void Actor::unwatch(const ActorHandle& other) {
  std::erase_if(watches_, [&](const auto& entry) {
    if (entry.second.other != other) return false;
    other.cell()->unwatch(*self().cell(), entry.first);
    return true;
  });
}

TimerId Actor::after(Duration delay, std::function<void()> then) {
  return start_timer(delay, {std::nullopt, std::move(then)});
}

TimerId Actor::every(Duration interval, std::function<void()> then) {
  return start_timer(interval, {interval, std::move(then)});
}

TimerId Actor::start_timer(Duration delay, Timer timer) {
  const TimerId id = ++last_number_;
  timers_[id] = std::move(timer);
  shell_->wake_after(delay, id);
  return id;
}

void Actor::cancel(TimerId timer) { timers_.erase(timer); }

void Actor::fired(TimerId id) {
  auto timer = timers_.find(id);
  if (timer == timers_.end()) return;  // cancelled after its message had left
  // A copy: `then` may cancel this very timer.
  auto then = timer->second.then;
  if (timer->second.interval) {
    shell_->wake_after(*timer->second.interval, id);
  } else {
    timers_.erase(timer);
  }
  then();
}

void Actor::answered(std::uint64_t number, Message answer) {
  auto question = waiting_for_.find(number);
  if (question == waiting_for_.end()) return;
  // Removed before the call: the answer and the deadline may both come, and the first one counts.
  auto then = std::move(question->second.then);
  cancel(question->second.deadline);
  waiting_for_.erase(question);
  then(std::move(answer));
}

void Actor::watched_ended(const Watched& watched) {
  auto watch = watches_.find(watched.number);
  if (watch == watches_.end()) return;  // unwatched after the news had left
  auto then = std::move(watch->second.then);
  watches_.erase(watch);
  then(watched.down);
}

bool Actor::dispatch(const Message& message) {
  if (const auto* answer = message.get<Answer>()) {
    answered(answer->number, answer->answer);
    return true;
  }
  if (const auto* watched = message.get<Watched>()) {
    watched_ended(*watched);
    return true;
  }
  return receive(message);
}

}  // namespace troupe
