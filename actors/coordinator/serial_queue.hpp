#pragma once

#include "actors/system/io_pool.hpp"

#include <deque>
#include <memory>
#include <mutex>
#include <optional>

namespace troupe {

/// Blocking work that must happen one at a time and in order, on the threads of an I/O pool: calls
/// of one metadata store. Bounded by the pool's limit. Shared by whoever has work for it.
class SerialQueue : public std::enable_shared_from_this<SerialQueue> {
 public:
  explicit SerialQueue(IoPool& pool) : pool_(pool) {}

  /// Any thread. As `IoPool::call`: `done` always gets what came of `work`.
  template <class Work, class Done>
  void call(Work work, Done done) {
    {
      const std::lock_guard lock(mutex_);
      queue_.push_back(io_call(std::move(work), std::move(done)));
      if (busy_) return;
      busy_ = true;
    }
    pool_.take({[self = shared_from_this()] { self->drain(); },
                [self = shared_from_this()](const Error& error) { self->refuse(error); }});
  }

 private:
  void drain() {
    while (auto next = take()) next->run();
  }
  /// The pool takes nothing more: neither what waits here.
  void refuse(const Error& error) {
    while (auto next = take()) next->refuse(error);
  }

  std::optional<IoCall> take() {
    const std::lock_guard lock(mutex_);
    if (queue_.empty()) {
      busy_ = false;
      return std::nullopt;
    }
    IoCall next = std::move(queue_.front());
    queue_.pop_front();
    return next;
  }

  IoPool& pool_;
  std::mutex mutex_;
  std::deque<IoCall> queue_;
  bool busy_ = false;
};

}  // namespace troupe
