#include "runtime/host/executor_driver.hpp"

#include <utility>

namespace troupe {

const char* to_string(AttemptOutcome outcome) {
  switch (outcome) {
    case AttemptOutcome::not_built:
      return "not_built";
    case AttemptOutcome::finished:
      return "finished";
    case AttemptOutcome::failed:
      return "failed";
    case AttemptOutcome::stopped:
      return "stopped";
  }
  return "failed";
}

ExecutorDriver::ExecutorDriver(ExecutorConfig config, const KeptFiles& kept, ExecutorHands& hands,
                               const Clock& clock)
    : machine_(std::move(config)), kept_(kept), hands_(hands), clock_(clock) {}

/// Nothing is joined before, so little can have been told meanwhile.
void ExecutorDriver::begin() {
  begun_ = true;
  for (auto& event : std::exchange(early_, {})) tell(std::move(event));
}

void ExecutorDriver::tell(ExecutorEvent event) {
  if (!begun_) return early_.push_back(std::move(event));
  decide(event);
  if (const auto* received = std::get_if<executor_event::Received>(&event)) {
    note(received->command);
  }
}

void ExecutorDriver::decide(const ExecutorEvent& event) {
  for (ExecutorEffect& effect : machine_.on(event, clock_.now())) {
    std::visit([this](auto& each) { carry_out(each); }, effect);
  }
}

// ---- effects

void ExecutorDriver::carry_out(executor_effect::Send& effect) {
  hands_.send(std::move(effect.report));
}

void ExecutorDriver::carry_out(executor_effect::OpenTask& effect) {
  attempts_[key_of(effect.deploy.token)] = {.job = effect.deploy.job};
  runs_.insert(effect.deploy.token.run);
  hands_.build(effect.deploy);
}

void ExecutorDriver::carry_out(executor_effect::RunTask& effect) { hands_.run(effect.key); }

void ExecutorDriver::carry_out(executor_effect::SnapshotTask& effect) {
  const auto found = attempts_.find(effect.key);
  if (found != attempts_.end()) found->second.deployment->task->snapshot(effect.barrier);
}

void ExecutorDriver::carry_out(executor_effect::EndSources& effect) {
  const auto found = attempts_.find(effect.key);
  if (found != attempts_.end()) found->second.deployment->task->end_sources();
}

void ExecutorDriver::carry_out(executor_effect::StopTask& effect) {
  const auto found = attempts_.find(effect.key);
  if (found == attempts_.end()) return gone(effect.key);
  found->second.stopping = true;
  // One that is still being built is gone as soon as it is.
  if (found->second.deployment) hands_.stop(effect.key);
}

void ExecutorDriver::carry_out(executor_effect::DropOutputs& effect) {
  hands_.drop(kept_.of_attempt(effect.key));
}

void ExecutorDriver::carry_out(executor_effect::RunErrand& effect) {
  hands_.errand(effect.key, std::move(effect.errand));
}

void ExecutorDriver::carry_out(executor_effect::RefuseCommand& effect) { hands_.refused(effect); }

void ExecutorDriver::carry_out(executor_effect::Expelled& effect) { hands_.expelled(effect); }

// ---- what becomes of attempts

void ExecutorDriver::built(const AttemptKey& key, Deployment deployment) {
  const auto found = attempts_.find(key);
  if (found == attempts_.end()) return;
  if (found->second.stopping) {
    hands_.over(key, nullptr, AttemptOutcome::stopped);
    return gone(key);
  }
  found->second.deployment = std::move(deployment);
  hands_.open(key, *found->second.deployment, found->second.job);
  decide(executor_event::TaskOpened{key});
}

void ExecutorDriver::not_built(const AttemptKey& key, Error error) {
  const auto found = attempts_.find(key);
  if (found == attempts_.end()) return;
  const bool stopping = found->second.stopping;
  hands_.over(key, nullptr, stopping ? AttemptOutcome::stopped : AttemptOutcome::not_built);
  if (stopping) return gone(key);
  attempts_.erase(found);
  broke(key, std::move(error), nullptr);
}

void ExecutorDriver::said(const AttemptKey& key, TaskNews news) {
  for (auto& [epoch, snapshot] : news.saved) {
    decide(executor_event::TaskSaved{key, epoch, std::move(snapshot)});
  }
  if (news.exhausted) decide(executor_event::TaskExhausted{key});
}

void ExecutorDriver::ended(TaskEnded end) {
  const auto found = attempts_.find(end.key);
  if (found == attempts_.end()) return;
  const bool stopping = found->second.stopping;
  const Deployment deployment = *std::move(found->second.deployment);
  const AttemptOutcome outcome = stopping    ? AttemptOutcome::stopped
                                 : end.error ? AttemptOutcome::failed
                                             : AttemptOutcome::finished;
  hands_.over(end.key, &deployment, outcome);
  if (stopping) return gone(end.key);
  attempts_.erase(found);
  if (end.error) return broke(end.key, *std::move(end.error), &deployment);
  finished(deployment, std::move(end));
}

void ExecutorDriver::finished(const Deployment& deployment, TaskEnded end) {
  TaskFinished finished;
  finished.outputs = deployment.summaries();
  finished.sink = deployment.sink;
  finished.committables = std::move(end.staged);
  finished.counters = std::move(end.counters);
  decide(executor_event::TaskDone{end.key, std::move(finished)});
}

void ExecutorDriver::broke(const AttemptKey& key, Error error, const Deployment* deployment) {
  TaskFailed failed;
  failed.failure = classify(error);
  failed.error = std::move(error);
  if (deployment != nullptr) {
    std::lock_guard lock(deployment->failures->mutex);
    failed.lost_inputs = deployment->failures->lost_inputs;
    if (deployment->failures->peer_lost) failed.failure = FailureClass::node_lost;
  }
  decide(executor_event::TaskBroke{key, std::move(failed)});
}

/// Nothing of the attempt runs any more.
void ExecutorDriver::gone(const AttemptKey& key) {
  attempts_.erase(key);
  hands_.drop(kept_.of_attempt(key));
  decide(executor_event::TaskGone{key});
  forget_if_idle(key.run);
}

void ExecutorDriver::errand_over(const ErrandKey& key, Result<> outcome) {
  decide(executor_event::ErrandOver{key, std::move(outcome)});
}

void ExecutorDriver::report_progress() {
  std::vector<AttemptKey> open;
  for (const auto& [key, attempt] : attempts_) {
    if (attempt.deployment && !attempt.stopping) open.push_back(key);
  }
  for (const AttemptKey& key : open) {
    TaskCounters so_far = attempts_.at(key).deployment->task->counters();
    hands_.moved(key, so_far);
    decide(executor_event::TaskMoved{key, std::move(so_far)});
  }
}

// ---- runs

void ExecutorDriver::note(const Command& command) {
  const Token* token = token_of(command);
  if (token == nullptr || token->run == RunId()) return;
  if (std::holds_alternative<DoErrand>(command)) return;  // it needs nothing of the run here
  if (std::holds_alternative<ReleaseRun>(command) && machine_.released(token->run)) {
    released_.insert(token->run);
  }
  forget_if_idle(token->run);
}

void ExecutorDriver::forget_if_idle(RunId run) {
  const auto first = attempts_.lower_bound({run, {}, {}});
  if (machine_.holds(run) || (first != attempts_.end() && first->first.run == run)) return;
  if (runs_.erase(run) > 0) hands_.forget(run);
  if (released_.erase(run) > 0) hands_.drop(kept_.of_run(run));
}

}  // namespace troupe
