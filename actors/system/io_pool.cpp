#include "actors/system/io_pool.hpp"

namespace troupe {

IoPool::IoPool(Limits limits) : limits_(limits) {
  threads_.reserve(limits_.threads);
  for (std::size_t i = 0; i < limits_.threads; ++i) threads_.emplace_back([this] { run(); });
}

IoPool::~IoPool() { stop(); }

void IoPool::take(IoCall call) {
  if (const Result<> added = add(call); !added) return call.refuse(added.error());
  ready_.notify_one();
}

/// Takes the call only if there is room for it; else it stays with the caller.
Result<> IoPool::add(IoCall& call) {
  std::lock_guard lock(mutex_);
  if (stopping_) return make_error(ErrorCode::unavailable, "the I/O pool has stopped");
  if (queue_.size() >= limits_.waiting_max) {
    return make_error(ErrorCode::unavailable, "{} calls wait for {} I/O threads, no more may",
                      queue_.size(), limits_.threads);
  }
  queue_.push_back(std::move(call));
  return {};
}

void IoPool::run() {
  while (true) {
    IoCall call;
    {
      std::unique_lock lock(mutex_);
      ready_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      call = std::move(queue_.front());
      queue_.pop_front();
    }
    call.run();
  }
}

bool IoPool::run_one() {
  IoCall call;
  {
    std::lock_guard lock(mutex_);
    if (queue_.empty()) return false;
    call = std::move(queue_.front());
    queue_.pop_front();
  }
  call.run();
  return true;
}

void IoPool::stop() {
  std::deque<IoCall> refused;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    refused.swap(queue_);
  }
  ready_.notify_all();
  // Running calls end first. Refusals go out without the lock, for they call back.
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
  for (const IoCall& call : refused) {
    call.refuse(make_error(ErrorCode::unavailable, "the I/O pool has stopped"));
  }
}

std::size_t IoPool::waiting() const {
  std::lock_guard lock(mutex_);
  return queue_.size();
}

}  // namespace troupe
