#pragma once

#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace troupe {

inline constexpr Duration long_poll_max = 30s;
/// How often a waiting request looks again.
inline constexpr Duration long_poll_step = 100ms;

/// Requests that wait for something to happen: asks again every `long_poll_step` until there is an
/// answer worth giving or patience ends. One thread, asleep while nobody waits.
class LongPoll {
 public:
  LongPoll();
  ~LongPoll();
  LongPoll(const LongPoll&) = delete;
  LongPoll& operator=(const LongPoll&) = delete;

  template <class T>
  void wait(std::function<void(std::function<void(Result<T>)>)> ask, Duration patience,
            std::function<bool(const T&)> enough, std::function<void(Result<T>)> answer) {
    ask([=, this](Result<T> result) {
      if (!result || enough(*result) || patience <= Duration::zero()) return answer(result);
      later([=, this] { wait<T>(ask, patience - long_poll_step, enough, answer); });
    });
  }

 private:
  void later(std::function<void()> job);
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace troupe
