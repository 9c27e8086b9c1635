#include "actors/system/actor_cell.hpp"

#include <algorithm>

namespace troupe {

void ActorCell::watch(const std::shared_ptr<ActorCell>& watcher, std::uint64_t number) {
  {
    std::lock_guard lock(mutex_);
    if (!ended()) {
      watchers_.push_back({watcher, watcher->id(), number});
      return;
    }
  }
  // It has ended, so `error_` does not change any more and needs no lock.
  watcher->send(Message::of(Watched{number, {id_, name_, error_}}), Priority::high);
}

void ActorCell::unwatch(const ActorCell& watcher, std::uint64_t number) {
  std::lock_guard lock(mutex_);
  std::erase_if(watchers_, [&](const Watcher& other) {
    return other.id == watcher.id() && other.number == number;
  });
}

void ActorCell::end(std::optional<Error> error) {
  std::vector<Watcher> watchers;
  {
    std::lock_guard lock(mutex_);
    if (ended()) return;
    error_ = std::move(error);
    // Under the lock, so that a watcher is either in this list or sees that the actor has ended.
    ended_.store(true, std::memory_order_release);
    watchers.swap(watchers_);
  }
  for (const auto& watcher : watchers) {
    auto cell = watcher.cell.lock();
    if (!cell) continue;
    cell->send(Message::of(Watched{watcher.number, {id_, name_, error_}}), Priority::high);
  }
}

ActorId ActorHandle::id() const { return cell_ ? cell_->id() : ActorId(); }

const std::string& ActorHandle::name() const {
  static const std::string none = "nobody";
  return cell_ ? cell_->name() : none;
}

void ActorHandle::send(Message message, Priority priority) const {
  if (cell_) cell_->send(std::move(message), priority);
}

void ActorHandle::stop() const {
  if (cell_) cell_->stop();
}

bool ActorHandle::ended() const { return !cell_ || cell_->ended(); }

}  // namespace troupe
