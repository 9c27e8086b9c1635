#include "runtime/host/executor_driver.hpp"

#include "runtime/base/node_fault.hpp"

#include <algorithm>
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

namespace {

/// Of a task whose state files could not be had.
FailureClass class_of(const Error& error) {
  if (is_node_fault(error)) return FailureClass::node_fault;
  return error.code == ErrorCode::corrupt ? FailureClass::state_lost : FailureClass::node_lost;
}

}  // namespace

ExecutorDriver::ExecutorDriver(ExecutorConfig config, const KeptFiles& kept,
                               const SnapshotStore& snapshots, ExecutorHands& hands,
                               const Clock& clock)
    : machine_(config),
      process_(fmt::to_string(config.incarnation)),
      kept_(kept),
      snapshots_(snapshots),
      hands_(hands),
      clock_(clock) {}

/// Nothing is joined before, so little can have been told meanwhile.
void ExecutorDriver::begin(std::vector<RunUid> with_snapshots) {
  begun_ = true;
  decide(executor_event::SnapshotsFound{std::move(with_snapshots)});
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
  DeployTask& deploy = effect.deploy;
  const RunId run = deploy.token.run;
  Attempted& attempt = attempts_[key_of(deploy.token)] = {.job = deploy.job};
  runs_.insert(run);
  if (deploy.epochs.files.empty()) return hands_.build(deploy);
  SnapshotOrder order{deploy.marked_with(), deploy.epochs.directory, deploy.epochs.files,
                      deploy.nodes};
  attempt.fetch = fetch({run, std::move(deploy)}, std::move(order));
}

void ExecutorDriver::carry_out(executor_effect::RunTask& effect) { hands_.run(effect.key); }

void ExecutorDriver::carry_out(executor_effect::SnapshotTask& effect) {
  const auto found = attempts_.find(effect.key);
  if (found != attempts_.end())
    found->second.deployment->task->snapshot(effect.barrier, effect.hold);
}

void ExecutorDriver::carry_out(executor_effect::EndSources& effect) {
  const auto found = attempts_.find(effect.key);
  if (found != attempts_.end()) found->second.deployment->task->end_sources();
}

void ExecutorDriver::carry_out(executor_effect::StopTask& effect) {
  const auto found = attempts_.find(effect.key);
  if (found == attempts_.end()) return gone(effect.key);
  found->second.stopping = true;
  if (found->second.fetch != 0) return hands_.stop_fetch(found->second.fetch);
  // One that is still being built is gone as soon as it is.
  if (found->second.deployment) hands_.stop(effect.key);
}

void ExecutorDriver::carry_out(executor_effect::DropOutputs& effect) {
  hands_.drop(kept_.of_attempt(effect.key));
}

void ExecutorDriver::carry_out(executor_effect::RunErrand& effect) {
  Errand& errand = effect.errand;
  if (errand.kind != ErrandKind::copy_snapshots)
    return hands_.errand(effect.key, std::move(errand));
  fetch({effect.key.run, effect.key},
        {errand.marked_with(), "", std::move(errand.files), std::move(errand.nodes)});
}

void ExecutorDriver::carry_out(executor_effect::DropSnapshots& effect) {
  const SnapshotStore store =
      effect.directory.empty() ? snapshots_ : SnapshotStore(snapshots_.files(), effect.directory);
  for (const std::string& name : effect.names) {
    if (const auto path = store.path(effect.run, name)) hands_.drop(*path);
  }
  if (!effect.names.empty()) return;
  if (const auto all = store.of_run(effect.run)) hands_.drop(*all);
}

void ExecutorDriver::carry_out(executor_effect::RefuseCommand& effect) { hands_.refused(effect); }

void ExecutorDriver::carry_out(executor_effect::Expelled& effect) { hands_.expelled(effect); }

// ---- state files

std::uint64_t ExecutorDriver::fetch(Fetch fetch, SnapshotOrder order) {
  const std::uint64_t number = ++last_fetch_;
  order.tag = fmt::format("{}-{}", process_, number);
  fetches_.emplace(number, std::move(fetch));
  hands_.fetch(number, std::move(order));
  return number;
}

void ExecutorDriver::fetched(std::uint64_t number, Result<std::vector<StoredSnapshot>> outcome) {
  auto fetch = fetches_.extract(number);
  if (!fetch) return;
  std::visit([&](auto& wanted_for) { fetched_for(wanted_for, std::move(outcome)); },
             fetch.mapped().wanted_for);
}

void ExecutorDriver::fetched_for(DeployTask& deploy, Result<std::vector<StoredSnapshot>> outcome) {
  const AttemptKey key = key_of(deploy.token);
  Attempted& attempt = attempts_.at(key);
  attempt.fetch = 0;
  if (attempt.stopping) {
    hands_.over(key, nullptr, AttemptOutcome::stopped);
    return gone(key);
  }
  if (!outcome) {
    return not_fetched(
        key, outcome.error().within(fmt::format("task {} cannot go on from epoch {} of its run",
                                                key.task, deploy.epochs.restore)));
  }
  deploy.epochs.files = *std::move(outcome);
  hands_.build(deploy);
}

void ExecutorDriver::not_fetched(const AttemptKey& key, Error error) {
  hands_.over(key, nullptr, AttemptOutcome::not_built);
  attempts_.erase(key);
  TaskFailed failed;
  failed.failure = class_of(error);
  failed.error = std::move(error);
  decide(executor_event::TaskBroke{key, std::move(failed)});
}

void ExecutorDriver::fetched_for(const ErrandKey& key,
                                 Result<std::vector<StoredSnapshot>> outcome) {
  errand_over(key, outcome ? Result<>() : Result<>(outcome.error()));
  forget_if_idle(key.run);
}

void ExecutorDriver::stop_copying(RunId run) {
  for (const auto& [number, fetch] : fetches_) {
    const bool copies = std::holds_alternative<ErrandKey>(fetch.wanted_for);
    if (copies && fetch.run == run) hands_.stop_fetch(number);
  }
}

bool ExecutorDriver::fetches_of(RunId run) const {
  return std::any_of(fetches_.begin(), fetches_.end(),
                     [run](const auto& each) { return each.second.run == run; });
}

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
  const auto* release = std::get_if<ReleaseRun>(&command);
  if (release != nullptr && machine_.released(token->run)) note_released(*release);
  forget_if_idle(token->run);
}

void ExecutorDriver::note_released(const ReleaseRun& release) {
  auto& for_good = released_[release.token.run];
  if (release.for_good) for_good = release.lineage;
  stop_copying(release.token.run);
}

void ExecutorDriver::forget_if_idle(RunId run) {
  const auto first = attempts_.lower_bound({run, {}, {}});
  if (machine_.holds(run) || (first != attempts_.end() && first->first.run == run)) return;
  if (runs_.erase(run) > 0) hands_.forget(run);
  if (fetches_of(run)) return;
  const auto released = released_.extract(run);
  if (!released) return;
  hands_.drop(kept_.of_run(run));
  if (!released.mapped()) return;
  if (const auto snapshots = snapshots_.of_run(*released.mapped())) hands_.drop(*snapshots);
}

}  // namespace troupe
