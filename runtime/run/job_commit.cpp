// How a run ends, and how what it made becomes visible.
#include "runtime/run/job_machine.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

/// Every task has finished: what the sinks staged becomes the manifest, in the row change that
/// makes the run FINISHING. From here on no task, node or kept partition is needed any more.
void JobMachine::finish() {
  std::map<std::string, std::vector<Committable>> sinks;
  for (const auto& [task, status] : tasks_) {
    if (status.result.sink.empty()) continue;
    auto& staged = sinks[status.result.sink];
    staged.insert(staged.end(), status.result.committables.begin(),
                  status.result.committables.end());
  }
  image_.manifest.clear();
  for (auto& [vertex, staged] : sinks) image_.manifest.push_back({vertex, std::move(staged)});
  persist(ManifestRecord{run(), Epoch(batch_epoch), image_.manifest});
  set_state(RunState::finishing);
  say(log::Level::info,
      fmt::format("all tasks have finished; {} of {} are to be committed",
                  count_of(rows_of(image_.manifest), "row"),
                  count_of(static_cast<std::int64_t>(image_.manifest.size()), "sink")));
  effect(effect::Continue{run()});
}

void JobMachine::handle(const job_event::Continued&) {
  if (image_.state == RunState::finishing && image_.epoch == EpochState::started) publish();
}

/// The commit point.
void JobMachine::publish() {
  persist(EpochRecord{run(), Epoch(batch_epoch), image_.epoch, EpochState::published});
  image_.epoch = EpochState::published;
  commit_sinks();
}

void JobMachine::commit_sinks() {
  for (const SinkPart& part : image_.manifest) commits_[part.vertex];
  for (const SinkPart& part : image_.manifest) commit_sink(part);
  if (image_.manifest.empty()) end(RunState::succeeded);
}

void JobMachine::commit_sink(const SinkPart& part) {
  effect(effect::CommitSink{run(), image_.plan, part.vertex,
                            sink_marker(image_.made.uid, part.vertex), part.committables});
}

void JobMachine::handle(const job_event::SinkCommitted& event) {
  const auto found = commits_.find(event.vertex);
  if (image_.state != RunState::finishing || found == commits_.end()) return;
  found->second.committed = true;
  found->second.again_at.reset();
  const bool all = std::all_of(commits_.begin(), commits_.end(),
                               [](const auto& commit) { return commit.second.committed; });
  if (all) end(RunState::succeeded);
}

void JobMachine::handle(const job_event::SinkCommitFailed& event) {
  const auto found = commits_.find(event.vertex);
  if (image_.state != RunState::finishing || found == commits_.end() || found->second.committed) {
    return;
  }
  const std::uint32_t failures = ++found->second.failures;
  if (retryable(event.error.code) && failures < commit_attempts_max) {
    say(log::Level::warn, fmt::format("committing '{}' failed, to be tried again: {}", event.vertex,
                                      event.error.to_string()));
    found->second.again_at = now_ + commit_retry_delay;
    return;
  }
  // Published and not visible: never passed over. A person decides, and the log shows why.
  say(log::Level::error,
      fmt::format("the published output of '{}' could not be committed, and the run halts: {}",
                  event.vertex, event.error.to_string()));
  end(RunState::halted, event.error.within(fmt::format(
                            "the published output of '{}' could not be committed", event.vertex)));
}

void JobMachine::fail_run(Error cause) {
  kill_tasks();
  end(RunState::failed, std::move(cause));
}

/// Rows only: the attempts at work do not count any more. Who they must be told by, and whether
/// that is waited for, is the caller's matter.
void JobMachine::kill_tasks() {
  for (RegionStatus& region : regions_) release_slots(region);
  for (auto& [task, status] : tasks_) {
    if (!active(status)) continue;
    expect_stop(task, status);
    set_attempt(task, status, AttemptState::killed);
    status.attempt = {};
  }
}

void JobMachine::end(RunState state, std::optional<Error> cause) {
  if (state == RunState::succeeded) {
    persist(EpochRecord{run(), Epoch(batch_epoch), image_.epoch, EpochState::committed});
    image_.epoch = EpochState::committed;
  } else if (image_.epoch == EpochState::started) {
    persist(EpochRecord{run(), Epoch(batch_epoch), image_.epoch, EpochState::aborted});
    image_.epoch = EpochState::aborted;
  }
  set_state(state, cause);
  say_how_it_ended(state, cause);
  effect(effect::RunEnded{run(), state, std::move(cause)});
  early_.clear();
  for (const NodeId& name : nodes_used_) {
    const ClusterNode* node = cluster_->find(name);
    if (node != nullptr && releases()) {
      send(node->node, node->incarnation, ReleaseRun{token({}, {})});
    }
  }
  finish_stopping();
}

void JobMachine::say_how_it_ended(RunState state, const std::optional<Error>& cause) {
  const std::string after = began_ ? fmt::format(" after {}", in_words(now_ - *began_)) : "";
  switch (state) {
    case RunState::succeeded:
      return say(log::Level::info, fmt::format("succeeded{}: committed {}", after,
                                               count_of(rows_of(image_.manifest), "row")));
    case RunState::cancelled:
      return say(log::Level::info, fmt::format("is cancelled{}", after));
    default:
      return say(log::Level::error,
                 fmt::format("{}{}: {}", state == RunState::halted ? "halted" : "failed", after,
                             cause ? cause->message : "no cause is known"));
  }
}

/// Where the run waits for its last tasks to stop: they have.
void JobMachine::finish_stopping() {
  if (!stopping_.empty()) return;
  if (image_.state == RunState::cancelling) return end(RunState::cancelled);
  if (!releases() || cleaned_up_) return;
  cleaned_up_ = true;
  effect(effect::LeaveBehind{{run(), image_.made.uid, image_.plan, away_}});
}

}  // namespace troupe
