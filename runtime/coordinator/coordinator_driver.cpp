#include "runtime/coordinator/coordinator_driver.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

CoordinatorDriver::CoordinatorDriver(CoordinatorConfig config, CoordinatorHands& hands,
                                     std::unique_ptr<AdmissionMachine> admission)
    : config_(config), hands_(hands), admission_(std::move(admission)) {}

// ---- events

void CoordinatorDriver::begin(Result<ClusterImage> image, Instant now) {
  if (over_) return;
  ENSURE(!machine_, "a coordinator begins once");
  if (!image) return give_up(image.error().within("reading the metadata"));
  now_ = now;
  machine_.emplace(config_, *std::move(image), now, std::move(admission_));
  take(machine_->start(now));
  for (const CoordinatorEvent& event : std::exchange(early_, {})) on(event, now);
  settle();
}

void CoordinatorDriver::tell(CoordinatorEvent event, Instant now) {
  if (over_) return;
  if (!machine_) {
    early_.push_back(std::move(event));
    return;
  }
  on(event, now);
  settle();
}

void CoordinatorDriver::written(Result<std::vector<Looked>> outcome, Instant now) {
  if (over_) return;
  ENSURE(writing_, "a transaction is over, and none was under way");
  ++writes_;
  if (!outcome) {
    return give_up(outcome.error().within("the coordinator cannot write its metadata"));
  }
  for (const Looked& looked : *outcome) on(looked, now);
  on(coordinator_event::Persisted{*writing_}, now);
  writing_.reset();
  settle();
}

void CoordinatorDriver::tick(Instant now) {
  wakes_at_.reset();
  tell(coordinator_event::Tick{}, now);
}

void CoordinatorDriver::on(const CoordinatorEvent& event, Instant now) {
  now_ = now;
  if (!over_) take(machine_->on(event, now));
}

/// What has gathered becomes one transaction, and the hands know when to wake us.
void CoordinatorDriver::settle() {
  wait_for_no_tidying();
  if (over_) return;
  if (!writing_ && !next_.empty()) {
    writing_ = last_ticket_;
    hands_.write(std::exchange(next_, {}));
  }
  const auto deadline = next_deadline();
  if (over_ || deadline == wakes_at_) return;
  wakes_at_ = deadline;
  hands_.wake_at(deadline);
}

/// Beyond `tidy_patience`.
void CoordinatorDriver::wait_for_no_tidying() {
  for (auto each = untidy_.begin(); each != untidy_.end();) {
    const auto [run, until] = *each++;
    if (until <= now_) tell_end(run, Until::tidied);
  }
}

std::optional<Instant> CoordinatorDriver::next_deadline() const {
  std::optional<Instant> next = machine_->next_deadline();
  for (const auto& [run, until] : untidy_) {
    if (waits_.contains(run)) next = std::min(next.value_or(until), until);
  }
  return next;
}

/// Whoever waits is told why there will be no answer.
void CoordinatorDriver::give_up(Error reason) {
  over_ = reason;
  for (const auto& [number, answer] : std::exchange(requests_, {})) answer(reason);
  for (const auto& [run, waits] : std::exchange(waits_, {})) {
    for (const auto& [number, waiting] : waits) waiting.ended(reason);
  }
  hands_.over(reason);
}

// ---- those who ask

void CoordinatorDriver::submit(Submission submission, Answer answer, Instant now) {
  if (over_) return answer(*over_);
  requests_.emplace(++last_number_, std::move(answer));
  tell(coordinator_event::Submit{last_number_, std::move(submission)}, now);
}

void CoordinatorDriver::cancel(RunId run, std::string by, Answer answer, Instant now) {
  if (over_) return answer(*over_);
  requests_.emplace(++last_number_, std::move(answer));
  tell(coordinator_event::Cancel{last_number_, run, std::move(by)}, now);
}

void CoordinatorDriver::stop(RunId run, std::string by, Answer answer, Instant now) {
  if (over_) return answer(*over_);
  requests_.emplace(++last_number_, std::move(answer));
  tell(coordinator_event::Stop{last_number_, run, std::move(by)}, now);
}

bool CoordinatorDriver::open(RunId run) const {
  if (!machine_) return false;
  const auto found = machine_->runs().find(run);
  return found != machine_->runs().end() && !troupe::ended(found->second->state());
}

std::optional<CoordinatorDriver::Wait> CoordinatorDriver::await_end(RunId run, Until until,
                                                                    Ended ended) {
  const bool waits = open(run) || (until == Until::tidied && untidy_.contains(run));
  if (over_ || !waits) {
    ended(over_ ? Result<>(*over_) : Result<>());
    return {};
  }
  waits_[run].emplace(++last_number_, Waiting{until, std::move(ended)});
  return Wait{run, last_number_};
}

void CoordinatorDriver::wait_no_longer(const Wait& wait) {
  const auto of_run = waits_.find(wait.run);
  if (of_run == waits_.end()) return;
  if (const auto waiting = of_run->second.extract(wait.number)) {
    waiting.mapped().ended({});
  }
}

// ---- effects

void CoordinatorDriver::take(Effects effects) {
  hands_.decided(effects);
  for (Effect& effect : effects) {
    if (over_) return;
    std::visit([this](auto& each) { carry_out(each); }, effect);
  }
}

void CoordinatorDriver::carry_out(effect::Persist& effect) {
  last_ticket_ = effect.ticket;
  next_.emplace_back(std::move(effect));
}
void CoordinatorDriver::carry_out(effect::Look& effect) { next_.emplace_back(std::move(effect)); }
void CoordinatorDriver::carry_out(effect::Send& effect) { hands_.send(std::move(effect)); }
void CoordinatorDriver::carry_out(effect::PlanTasks& effect) { hands_.plan(std::move(effect)); }
void CoordinatorDriver::carry_out(effect::RefuseReport& effect) { hands_.refused(effect); }
void CoordinatorDriver::carry_out(effect::Halt& effect) { give_up(std::move(effect.reason)); }

void CoordinatorDriver::carry_out(effect::Reply& effect) {
  if (const auto asked = requests_.extract(effect.request)) {
    asked.mapped()(std::move(effect.answer));
  }
}

void CoordinatorDriver::carry_out(effect::RunEnded& effect) {
  hands_.run_ended(effect);
  if (effect.state == RunState::halted) return tell_end(effect.run, Until::tidied);
  untidy_[effect.run] = now_ + tidy_patience;
  tell_end(effect.run, Until::ended);
}

void CoordinatorDriver::carry_out(effect::RunTidied& effect) {
  if (untidy_.contains(effect.run)) tell_end(effect.run, Until::tidied);
}

/// So far it is: whoever waits for more waits on.
void CoordinatorDriver::tell_end(RunId run, Until until) {
  if (until == Until::tidied) untidy_.erase(run);
  const auto waits = waits_.extract(run);
  if (!waits) return;
  for (auto& [number, waiting] : waits.mapped()) {
    if (waiting.until <= until) {
      waiting.ended({});
    } else {
      waits_[run].emplace(number, std::move(waiting));
    }
  }
}

void CoordinatorDriver::carry_out(const effect::Inner auto&) {
  ENSURE(false, "what machines of the coordinator say to each other has left it");
}

}  // namespace troupe
