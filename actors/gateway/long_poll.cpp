#include "actors/gateway/long_poll.hpp"

namespace troupe {

LongPoll::LongPoll() : thread_([this] { run(); }) {}

LongPoll::~LongPoll() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    waiting_.clear();
  }
  wake_.notify_all();
  thread_.join();
}

void LongPoll::later(std::function<void()> job) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  waiting_.push_back(std::move(job));
  wake_.notify_all();
}

void LongPoll::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    // One step for all who wait now; whoever comes meanwhile has the next one.
    wake_.wait_for(lock, long_poll_step, [this] { return stopping_; });
    std::deque<std::function<void()>> jobs;
    jobs.swap(waiting_);
    lock.unlock();
    for (auto& job : jobs) job();
    lock.lock();
  }
}

}  // namespace troupe
