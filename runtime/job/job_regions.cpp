// Which region runs when, where, and again.
#include "runtime/base/node_fault.hpp"
#include "runtime/job/job_machine.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

std::string count_of(std::int64_t count, const char* noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string in_words(Duration duration) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  return ms < 1000 ? fmt::format("{} ms", ms) : fmt::format("{}.{} s", ms / 1000, ms % 1000 / 100);
}

void JobMachine::advance() {
  if (!topology_ || !working() || replaying_) return;
  advanced_at_ = now_;
  rerun_lost_producers();
  bool all_finished = true;
  for (std::size_t region = 0; region < regions_.size(); ++region) {
    all_finished = all_finished && regions_[region].state == RegionState::finished;
    if (regions_[region].state != RegionState::waiting || regions_[region].not_before > now_) {
      continue;
    }
    if (!inputs_kept(region)) continue;
    auto slots = place(topology_->regions()[region].width, *cluster_, regions_[region].avoided);
    if (slots) deploy(region, *std::move(slots));
  }
  note_running();
  if (all_finished) finish();
}

// ---- what is kept, and what is lost

bool JobMachine::kept(TaskId producer) const {
  const TaskStatus& status = tasks_.at(producer);
  if (status.attempt == Attempt() || status.state != AttemptState::finished || status.missing) {
    return false;
  }
  const ClusterNode* node = std::as_const(*cluster_).find(status.node, status.incarnation);
  return node != nullptr && node->listed;
}

/// Certainly. What a silent node kept may yet be there.
bool JobMachine::lost(TaskId producer) const {
  const TaskStatus& status = tasks_.at(producer);
  if (status.attempt == Attempt() || status.state != AttemptState::finished) return false;
  return status.missing ||
         std::as_const(*cluster_).find(status.node, status.incarnation) == nullptr;
}

bool JobMachine::inputs_kept(std::size_t region) const {
  for (const TaskId& task : topology_->regions()[region].tasks) {
    for (const TaskLink& link : topology_->producers(task)) {
      if (topology_->blocking(link) && !kept(link.task)) return false;
    }
  }
  return true;
}

/// What a waiting region needs and nobody has any more is made again; and what that needs, and so
/// on. Regions stand producers first, so one walk from the end sees them all.
void JobMachine::rerun_lost_producers() {
  for (std::size_t region = regions_.size(); region-- > 0;) {
    if (regions_[region].state != RegionState::waiting) continue;
    for (const TaskId& task : topology_->regions()[region].tasks) {
      for (const TaskLink& link : topology_->producers(task)) {
        const std::size_t producer = topology_->region_of(link.task);
        if (!topology_->blocking(link) || regions_[producer].state != RegionState::finished ||
            !lost(link.task)) {
          continue;
        }
        say(log::Level::warn, fmt::format("what task {} kept is lost; it runs again", link.task));
        const TaskStatus& status = tasks_.at(link.task);
        reset(producer, now_,
              status.missing
                  ? fmt::format("what it kept on node {} is lost", status.node)
                  : fmt::format("node {} is gone, and with it what was kept there", status.node));
      }
    }
  }
}

std::set<std::size_t> JobMachine::disturbed(const std::set<TaskId>& gone) const {
  std::set<std::size_t> regions;
  for (const TaskId& task : gone) {
    const std::size_t region = topology_->region_of(task);
    if (at_work(region)) regions.insert(region);
    for (const TaskLink& link : topology_->consumers(task)) {
      const std::size_t reader = topology_->region_of(link.task);
      if (topology_->blocking(link) && at_work(reader)) regions.insert(reader);
    }
  }
  return regions;
}

// ---- the life of a region

bool JobMachine::at_work(std::size_t region) const {
  return regions_[region].state == RegionState::deploying ||
         regions_[region].state == RegionState::running;
}

void JobMachine::deploy(std::size_t region, std::vector<NodeId> slots) {
  const std::vector<TaskId>& tasks = topology_->regions()[region].tasks;
  std::map<StageId, std::size_t> placed;
  for (const TaskId& task : tasks) {
    const ClusterNode& node = *cluster_->find(slots.at(placed[task.stage]++));
    TaskStatus& status = tasks_.at(task);
    const std::uint32_t attempts = status.attempts + 1;
    status = {};
    status.attempt = last_attempt_ = last_attempt_.next();
    status.node = node.node;
    status.incarnation = node.incarnation;
    status.attempts = attempts;
    nodes_used_.insert(node.node);
    persist(
        AttemptRecord{{run(), task, status.attempt}, node.node, node.incarnation, attempts > 1});
  }
  regions_[region].state = RegionState::deploying;
  hold_slots(regions_[region], std::move(slots));
  for (auto task = tasks.rbegin(); task != tasks.rend(); ++task) {
    const TaskStatus& status = tasks_.at(*task);
    send(status.node, status.incarnation, deployment(*task));
  }
}

EdgePeers& JobMachine::peers_of(std::vector<EdgePeers>& edges, std::uint32_t edge) const {
  if (edges.empty() || edges.back().edge != edge) edges.push_back({edge, {}});
  return edges.back();
}

DeployTask JobMachine::deployment(TaskId task) const {
  DeployTask deploy;
  deploy.token = token(task, tasks_.at(task).attempt);
  deploy.run_uid = image_.made.uid;
  deploy.job = image_.made.job;
  deploy.plan = image_.plan;
  deploy.target = image_.made.target;
  deploy.memory_bytes = image_.made.memory_bytes;
  const auto& splits = image_.splits->at(task.stage.value());
  if (!splits.empty()) deploy.splits = splits.at(task.subtask);
  std::set<NodeId> named;
  const auto add = [&](std::vector<EdgePeers>& edges, const TaskLink& link) {
    const TaskStatus& peer = tasks_.at(link.task);
    peers_of(edges, link.edge).peers.push_back({link.task, peer.attempt, peer.node});
    const ClusterNode* node = std::as_const(*cluster_).find(peer.node, peer.incarnation);
    if (node != nullptr && named.insert(peer.node).second) {
      deploy.nodes.push_back({node->node, node->incarnation, node->address});
    }
  };
  for (const TaskLink& link : topology_->producers(task)) add(deploy.inputs, link);
  for (const TaskLink& link : topology_->consumers(task)) {
    if (!topology_->blocking(link)) add(deploy.outputs, link);
  }
  return deploy;
}

void JobMachine::start_if_ready(std::size_t region) {
  RegionStatus& status = regions_[region];
  if (status.state != RegionState::deploying) return;
  const std::vector<TaskId>& tasks = topology_->regions()[region].tasks;
  const bool all_ready = std::all_of(tasks.begin(), tasks.end(),
                                     [&](const TaskId& task) { return tasks_.at(task).ready; });
  if (!all_ready) return;
  status.state = RegionState::running;
  status.restarted = false;
  for (const TaskId& task : tasks) set_attempt(task, tasks_.at(task), AttemptState::running);
  for (auto task = tasks.rbegin(); task != tasks.rend(); ++task) {
    const TaskStatus& started = tasks_.at(*task);
    send(started.node, started.incarnation, StartTask{token(*task, started.attempt)});
  }
  note_running();
}

void JobMachine::finish_if_done(std::size_t region) {
  const std::vector<TaskId>& tasks = topology_->regions()[region].tasks;
  const bool all_finished = std::all_of(tasks.begin(), tasks.end(), [&](const TaskId& task) {
    return tasks_.at(task).attempt != Attempt() && tasks_.at(task).state == AttemptState::finished;
  });
  if (!all_finished) return;
  regions_[region].state = RegionState::finished;
  release_slots(regions_[region]);
  if (undone_.erase(region) > 0 && undone_.empty() && recovering_since_) {
    const Duration took = now_ - *std::exchange(recovering_since_, {});
    longest_recovery_ = std::max(longest_recovery_.value_or(Duration::zero()), took);
    say(log::Level::info,
        fmt::format("what was lost has been done again, {} after it was lost", in_words(took)));
  }
}

// ---- again

void JobMachine::reset(std::size_t region, Instant not_before, const std::string& why) {
  RegionStatus& status = regions_[region];
  if (status.state == RegionState::waiting) return;
  const bool was_finished = status.state == RegionState::finished;
  status.state = RegionState::waiting;
  status.not_before = not_before;
  status.restarted = true;
  release_slots(status);
  undone_.insert(region);
  if (!recovering_since_) recovering_since_ = now_;
  const std::vector<TaskId>& tasks = topology_->regions()[region].tasks;
  for (const TaskId& task : tasks) {
    TaskStatus& known = tasks_.at(task);
    known.ready = false;
    if (known.attempts > 0) known.over = why;
    if (known.attempt == Attempt()) continue;
    const AttemptKey key{run(), task, known.attempt};
    expect_stop(task, known);
    set_attempt(task, known, AttemptState::superseded, why);
    cancel(key, known.node, known.incarnation, why);
    known.attempt = {};
  }
  if (was_finished) {
    // What it kept goes with it, also for those who read it just now.
    for (const TaskId& task : tasks) reset_readers(task, false, "its input is made again");
  }
  if (image_.state == RunState::running) set_state(RunState::restarting);
}

void JobMachine::reset_readers(TaskId producer, bool finished_too, const std::string& why) {
  for (const TaskLink& link : topology_->consumers(producer)) {
    if (!topology_->blocking(link)) continue;
    const std::size_t reader = topology_->region_of(link.task);
    if (at_work(reader) || (finished_too && regions_[reader].state == RegionState::finished)) {
      reset(reader, now_, why);
    }
  }
}

void JobMachine::retry(const std::set<std::size_t>& regions, FailureClass failure,
                       const Error& cause) {
  if (regions.empty()) return;
  begin_again(regions, policy_.on_failure(failure, now_, random_.next()), failure, cause);
}

void JobMachine::begin_again(const std::set<std::size_t>& regions, const RestartDecision& decision,
                             FailureClass failure, const Error& cause) {
  if (!decision.restart) {
    Error told = cause;
    told.hint = told.hint.empty() ? decision.reason : told.hint;
    return fail_run(std::move(told));
  }
  ++restarts_;
  const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(decision.delay).count();
  say(log::Level::warn, fmt::format("{} ({}); {} region(s) begin again in {} ms", cause.message,
                                    to_string(failure), regions.size(), wait));
  for (const std::size_t region : regions) {
    reset(region, now_ + decision.delay, cause.message);
  }
}

/// What one bad node does to a run is one restart, however many tasks it had: as many fail at once
/// as it has slots, and that must not use up what the run may restart. It stays bounded: a region
/// leaves a node once.
RestartDecision JobMachine::after_shortage(std::size_t region, const NodeProcess& node,
                                           FailureClass failure) {
  const bool left_now = regions_[region].avoided.insert(node).second;
  if (failure == FailureClass::resource || !has_good_node(*cluster_, regions_[region].avoided)) {
    // Elsewhere it may be no better, or there is no elsewhere: later it may.
    return policy_.on_failure(FailureClass::resource, now_, random_.next());
  }
  if (!charged_.insert(node).second && left_now) return {true, {}, ""};
  return policy_.on_failure(FailureClass::node_fault, now_, random_.next());
}

/// What was kept and cannot be read is made again, and not where it was lost.
void JobMachine::note_lost_inputs(const TaskFailed& report) {
  // A node that is out of reach has done nothing wrong.
  const bool at_fault = report.error.code == ErrorCode::corrupt ||
                        report.error.code == ErrorCode::not_found || is_node_fault(report.error);
  for (const TaskPeer& input : report.lost_inputs) {
    TaskStatus* producer = current({run(), input.task, input.attempt});
    if (producer == nullptr || producer->state != AttemptState::finished) continue;
    producer->missing = true;
    if (!at_fault) continue;
    const NodeProcess keeper{producer->node, producer->incarnation};
    regions_[topology_->region_of(input.task)].avoided.insert(keeper);
    blame(keeper, report.error.message);
  }
}

void JobMachine::blame(const NodeProcess& node, const std::string& reason) {
  effect(effect::BlameNode{node.first, node.second, reason});
}

void JobMachine::note_running() {
  if (image_.state != RunState::restarting) return;
  const bool any = std::any_of(regions_.begin(), regions_.end(),
                               [](const RegionStatus& region) { return region.restarted; });
  if (!any) set_state(RunState::running);
}

void JobMachine::hold_slots(RegionStatus& region, std::vector<NodeId> slots) {
  region.slots = std::move(slots);
  for (const NodeId& slot : region.slots) {
    ++slots_held_[slot];
    if (ClusterNode* node = cluster_->find(slot)) ++node->used;
  }
}

void JobMachine::release_slots(RegionStatus& region) {
  for (const NodeId& slot : std::exchange(region.slots, {})) {
    --slots_held_[slot];
    ClusterNode* node = cluster_->find(slot);
    if (node != nullptr && node->used > 0) --node->used;
  }
}

}  // namespace troupe
