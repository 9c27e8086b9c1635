#pragma once

#include "runtime/control/control.hpp"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace troupe {

/// The `Control` of a node over all its incarnations: clients keep one object while coordinators
/// come and go. Between two of them every request is `unavailable`.
class ControlSwitch final : public Control {
 public:
  void turn_to(Control* control) {
    const std::lock_guard lock(mutex_);
    current_ = control;
  }
  /// Nobody answers from now on, because of `reason`. When it returns, no call uses the old control
  /// any more, so that may be destroyed. Not from within an answer, which it would wait for.
  void turn_away(std::optional<Error> reason) {
    std::unique_lock lock(mutex_);
    current_ = nullptr;
    reason_ = std::move(reason);
    idle_.wait(lock, [this] { return calls_ == 0; });
  }

  /// Holds no lock while it calls: a coordinator that has just ended answers from within the call,
  /// and who is answered may ask again at once.
  void take(AnyRequest request, AnyAnswerTo answer) override {
    std::unique_lock lock(mutex_);
    if (Control* const current = current_) {
      ++calls_;
      lock.unlock();
      const Done done(*this);
      return current->take(std::move(request), std::move(answer));
    }
    Error away = make_error(ErrorCode::unavailable, "the coordinator is not there now: {}",
                            reason_ ? reason_->message : "try again");
    if (reason_) away.hint = reason_->hint;
    lock.unlock();
    answer(std::move(away));
  }

 private:
  /// A call is over, also one that threw.
  class Done {
   public:
    explicit Done(ControlSwitch& of) : of_(of) {}
    ~Done() {
      const std::lock_guard lock(of_.mutex_);
      if (--of_.calls_ == 0) of_.idle_.notify_all();
    }

   private:
    ControlSwitch& of_;
  };

  std::mutex mutex_;
  std::condition_variable idle_;
  int calls_ = 0;  ///< of `current_`, or of the one before, that have not returned
  Control* current_ = nullptr;
  std::optional<Error> reason_;
};

}  // namespace troupe
