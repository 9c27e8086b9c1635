#pragma once

#include "actors/system/io_pool.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <mutex>

namespace troupe {

/// Blocking work that must happen one at a time and in order, on the threads of an I/O pool: calls
/// of one metadata store. Bounded by the pool's limit. Shared by whoever has work for it.
class SerialQueue : public std::enable_shared_from_this<SerialQueue> {
 public:
  explicit SerialQueue(IoPool& pool) : pool_(pool) {}

  /// Any thread. `unavailable` where the pool takes nothing more.
  Result<> submit(std::function<void()> work) {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
    if (busy_) return {};
    Result<> taken = pool_.submit([self = shared_from_this()] { self->drain(); });
    if (taken) {
      busy_ = true;
    } else {
      queue_.pop_back();
    }
    return taken;
  }

 private:
  void drain() {
    for (;;) {
      std::function<void()> work;
      {
        const std::lock_guard lock(mutex_);
        if (queue_.empty()) {
          busy_ = false;
          return;
        }
        work = std::move(queue_.front());
        queue_.pop_front();
      }
      work();
    }
  }

  IoPool& pool_;
  std::mutex mutex_;
  std::deque<std::function<void()>> queue_;
  bool busy_ = false;
};

}  // namespace troupe
