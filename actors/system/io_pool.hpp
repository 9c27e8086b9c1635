#pragma once

#include "runtime/base/caught.hpp"

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace troupe {

/// A call that blocks, together with the one that waits for its outcome. Made by `io_call`.
///
/// Invariant: exactly one of the two is called, once; neither throws.
struct IoCall {
  std::function<void()> run;          ///< does the work, here and now, and hands out its result
  std::function<void(Error)> refuse;  ///< hands out the reason why it will not be done
};

/// `work` may throw, and may return a Result, a value or nothing. `done` always gets a Result; an
/// exception of `work` becomes its error. `done` may be called on any thread and must return at
/// once (it sends a message). If `done` throws, the process ends, because nobody else would hear of
/// it. When it is called, `work` is destroyed, with all that it holds: whoever hears the outcome
/// may take away what the work was done with.
template <class Work, class Done>
IoCall io_call(Work work, Done done) {
  using Outcome = decltype(caught(work));
  struct Waiting {
    std::optional<Work> work;
    Done done;
    void tell(Outcome outcome) noexcept {
      work.reset();
      done(std::move(outcome));
    }
  };
  auto waiting = std::make_shared<Waiting>(Waiting{std::move(work), std::move(done)});
  return {[waiting] { waiting->tell(caught(*waiting->work)); },
          [waiting](Error error) { waiting->tell(std::move(error)); }};
}

/// Threads for calls that block: files, databases, subprocesses. Work is taken in order. Its caller
/// always gets an answer, by construction: work cannot be handed in without the function that takes
/// its result, or the reason why there is none.
class IoPool {
 public:
  struct Limits {
    std::size_t threads = 4;  ///< 0: nothing runs until `run_one` is called, for tests
    std::size_t waiting_max = 65536;
  };

  explicit IoPool(Limits limits);
  ~IoPool();

  /// From any thread; see `io_call`. If too much waits, or after `stop`, `done` gets `unavailable`
  /// before this returns.
  template <class Work, class Done>
  void call(Work work, Done done) {
    take(io_call(std::move(work), std::move(done)));
  }
  void take(IoCall call);
  /// Refuses the calls that wait, and returns when those that run have ended.
  void stop();
  std::size_t waiting() const;
  /// Runs the oldest call that waits, here and now; false if there is none.
  bool run_one();

 private:
  void run();
  Result<> add(IoCall& call);

  const Limits limits_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<IoCall> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace troupe
