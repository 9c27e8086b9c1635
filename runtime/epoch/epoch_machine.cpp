#include "runtime/epoch/epoch_machine.hpp"

#include "runtime/base/ensure.hpp"
#include "runtime/base/node_fault.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

EpochMachine::EpochMachine(std::shared_ptr<const EpochOwner> owner, EpochImage image)
    : owner_(std::move(owner)),
      number_(image.epoch),
      state_(image.state),
      manifest_(std::move(image.manifest).value_or(Manifest())) {}

void EpochMachine::begin(Decision& decision) {
  ENSURE(!state_, "epoch {} of run {} begins twice", number_, owner_->run);
  move_to(EpochState::started, decision);
}

void EpochMachine::seal(Manifest manifest, Decision& decision, const EpochPhases& phases) {
  ENSURE(state_ == EpochState::started, "epoch {} of run {} is sealed but not open", number_,
         owner_->run);
  manifest_ = std::move(manifest);
  manifest_.staged_by = owner_->uid;
  decision.persist(ManifestRecord{owner_->run, number_, manifest_, phases});
}

void EpochMachine::publish(Decision& decision) {
  ENSURE(state_ == EpochState::started, "epoch {} of run {} is published but not open", number_,
         owner_->run);
  move_to(EpochState::published, decision);
}

void EpochMachine::commit(Epoch previous, Decision& decision) {
  ENSURE(state_ == EpochState::published, "epoch {} of run {} is committed but not published",
         number_, owner_->run);
  previous_ = previous;
  commit_begun_ = true;
  for (const SinkPart& part : manifest_.sinks) {
    commits_[part.vertex];
    have_committed(part, decision);
  }
  note_committed(decision);
}

void EpochMachine::have_committed(const SinkPart& part, Decision& decision) const {
  const RunUid& staged_by = manifest_.staged_by;
  Errand errand{ErrandKind::commit_sink,
                staged_by.value().empty() ? owner_->uid : staged_by,
                owner_->plan,
                part.vertex,
                part.committables,
                number_,
                previous_};
  errand.lineage = owner_->lineage;
  decision.effect(effect::HaveDone{owner_->run, std::move(errand)});
}

EpochMachine::SinkCommit* EpochMachine::open_commit(const std::string& vertex) {
  const auto found = commits_.find(vertex);
  return found == commits_.end() || found->second.committed ? nullptr : &found->second;
}

void EpochMachine::on_committed(const std::string& vertex, Instant now, Decision& decision) {
  SinkCommit* commit = open_commit(vertex);
  if (commit == nullptr) return;
  commit->committed = true;
  commit->again_at.reset();
  if (commit->wait.failures > 0) {
    decision.say(log::Level::info, fmt::format("'{}' is committed, {} s after it failed first",
                                               vertex, (now - commit->wait.since) / 1s));
  }
  note_committed(decision);
}

void EpochMachine::note_committed(Decision& decision) {
  const bool all = std::all_of(commits_.begin(), commits_.end(),
                               [](const auto& commit) { return commit.second.committed; });
  if (all) move_to(EpochState::committed, decision);
}

void EpochMachine::on_commit_failed(const std::string& vertex, const Error& error, Instant now,
                                    Decision& decision) {
  SinkCommit* commit = open_commit(vertex);
  if (commit == nullptr) return;
  const bool may_pass = retryable(error.code) || is_node_fault(error);
  if (!may_pass) return refuse(vertex, error, decision);
  wait(*commit, vertex, error, now, decision);
}

/// A storage may be away for hours: the log has a line where the reason is another one, not one
/// for each try.
void EpochMachine::wait(SinkCommit& commit, const std::string& vertex, const Error& error,
                        Instant now, Decision& decision) {
  CommitWait& wait = commit.wait;
  if (wait.failures == 0) {
    wait.vertex = vertex;
    wait.since = now;
  }
  if (wait.failures == 0 || wait.why.message != error.message) {
    decision.say(log::Level::warn,
                 fmt::format("committing '{}' failed, to be tried again until it is done: {}",
                             vertex, error.to_string()));
  }
  ++wait.failures;
  wait.why = error;
  commit.retry = std::clamp(commit.retry * 2, commit_retry_min, commit_retry_max);
  commit.again_at = now + commit.retry;
}

const CommitWait* EpochMachine::waits() const {
  const CommitWait* longest = nullptr;
  for (const auto& [vertex, commit] : commits_) {
    if (commit.committed || commit.wait.failures == 0) continue;
    if (longest == nullptr || commit.wait.since < longest->since) longest = &commit.wait;
  }
  return longest;
}

void EpochMachine::refuse(const std::string& vertex, const Error& error, Decision& decision) {
  decision.say(
      log::Level::error,
      fmt::format("the published output of '{}' could not be committed, and the run halts: {}",
                  vertex, error.to_string()));
  refused_ =
      error.within(fmt::format("the published output of '{}' could not be committed", vertex));
}

void EpochMachine::on_tick(Instant now, Decision& decision) {
  for (const SinkPart& part : manifest_.sinks) {
    SinkCommit* due = open_commit(part.vertex);
    if (due == nullptr || !due->again_at || *due->again_at > now) continue;
    due->again_at.reset();
    have_committed(part, decision);
  }
}

void EpochMachine::abort(Decision& decision, const std::string& why) {
  if (state_ == EpochState::started) move_to(EpochState::aborted, decision, why);
}

std::optional<Instant> EpochMachine::next_deadline() const {
  std::optional<Instant> next;
  for (const auto& [vertex, commit] : commits_) {
    if (commit.again_at) next = std::min(next.value_or(*commit.again_at), *commit.again_at);
  }
  return next;
}

void EpochMachine::move_to(EpochState state, Decision& decision, const std::string& why) {
  decision.persist(EpochRecord{owner_->run, number_, state_, state, why});
  state_ = state;
}

}  // namespace troupe
