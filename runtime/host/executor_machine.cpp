#include "runtime/host/executor_machine.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

const char* to_string(CommandRefusal refusal) {
  switch (refusal) {
    case CommandRefusal::wrong_cluster:
      return "wrong_cluster";
    case CommandRefusal::stale_term:
      return "stale_term";
    case CommandRefusal::stale_incarnation:
      return "stale_incarnation";
    case CommandRefusal::stale_attempt:
      return "stale_attempt";
    case CommandRefusal::ended_run:
      return "ended_run";
    case CommandRefusal::unknown_task:
      return "unknown_task";
    case CommandRefusal::not_joined:
      return "not_joined";
    case CommandRefusal::stale_errand:
      return "stale_errand";
  }
  return "unknown_task";
}

namespace {

std::string told(const char* name, const Token& token) {
  return fmt::format("{} of run {}, task {}, attempt {}: term {}, incarnation {}", name, token.run,
                     token.task, token.attempt, token.term, token.incarnation);
}

}  // namespace

ExecutorMachine::ExecutorMachine(ExecutorConfig config) : config_(std::move(config)) {}

ExecutorEffects ExecutorMachine::on(const ExecutorEvent& event, Instant) {
  out_.clear();
  std::visit([this](const auto& e) { handle(e); }, event);
  return std::exchange(out_, {});
}

void ExecutorMachine::handle(const executor_event::SnapshotsFound& found) {
  snapshots_.insert(found.runs.begin(), found.runs.end());
}

void ExecutorMachine::handle(const executor_event::SessionUp&) {
  joined_ = false;
  incoming_.reset();
  out_.push_back(
      executor_effect::Send{JoinCluster{config_.cluster, config_.self, config_.incarnation,
                                        term_seen_, config_.address, config_.slots}});
}

void ExecutorMachine::handle(const executor_event::SessionDown&) { joined_ = false; }

void ExecutorMachine::handle(const executor_event::Received& event) {
  std::visit([this](const auto& command) { obey(command); }, event.command);
}

// ---- membership

void ExecutorMachine::obey(const Joined& joined) {
  if (!config_.cluster.value().empty() && joined.cluster != config_.cluster) {
    refuse(CommandRefusal::wrong_cluster, fmt::format("Joined of cluster {}", joined.cluster));
    return;
  }
  if (joined.term < term_seen_) {
    refuse(CommandRefusal::stale_term, fmt::format("Joined of term {}", joined.term));
    return;
  }
  if (joined.incarnation != config_.incarnation) {
    refuse(CommandRefusal::stale_incarnation,
           fmt::format("Joined for incarnation {}", joined.incarnation));
    return;
  }
  config_.cluster = joined.cluster;
  term_seen_ = joined.term;
  joined_ = true;
}

void ExecutorMachine::obey(const JoinRefused& refused) {
  if (refused.incarnation != config_.incarnation || refused.term < term_seen_) {
    refuse(CommandRefusal::stale_incarnation,
           fmt::format("JoinRefused for incarnation {}", refused.incarnation));
    return;
  }
  out_.push_back(executor_effect::Expelled{refused.reason, refused.highest});
}

template <class C>
bool ExecutorMachine::admits(const C& command, const char* name) {
  const Token& token = command.token;
  const auto refused = [&](CommandRefusal refusal) {
    refuse(refusal, told(name, token));
    return false;
  };
  if (token.cluster != config_.cluster) return refused(CommandRefusal::wrong_cluster);
  if (token.term < term_seen_) return refused(CommandRefusal::stale_term);
  if (token.incarnation != config_.incarnation) return refused(CommandRefusal::stale_incarnation);
  if (!joined_) return refused(CommandRefusal::not_joined);
  term_seen_ = token.term;
  return true;
}

void ExecutorMachine::obey(const Adopt& adopt) {
  if (!admits(adopt, "Adopt")) return;
  report(Inventory{config_.incarnation,
                   term_seen_,
                   adopt.token.seq,
                   held(),
                   {snapshots_.begin(), snapshots_.end()}});
  for (const auto& [key, held] : held_) {
    if (held.unacknowledged) out_.push_back(executor_effect::Send{*held.unacknowledged});
  }
}

bool ExecutorMachine::holds(RunId run) const {
  const auto first = held_.lower_bound({run, {}, {}});
  return first != held_.end() && first->first.run == run;
}

std::vector<HeldTask> ExecutorMachine::held() const {
  std::vector<HeldTask> all;
  for (const auto& [key, held] : held_) {
    // A task that is being stopped still runs as far as anybody else is concerned.
    HeldState state = HeldState::running;
    if (held.state == State::opening) state = HeldState::deploying;
    if (held.state == State::ready) state = HeldState::ready;
    if (held.state == State::finished) state = HeldState::finished;
    if (held.state == State::failed) state = HeldState::failed;
    if (held.state == State::running && held.exhausted) state = HeldState::exhausted;
    const Token& token = held.token;
    all.push_back({token.run, token.run_attempt, token.task, token.attempt, token.term, state});
  }
  return all;
}

// ---- commands about tasks

void ExecutorMachine::obey(const DeployTask& deploy) {
  if (!admits(deploy, "DeployTask")) return;
  const AttemptKey key = key_of(deploy.token);
  if (ended_runs_.contains(key.run)) {
    refuse(CommandRefusal::ended_run, told("DeployTask", deploy.token));
    return;
  }
  Attempt& seen = attempts_seen_[key.run][key.task];
  if (key.attempt <= seen) {
    refuse(CommandRefusal::stale_attempt, told("DeployTask", deploy.token));
    return;
  }
  seen = key.attempt;
  // The earlier attempts of this task lost; their own CancelTask may still be on its way.
  for (auto& [other, held] : held_) {
    if (other.run == key.run && other.task == key.task && held.state != State::stopping &&
        held.state != State::finished && held.state != State::failed) {
      stop(held_.find(other));
    }
  }
  if (deploy.epochs.takes_part && deploy.epochs.directory.empty()) {
    snapshots_.insert(deploy.marked_with());
  }
  held_.emplace(key, Held{deploy.token});
  out_.push_back(executor_effect::OpenTask{deploy});
}

void ExecutorMachine::obey(const StartTask& start) {
  if (!admits(start, "StartTask")) return;
  const auto found = held_.find(key_of(start.token));
  if (found == held_.end() || found->second.state == State::opening) {
    refuse(CommandRefusal::unknown_task, told("StartTask", start.token));
    return;
  }
  if (found->second.state != State::ready) return;  // said again after a failover
  found->second.state = State::running;
  out_.push_back(executor_effect::RunTask{found->first});
}

/// The attempt, if it runs. What is said to one that does not run any more is late, and harmless.
const ExecutorMachine::Held* ExecutorMachine::running(const Token& token) {
  const auto found = held_.find(key_of(token));
  return found != held_.end() && found->second.state == State::running ? &found->second : nullptr;
}

void ExecutorMachine::obey(const SnapshotTask& command) {
  if (!admits(command, "SnapshotTask") || running(command.token) == nullptr) return;
  out_.push_back(executor_effect::SnapshotTask{
      key_of(command.token), Barrier{command.epoch, command.published}, command.hold});
}

void ExecutorMachine::obey(const EndSources& command) {
  if (!admits(command, "EndSources") || running(command.token) == nullptr) return;
  out_.push_back(executor_effect::EndSources{key_of(command.token)});
}

void ExecutorMachine::obey(const CancelTask& cancel) {
  if (!admits(cancel, "CancelTask")) return;
  const AttemptKey key = key_of(cancel.token);
  const auto found = held_.find(key);
  if (found == held_.end()) {
    // Not here, and from now on it never will be: that is what was asked for.
    if (!ended_runs_.contains(key.run)) {
      Attempt& seen = attempts_seen_[key.run][key.task];
      seen = std::max(seen, key.attempt);
    }
    report(TaskStopped{cancel.token});
    return;
  }
  const State before = found->second.state;
  stop(found);
  if (before == State::finished || before == State::failed) {
    report(TaskStopped{found->second.token});
    held_.erase(found);
  }
}

void ExecutorMachine::obey(const AckReport& ack) {
  if (!admits(ack, "AckReport")) return;
  const auto found = held_.find(key_of(ack.token));
  if (found == held_.end()) return;
  found->second.unacknowledged.reset();
  if (found->second.state == State::failed) {
    stop(found);
    held_.erase(found);
  }
}

void ExecutorMachine::obey(const ReleaseRun& release) {
  if (!admits(release, "ReleaseRun")) return;
  forget_run(release.token.run);
  if (release.for_good) snapshots_.erase(release.lineage);
}

void ExecutorMachine::obey(const DropSnapshots& command) {
  if (!admits(command, "DropSnapshots")) return;
  if (command.names.empty() && command.directory.empty()) snapshots_.erase(command.lineage);
  out_.push_back(executor_effect::DropSnapshots{command.lineage, command.names, command.directory});
}

void ExecutorMachine::forget_run(RunId run) {
  for (auto held = held_.begin(); held != held_.end();) {
    if (held->first.run != run) {
      ++held;
      continue;
    }
    const State before = held->second.state;
    stop(held);
    held =
        before == State::finished || before == State::failed ? held_.erase(held) : std::next(held);
  }
  attempts_seen_.erase(run);
  ended_runs_.insert(run);
  if (ended_runs_.size() > ended_runs_remembered_max) ended_runs_.erase(ended_runs_.begin());
}

/// What a finished or failed attempt kept is dropped here; a task that runs stops first.
void ExecutorMachine::stop(HeldMap::iterator found) {
  Held& held = found->second;
  if (held.state == State::stopping) return;
  if (held.state == State::finished || held.state == State::failed) {
    out_.push_back(executor_effect::DropOutputs{found->first});
    return;
  }
  held.state = State::stopping;
  out_.push_back(executor_effect::StopTask{found->first});
}

// ---- errands

/// Commands grow in number within a term, and come in order: one that does not was said before.
void ExecutorMachine::obey(const DoErrand& command) {
  if (!admits(command, "DoErrand")) return;
  const auto heard = std::pair(command.token.term, command.token.seq);
  const bool first = command.part == 0;
  const bool next =
      incoming_ && incoming_->number == command.number && incoming_->part + 1 == command.part;
  if (heard <= errand_heard_ || (!first && !next)) {
    return refuse(CommandRefusal::stale_errand, told("DoErrand", command.token));
  }
  errand_heard_ = heard;
  std::string content = first ? std::string() : std::move(incoming_->content);
  incoming_ = command;
  incoming_->content = std::move(content) + command.content;
  if (command.part + 1 < command.parts) return;
  const DoErrand whole = *std::exchange(incoming_, {});
  begin_errand(whole, decode_errand(whole.content));
}

void ExecutorMachine::begin_errand(const DoErrand& command, Result<Errand> errand) {
  DoErrand asked = command;
  asked.content.clear();
  if (!errand) return report(ErrandFailed{asked.token, asked.number, errand.error()});
  const ErrandKey key = key_of(asked.token.run, *errand);
  if (errand->kind == ErrandKind::copy_snapshots) snapshots_.insert(errand->marked_with());
  const auto [entry, is_new] = errands_.try_emplace(key);
  entry->second.asked = std::move(asked);
  if (is_new) {
    out_.push_back(executor_effect::RunErrand{key, *std::move(errand)});
  } else {
    entry->second.again = *std::move(errand);
  }
}

void ExecutorMachine::handle(const executor_event::ErrandOver& event) {
  const auto found = errands_.find(event.key);
  if (found == errands_.end()) return;
  if (found->second.again) {
    out_.push_back(executor_effect::RunErrand{event.key, *std::move(found->second.again)});
    found->second.again.reset();
    return;
  }
  const DoErrand asked = errands_.extract(found).mapped().asked;
  if (event.outcome) return report(ErrandDone{asked.token, asked.number});
  report(ErrandFailed{asked.token, asked.number, event.outcome.error()});
}

void ExecutorMachine::refuse(CommandRefusal refusal, std::string what) {
  out_.push_back(executor_effect::RefuseCommand{refusal, std::move(what)});
}

// ---- what tasks say

void ExecutorMachine::handle(const executor_event::TaskOpened& event) {
  const auto found = held_.find(event.key);
  if (found == held_.end() || found->second.state != State::opening) return;
  found->second.state = State::ready;
  report(TaskReady{found->second.token});
}

void ExecutorMachine::handle(const executor_event::TaskDone& event) {
  const auto found = held_.find(event.key);
  if (found == held_.end() || found->second.state != State::running) return;
  TaskFinished finished = event.report;
  finished.token = found->second.token;
  found->second.state = State::finished;
  found->second.unacknowledged = finished;
  report(std::move(finished));
}

void ExecutorMachine::handle(const executor_event::TaskBroke& event) {
  const auto found = held_.find(event.key);
  if (found == held_.end() || found->second.state == State::stopping) return;
  TaskFailed failed = event.report;
  failed.token = found->second.token;
  found->second.state = State::failed;
  found->second.unacknowledged = failed;
  report(std::move(failed));
}

void ExecutorMachine::handle(const executor_event::TaskGone& event) {
  const auto found = held_.find(event.key);
  if (found == held_.end() || found->second.state != State::stopping) return;
  report(TaskStopped{found->second.token});
  held_.erase(found);
}

void ExecutorMachine::handle(const executor_event::TaskSaved& event) {
  const auto found = held_.find(event.key);
  if (found == held_.end() || found->second.state != State::running) return;
  report(TaskSnapshotted{found->second.token, event.epoch, event.snapshot});
}

void ExecutorMachine::handle(const executor_event::TaskExhausted& event) {
  const auto found = held_.find(event.key);
  if (found == held_.end() || found->second.state != State::running) return;
  found->second.exhausted = true;
  report(SourcesEnded{found->second.token});
}

void ExecutorMachine::handle(const executor_event::TaskMoved& event) {
  const auto found = held_.find(event.key);
  if (found == held_.end() || found->second.state != State::running) return;
  report(TaskProgress{found->second.token, event.counters});
}

}  // namespace troupe
