#pragma once

#include "runtime/control/control.hpp"

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
  /// any more, so that may be destroyed.
  void turn_away(std::optional<Error> reason) {
    const std::lock_guard lock(mutex_);
    current_ = nullptr;
    reason_ = std::move(reason);
  }

  void take(AnyRequest request, AnyAnswerTo answer) override {
    std::unique_lock lock(mutex_);
    if (current_ != nullptr) return current_->take(std::move(request), std::move(answer));
    Error away = fail(ErrorCode::unavailable, "the coordinator is not there now: {}",
                      reason_ ? reason_->message : "try again");
    if (reason_) away.hint = reason_->hint;
    lock.unlock();  // the one that is answered may ask again at once
    answer(std::move(away));
  }

 private:
  std::mutex mutex_;
  Control* current_ = nullptr;
  std::optional<Error> reason_;
};

}  // namespace troupe
