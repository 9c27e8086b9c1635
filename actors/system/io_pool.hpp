#pragma once

#include "runtime/base/result.hpp"

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace troupe {

/// Threads for calls that block: files, databases, subprocesses. Work is taken in order; the result
/// goes back to an actor as a message.
class IoPool {
 public:
  struct Limits {
    std::size_t threads = 4;  ///< 0: nothing runs until `run_one` is called, for tests
    std::size_t waiting_max = 65536;
  };

  explicit IoPool(Limits limits);
  ~IoPool();

  /// Any thread. `unavailable` where too much waits, or after `stop`.
  Result<> submit(std::function<void()> work);
  /// Drops what waits, and returns when what runs has ended.
  void stop();
  std::size_t waiting() const;
  /// Runs the oldest work that waits, here and now; false where there is none.
  bool run_one();

 private:
  void run();

  const Limits limits_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace troupe
