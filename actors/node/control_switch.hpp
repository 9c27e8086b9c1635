#pragma once

#include "actors/coordinator/control.hpp"

#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace troupe {

/// `Control` of a node, whichever of its incarnations is there to answer: clients keep one object
/// while coordinators come and go. Between two of them everything is `unavailable`.
class ControlSwitch final : public Control {
 public:
  void turn_to(Control* control) {
    const std::lock_guard lock(mutex_);
    current_ = control;
  }
  /// Nobody answers for now, because of `reason`.
  void turn_away(std::optional<Error> reason) {
    const std::lock_guard lock(mutex_);
    current_ = nullptr;
    reason_ = std::move(reason);
  }

  void apply(JobGraph graph, SubmitOptions options, Answer<JobView> answer) override {
    pass(answer, [&](Control& to) { to.apply(std::move(graph), std::move(options), answer); });
  }
  void submit(JobGraph graph, SubmitOptions options, Answer<RunId> answer) override {
    pass(answer, [&](Control& to) { to.submit(std::move(graph), std::move(options), answer); });
  }
  void start(JobName job, SubmitOptions options, Answer<RunId> answer) override {
    pass(answer, [&](Control& to) { to.start(std::move(job), std::move(options), answer); });
  }
  void cancel(RunId run, std::string reason, Answer<RunView> answer) override {
    pass(answer, [&](Control& to) { to.cancel(run, std::move(reason), answer); });
  }
  void show(RunId run, Answer<RunView> answer) override {
    pass(answer, [&](Control& to) { to.show(run, answer); });
  }
  void await_end(RunId run, Answer<RunView> answer) override {
    pass(answer, [&](Control& to) { to.await_end(run, answer); });
  }
  void runs(std::optional<JobName> job, std::optional<RunId> before, std::uint32_t limit,
            Answer<std::vector<RunView>> answer) override {
    pass(answer, [&](Control& to) { to.runs(std::move(job), before, limit, answer); });
  }
  void jobs(Answer<std::vector<JobView>> answer) override {
    pass(answer, [&](Control& to) { to.jobs(answer); });
  }
  void nodes(Answer<std::vector<NodeView>> answer) override {
    pass(answer, [&](Control& to) { to.nodes(answer); });
  }
  void events(std::optional<RunId> run, std::uint64_t sequence, std::uint32_t limit,
              Answer<std::vector<EventView>> answer) override {
    pass(answer, [&](Control& to) { to.events(run, sequence, limit, answer); });
  }
  void output(RunId run, Answer<std::vector<OutputView>> answer) override {
    pass(answer, [&](Control& to) { to.output(run, answer); });
  }

 private:
  template <class T, class Call>
  void pass(const Answer<T>& answer, Call&& call) {
    std::unique_lock lock(mutex_);
    if (current_ == nullptr) {
      Error away = fail(ErrorCode::unavailable, "the coordinator is not there now: {}",
                        reason_ ? reason_->message : "try again");
      if (reason_) away.hint = reason_->hint;
      lock.unlock();  // whoever is answered may ask again
      return answer(std::move(away));
    }
    call(*current_);
  }

  std::mutex mutex_;
  Control* current_ = nullptr;
  std::optional<Error> reason_;
};

}  // namespace troupe
