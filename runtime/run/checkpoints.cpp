#include "runtime/run/checkpoints.hpp"

#include <algorithm>
#include <utility>

namespace troupe {
namespace {

/// Nodes that may be given a copy.
std::size_t nodes_at_work(const ClusterView& cluster) {
  return static_cast<std::size_t>(
      std::count_if(cluster.nodes.begin(), cluster.nodes.end(),
                    [](const auto& node) { return node.second.placeable; }));
}

}  // namespace

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
  drop_unnamed();
  if (complete() && may_publish()) on_all_acknowledged();
  if (run_.epochs.open() != Epoch() && !complete() &&
      run_.now >= begun_at_ + run_.made.checkpoint->timeout) {
    abort(fmt::format(
        "not acknowledged within {} by {} of {}", in_words(run_.made.checkpoint->timeout),
        count_of(static_cast<std::int64_t>(tasks_.size() - acknowledged_.size()), "task"),
        tasks_.size()));
  }
  if (may_begin() && !last_begun_ && (may_publish() || !run_.takes_last_epoch)) begin();
  note_waiting();
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

/// Files that no manifest names any more go from the disks of their nodes, and those of a shared
/// directory by whichever node is there. One that is away keeps them until the run is over.
void Checkpoints::drop_unnamed() {
  std::map<NodeId, std::vector<std::string>> by_node;
  std::vector<std::string> shared;
  const std::string& directory = run_.made.checkpoint->directory;
  for (const StoredSnapshot& file : run_.epochs.take_unnamed()) {
    for (const NodeId& node : file.nodes) by_node[node].push_back(file.file.name);
    if (!directory.empty()) shared.push_back(file.file.name);
    copies_.erase(file.file.name);
  }
  for (auto& [name, files] : by_node) drop(run_.cluster->find(name), std::move(files), "");
  if (!shared.empty()) {
    drop(run_.cluster->any_listed(), std::move(shared), directory);
  }
}

void Checkpoints::drop(const ClusterNode* node, std::vector<std::string> names,
                       const std::string& directory) {
  if (node == nullptr) return;
  run_.decision.send(node->node, node->incarnation,
                     DropSnapshots{run_.attempts.token({}, {}), run_.made.marked_with(),
                                   std::move(names), directory});
}

void Checkpoints::stop() {
  next_at_ = run_.now;
  last_begun_ = false;
}

/// Where all sources are at their end, the run ends by itself. One that cannot be published before
/// a storage is back is not waited for.
bool Checkpoints::stopped() const {
  if (!run_.takes_last_epoch || all_exhausted()) return false;
  if (!may_publish()) return true;
  return run_.epochs.open() == Epoch() && (last_begun_ || !may_begin());
}

bool Checkpoints::may_begin() const {
  return run_.epochs.open() == Epoch() && run_.now >= next_at_ && !all_exhausted() && all_run() &&
         may_copy();
}

bool Checkpoints::may_publish() const { return run_.epochs.uncommitted() < uncommitted_epochs_max; }

bool Checkpoints::complete() const {
  return run_.epochs.open() != Epoch() && acknowledged_.size() == tasks_.size() && awaited_.empty();
}

/// A shared directory is wherever its file system keeps it.
bool Checkpoints::may_copy() const {
  const CheckpointSettings& settings = *run_.made.checkpoint;
  return settings.copies_min < 2 || !settings.directory.empty() ||
         nodes_at_work(*run_.cluster) >= 2;
}

/// Said once, until it is over.
void Checkpoints::note_waiting() {
  const bool waits = !may_copy() && run_.epochs.open() == Epoch();
  run_.lacks_copies = waits;
  if (waits == std::exchange(told_waits_, waits)) return;
  run_.say(
      waits ? log::Level::warn : log::Level::info,
      waits ? "no checkpoint is taken: its state must be on two nodes ('copies: 2'), and there is "
              "one that takes work"
            : "checkpoints are taken again: there are two nodes for its state");
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
  phases_ = {};
  begun_at_ = run_.now;
  next_at_ = run_.now + run_.made.checkpoint->every;
  const Epoch published = run_.epochs.published();
  last_begun_ = run_.takes_last_epoch;
  const Epoch epoch = run_.epochs.begin(run_.decision);
  // This one cannot be published before an earlier one is committed: no rows come meanwhile.
  const bool hold = !may_publish();
  for (const TaskId& task : sources_) run_.attempts.snapshot(task, epoch, published, hold);
}

/// Only the attempt that counts, and only the open epoch: others are late.
void Checkpoints::on_acknowledged(const run_event::Snapshotted& event) {
  if (event.epoch != run_.epochs.open() || !tasks_.contains(event.key.task)) return;
  acknowledged_[event.key.task] = event.snapshot;
  phases_.aligned = std::max(phases_.aligned, event.snapshot.aligned);
  phases_.written = std::max(phases_.written, event.snapshot.written);
  if (acknowledged_.size() < tasks_.size()) return;
  phases_.acknowledged = run_.now - begun_at_;
  on_all_acknowledged();
}

void Checkpoints::on_all_acknowledged() {
  copy();
  if (complete() && may_publish()) publish();
}

/// Nodes of today's cluster that have it.
std::vector<NodeId> Checkpoints::holders(const StoredSnapshot& file) const {
  std::set<NodeId> all(file.nodes.begin(), file.nodes.end());
  if (const auto found = copies_.find(file.file.name); found != copies_.end()) {
    all.insert(found->second.begin(), found->second.end());
  }
  std::vector<NodeId> there;
  for (const NodeId& node : all) {
    if (run_.cluster->find(node) != nullptr) there.push_back(node);
  }
  return there;
}

/// Has files copied that are on one disk only, all of one disk together.
void Checkpoints::copy() {
  std::map<NodeId, Errand> by_node;
  for (const auto& [task, snapshot] : acknowledged_) {
    for (const StoredSnapshot& file : snapshot.files) {
      if (file.nodes.empty()) continue;  // all nodes see it
      const std::vector<NodeId> there = holders(file);
      if (there.size() == 1) by_node[there.front()].files.push_back({file.file, there});
    }
  }
  if (!by_node.empty() && nodes_at_work(*run_.cluster) < 2) {
    if (run_.made.checkpoint->copies_min > 1) {
      return abort("its state is on one node only, and there is no other one to copy it to");
    }
    by_node.clear();
    if (!std::exchange(told_single_, true)) {
      run_.say(log::Level::warn,
               "its state is on the disk of one node only: there is no other one to copy it to");
    }
  }
  for (auto& [holder, errand] : by_node) {
    const ClusterNode* node = run_.cluster->find(holder);
    errand.kind = ErrandKind::copy_snapshots;
    errand.run_uid = run_.made.uid;
    errand.lineage = run_.made.marked_with();
    errand.copy = ++last_copy_;
    errand.nodes.push_back({node->node, node->incarnation, node->address});
    for (const StoredSnapshot& file : errand.files) {
      copying_[errand.copy].push_back(file.file.name);
    }
    awaited_.insert(errand.copy);
    run_.decision.effect(effect::HaveDone{run_.id(), std::move(errand), {holder}});
  }
}

/// Also of an epoch that was given up meanwhile: the next one need not copy those again.
bool Checkpoints::on_copied(const run_event::Copied& event) {
  const auto names = copying_.extract(event.copy);
  if (names && !event.error) {
    for (const std::string& name : names.mapped()) copies_[name].insert(event.by);
  }
  if (awaited_.erase(event.copy) == 0) return false;
  if (event.error) {
    abort("its state could not be copied: " + event.error->to_string());
    return event.error->code == ErrorCode::corrupt;
  }
  // Who had the only other copy may be gone by now.
  if (awaited_.empty()) on_all_acknowledged();
  return false;
}

void Checkpoints::publish() {
  Manifest manifest;
  Run::Staged sinks;
  for (auto& [task, snapshot] : acknowledged_) {
    run_.add_staged(snapshot.sink, snapshot.committables, sinks);
    for (StoredSnapshot& file : snapshot.files) {
      const auto found = copies_.find(file.file.name);
      if (found == copies_.end()) continue;
      std::set<NodeId> nodes(file.nodes.begin(), file.nodes.end());
      nodes.insert(found->second.begin(), found->second.end());
      file.nodes.assign(nodes.begin(), nodes.end());
    }
    manifest.tasks.push_back({task, std::move(snapshot.files)});
  }
  manifest.sinks = sink_parts(std::move(sinks));
  acknowledged_.clear();
  phases_.copied = run_.now - begun_at_ - phases_.acknowledged;
  run_.epochs.seal(std::move(manifest), run_.decision, phases_);
  run_.epochs.publish(run_.decision);
}

void Checkpoints::abort(const std::string& why) {
  if (run_.epochs.open() == Epoch()) return;
  run_.say(log::Level::warn, fmt::format("checkpoint {} is given up: {}", run_.epochs.open(), why));
  run_.epochs.abort(run_.decision, why);
  acknowledged_.clear();
  awaited_.clear();
  last_begun_ = run_.takes_last_epoch;  // what stops does not try again
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
  run_.epochs.abort(run_.decision, "all sources have come to their end");
  acknowledged_.clear();
  awaited_.clear();
  for (const TaskId& task : sources_) {
    if (run_.attempts.at(task).active()) run_.attempts.end_sources(task);
  }
}

std::optional<Instant> Checkpoints::next_deadline() const {
  if (complete()) return std::nullopt;
  if (run_.epochs.open() != Epoch()) return begun_at_ + run_.made.checkpoint->timeout;
  // Else it waits for tasks, or commits, which come with events of their own.
  if (next_at_ > run_.now) return next_at_;
  return std::nullopt;
}

}  // namespace troupe
