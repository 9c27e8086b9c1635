#include "actors/system/io_pool.hpp"

#include "runtime/base/log.hpp"

#include <exception>

namespace troupe {
namespace {

/// Who submits work that can throw catches for himself, since only he can tell his actor.
void call(const std::function<void()>& work) {
  try {
    work();
  } catch (const std::exception& exception) {
    log::error("a call on the I/O pool failed and nobody waits for it: {}", exception.what());
  }
}

}  // namespace

IoPool::IoPool(Limits limits) : limits_(limits) {
  threads_.reserve(limits_.threads);
  for (std::size_t i = 0; i < limits_.threads; ++i) threads_.emplace_back([this] { run(); });
}

IoPool::~IoPool() { stop(); }

Result<> IoPool::submit(std::function<void()> work) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return fail(ErrorCode::unavailable, "the I/O pool has stopped");
    if (queue_.size() >= limits_.waiting_max) {
      return fail(ErrorCode::unavailable, "{} calls wait for {} I/O threads, no more may",
                  queue_.size(), limits_.threads);
    }
    queue_.push_back(std::move(work));
  }
  ready_.notify_one();
  return {};
}

void IoPool::run() {
  while (true) {
    std::function<void()> work;
    {
      std::unique_lock lock(mutex_);
      ready_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    call(work);
  }
}

bool IoPool::run_one() {
  std::function<void()> work;
  {
    std::lock_guard lock(mutex_);
    if (queue_.empty()) return false;
    work = std::move(queue_.front());
    queue_.pop_front();
  }
  call(work);
  return true;
}

void IoPool::stop() {
  std::deque<std::function<void()>> dropped;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(queue_);
  }
  ready_.notify_all();
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

std::size_t IoPool::waiting() const {
  std::lock_guard lock(mutex_);
  return queue_.size();
}

}  // namespace troupe
