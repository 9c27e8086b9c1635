#include "runtime/run/checkpoints.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

Checkpoints::Checkpoints(Run& run) : run_(run) {
  for (const auto& [task, region] : run.topology->tasks()) {
    if (!run.topology->streams(task)) continue;
    tasks_.insert(task);
    if (run.topology->reads_stream(task)) sources_.insert(task);
  }
  // After a failure at once: committed output shall not wait for the interval, too.
  next_at_ = run.epochs.published() == Epoch() ? run.now + run.made.checkpoint->every : run.now;
}

void Checkpoints::advance() {
  drop_stale();
  if (run_.epochs.open() != Epoch() && run_.now >= begun_at_ + run_.made.checkpoint->timeout) {
    abort(fmt::format(
        "not acknowledged within {} by {} of {}", in_words(run_.made.checkpoint->timeout),
        count_of(static_cast<std::int64_t>(tasks_.size() - acknowledged_.size()), "task"),
        tasks_.size()));
  }
  if (may_begin()) begin();
}

/// What attempts have said that do not count any more.
void Checkpoints::drop_stale() {
  std::erase_if(exhausted_, [this](const auto& said) {
    return run_.attempts.at(said.first).attempt != said.second;
  });
  if (run_.epochs.open() == Epoch() || all_run()) return;
  abort("a task begins again");
  next_at_ = run_.now;
}

bool Checkpoints::may_begin() const {
  return run_.epochs.open() == Epoch() && run_.now >= next_at_ && !all_exhausted() &&
         run_.epochs.uncommitted() < uncommitted_epochs_max && all_run();
}

bool Checkpoints::all_run() const {
  return std::all_of(tasks_.begin(), tasks_.end(), [this](const TaskId& task) {
    const TaskStatus& status = run_.attempts.at(task);
    if (status.attempt == Attempt() || status.state != AttemptState::running) return false;
    // What is said to a node before it has listed its tasks does not reach it.
    const ClusterNode* node = run_.cluster->find(status.node, status.incarnation);
    return node != nullptr && node->listed;
  });
}

void Checkpoints::begin() {
  acknowledged_.clear();
  begun_at_ = run_.now;
  next_at_ = run_.now + run_.made.checkpoint->every;
  const Epoch published = run_.epochs.published();
  const Epoch epoch = run_.epochs.begin(run_.decision);
  for (const TaskId& task : sources_) run_.attempts.snapshot(task, epoch, published);
}

/// Only the attempt that counts, and only the open epoch: others are late.
void Checkpoints::on_acknowledged(const run_event::Snapshotted& event) {
  if (event.epoch != run_.epochs.open() || !tasks_.contains(event.key.task)) return;
  acknowledged_[event.key.task] = event.snapshot;
  if (acknowledged_.size() == tasks_.size()) publish();
}

void Checkpoints::publish() {
  Manifest manifest;
  std::map<std::string, std::vector<Committable>> sinks;
  for (auto& [task, snapshot] : acknowledged_) {
    if (!snapshot.sink.empty()) run_.add_staged(snapshot.committables, sinks[snapshot.sink]);
    manifest.tasks.push_back({task, std::move(snapshot.files)});
  }
  for (auto& [vertex, staged] : sinks) manifest.sinks.push_back({vertex, std::move(staged)});
  acknowledged_.clear();
  run_.epochs.seal(std::move(manifest), run_.decision);
  run_.epochs.publish(run_.decision);
}

void Checkpoints::abort(const std::string& why) {
  if (run_.epochs.open() == Epoch()) return;
  run_.say(log::Level::warn, fmt::format("checkpoint {} is given up: {}", run_.epochs.open(), why));
  run_.epochs.abort(run_.decision);
  acknowledged_.clear();
}

/// The last epoch is what all tasks have staged when they end.
void Checkpoints::on_exhausted(TaskId task, Attempt attempt) {
  if (!sources_.contains(task)) return;
  exhausted_[task] = attempt;
  drop_stale();
  if (all_exhausted()) end_sources();
}

/// A command, or an acknowledgement. Nobody waits for what may not come.
void Checkpoints::on_listed(const NodeProcess& node) {
  const bool concerned = std::any_of(tasks_.begin(), tasks_.end(), [&](const TaskId& task) {
    const TaskStatus& status = run_.attempts.at(task);
    return NodeProcess{status.node, status.incarnation} == node;
  });
  if (!concerned || run_.epochs.open() == Epoch()) return;
  abort(fmt::format("node {} was out of touch", node.first));
  next_at_ = run_.now;
}

void Checkpoints::end_sources() {
  run_.epochs.abort(run_.decision);
  acknowledged_.clear();
  for (const TaskId& task : sources_) {
    if (run_.attempts.at(task).active()) run_.attempts.end_sources(task);
  }
}

std::optional<Instant> Checkpoints::next_deadline() const {
  if (run_.epochs.open() != Epoch()) return begun_at_ + run_.made.checkpoint->timeout;
  // Else it waits for tasks, or commits, which come with events of their own.
  if (next_at_ > run_.now) return next_at_;
  return std::nullopt;
}

}  // namespace troupe
