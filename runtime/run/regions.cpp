#include "runtime/run/regions.hpp"

#include "runtime/base/ensure.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

Regions::Regions(Run& run) : run_(run), all_(run.topology->regions().size()) {}

const std::vector<TaskId>& Regions::tasks(std::size_t region) const {
  return run_.topology->regions()[region].tasks;
}

bool Regions::at_work(std::size_t region) const {
  return all_[region].state == State::deploying || all_[region].state == State::running;
}

bool Regions::all_finished() const {
  return std::all_of(all_.begin(), all_.end(),
                     [](const Region& region) { return region.state == State::finished; });
}

std::optional<Instant> Regions::next_deadline() const {
  std::optional<Instant> next;
  for (const Region& region : all_) {
    // Its time came before the last `advance`: it waits for inputs or slots now, and they come
    // with an event of their own.
    if (region.state != State::waiting || region.not_before <= advanced_at_) continue;
    next = std::min(next.value_or(region.not_before), region.not_before);
  }
  return next;
}

// ---- where an earlier leader left them

void Regions::restore() {
  for (std::size_t region = 0; region < all_.size(); ++region) restore(region);
}

void Regions::restore(std::size_t region) {
  Region& status = all_[region];
  std::size_t current = 0, finished = 0, deploying = 0;
  std::map<StageId, std::vector<NodeId>> nodes;
  for (const TaskId& task : tasks(region)) {
    const TaskStatus& known = run_.attempts.at(task);
    status.restarted = status.restarted || known.attempts > 0;
    if (known.attempt == Attempt()) continue;
    ++current;
    finished += known.state == AttemptState::finished;
    deploying += known.state == AttemptState::deploying;
    nodes[task.stage].push_back(known.node);
  }
  if (current == 0) return;
  ENSURE(current == tasks(region).size(), "region {} of run {} has attempts of {} of its {} tasks",
         region, run_.id(), current, tasks(region).size());
  status.restarted = false;
  if (finished == current) {
    status.state = State::finished;
    return;
  }
  status.state = deploying > 0 ? State::deploying : State::running;
  const auto widest = std::max_element(
      nodes.begin(), nodes.end(),
      [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
  run_.decision.effect(effect::Hold{claim(region), widest->second});
}

// ---- what is kept, and what is lost

bool Regions::kept(TaskId producer) const {
  const TaskStatus& status = run_.attempts.at(producer);
  if (!status.finished() || status.missing) return false;
  const ClusterNode* node = run_.cluster->find(status.node, status.incarnation);
  return node != nullptr && node->listed;
}

/// True only if it is certain. A silent node may still have what it kept.
bool Regions::lost(TaskId producer) const {
  const TaskStatus& status = run_.attempts.at(producer);
  if (!status.finished()) return false;
  return status.missing || run_.cluster->find(status.node, status.incarnation) == nullptr;
}

bool Regions::inputs_kept(std::size_t region) const {
  for (const TaskId& task : tasks(region)) {
    for (const Neighbour& neighbour : run_.topology->producers(task)) {
      if (run_.topology->blocking(neighbour) && !kept(neighbour.task)) return false;
    }
  }
  return true;
}

/// If a waiting region needs an output that nobody has any more, its producer runs again; so may
/// that producer's own producers. Producers stand before their readers, so one walk from the end
/// finds all of them.
void Regions::rerun_lost_producers() {
  for (std::size_t region = all_.size(); region-- > 0;) {
    if (all_[region].state != State::waiting) continue;
    for (const TaskId& task : tasks(region)) {
      for (const Neighbour& neighbour : run_.topology->producers(task)) {
        if (!run_.topology->blocking(neighbour)) continue;
        const TaskId producer = neighbour.task;
        if (all_[of(producer)].state == State::finished && lost(producer)) rerun(producer);
      }
    }
  }
}

void Regions::rerun(TaskId producer) {
  run_.say(log::Level::warn, fmt::format("what task {} kept is lost; it runs again", producer));
  const TaskStatus& status = run_.attempts.at(producer);
  reset(of(producer), run_.now,
        status.missing
            ? fmt::format("what it kept on node {} is lost", status.node)
            : fmt::format("node {} is gone, and with it what was kept there", status.node));
}

std::set<std::size_t> Regions::disturbed(const std::set<TaskId>& gone) const {
  std::set<std::size_t> regions;
  for (const TaskId& task : gone) {
    if (at_work(of(task))) regions.insert(of(task));
    for (const Neighbour& neighbour : run_.topology->consumers(task)) {
      const std::size_t reader = of(neighbour.task);
      if (run_.topology->blocking(neighbour) && at_work(reader)) regions.insert(reader);
    }
  }
  return regions;
}

// ---- the life of a region

void Regions::advance() {
  advanced_at_ = run_.now;
  rerun_lost_producers();
  for (std::size_t region = 0; region < all_.size(); ++region) {
    if (can_run(region)) {
      ask(region);
    } else if (all_[region].asked) {
      free(region);
    }
  }
  note_running();
}

bool Regions::can_run(std::size_t region) const {
  const Region& status = all_[region];
  return status.state == State::waiting && status.not_before <= run_.now && inputs_kept(region);
}

/// Asks once, and again only after it has begun to avoid another node.
void Regions::ask(std::size_t region) {
  Region& status = all_[region];
  if (status.asked == status.avoided) return;
  status.asked = status.avoided;
  const std::uint32_t width = run_.topology->regions()[region].width;
  run_.decision.effect(effect::Need{claim(region), width, status.avoided});
}

void Regions::free(std::size_t region) {
  all_[region].asked.reset();
  run_.decision.effect(effect::Free{claim(region)});
}

void Regions::free_all() {
  for (std::size_t region = 0; region < all_.size(); ++region) {
    if (at_work(region) || all_[region].asked) free(region);
  }
}

void Regions::grant(std::size_t region, const std::vector<NodeId>& nodes) {
  ENSURE(all_.at(region).asked, "region {} of run {} is granted slots that it does not ask for",
         region, run_.id());
  // A node that has just joined again may keep an input, but has not listed what it keeps yet.
  if (!inputs_kept(region)) return free(region);
  all_[region].asked.reset();
  deploy(region, nodes);
}

void Regions::deploy(std::size_t region, const std::vector<NodeId>& slots) {
  std::map<StageId, std::size_t> placed;
  for (const TaskId& task : tasks(region)) {
    const NodeId& name = slots.at(placed[task.stage]++);
    const ClusterNode* node = run_.cluster->find(name);
    ENSURE(node != nullptr && node->placeable, "a slot of node {} is granted, which takes no tasks",
           name);
    run_.attempts.begin(task, *node);
  }
  all_[region].state = State::deploying;
  for (auto task = tasks(region).rbegin(); task != tasks(region).rend(); ++task) {
    const TaskStatus& status = run_.attempts.at(*task);
    run_.decision.send(status.node, status.incarnation, deployment(*task));
  }
}

DeployTask Regions::deployment(TaskId task) const {
  DeployTask deploy;
  deploy.token = run_.attempts.token(task, run_.attempts.at(task).attempt);
  deploy.run_uid = run_.made.uid;
  deploy.lineage = run_.made.marked_with();
  deploy.job = run_.made.job;
  deploy.plan = run_.encoded_plan;
  deploy.target = run_.made.target;
  deploy.memory_bytes = run_.made.memory_bytes;
  const auto& splits = run_.splits->at(task.stage.value());
  if (!splits.empty()) deploy.splits = splits.at(task.subtask);
  if (run_.topology->streams(task)) deploy.epochs = role_of(task);
  std::set<NodeId> named;
  const auto name = [&](const ClusterNode* node) {
    if (node == nullptr || !named.insert(node->node).second) return;
    deploy.nodes.push_back({node->node, node->incarnation, node->address});
  };
  const auto add = [&](std::vector<EdgePeers>& edges, const Neighbour& neighbour) {
    const TaskStatus& peer = run_.attempts.at(neighbour.task);
    if (edges.empty() || edges.back().edge != neighbour.edge) edges.push_back({neighbour.edge, {}});
    edges.back().peers.push_back({neighbour.task, peer.attempt, peer.node});
    name(run_.cluster->find(peer.node, peer.incarnation));
  };
  for (const Neighbour& neighbour : run_.topology->producers(task)) add(deploy.inputs, neighbour);
  for (const Neighbour& neighbour : run_.topology->consumers(task)) {
    if (!run_.topology->blocking(neighbour)) add(deploy.outputs, neighbour);
  }
  // State files outlive the processes of their nodes: who is there now is asked.
  for (const StoredSnapshot& file : deploy.epochs.files) {
    for (const NodeId& node : file.nodes) name(run_.cluster->find(node));
  }
  return deploy;
}

/// In the epochs of the run: what it goes on from is what the last published one says of it.
EpochRole Regions::role_of(TaskId task) const {
  EpochRole role{true, run_.made.checkpoint->directory, run_.epochs.published(), {}};
  for (const TaskPart& part : run_.epochs.last_manifest().tasks) {
    if (part.task == task) role.files = part.files;
  }
  return role;
}

void Regions::start_ready() {
  for (std::size_t region = 0; region < all_.size(); ++region) start_if_ready(region);
}

void Regions::start_if_ready(std::size_t region) {
  if (all_[region].state != State::deploying) return;
  const std::vector<TaskId>& all = tasks(region);
  const bool all_ready = std::all_of(
      all.begin(), all.end(), [this](const TaskId& task) { return run_.attempts.at(task).ready; });
  if (!all_ready) return;
  all_[region].state = State::running;
  all_[region].restarted = false;
  for (const TaskId& task : all) run_.attempts.run(task);
  for (auto task = all.rbegin(); task != all.rend(); ++task) run_.attempts.start(*task);
  note_running();
}

void Regions::note_running() {
  if (run_.state != RunState::restarting) return;
  const bool any =
      std::any_of(all_.begin(), all_.end(), [](const Region& region) { return region.restarted; });
  if (!any) run_.set_state(RunState::running);
}

void Regions::finish_if_done(std::size_t region) {
  const std::vector<TaskId>& all = tasks(region);
  const bool done = std::all_of(all.begin(), all.end(), [this](const TaskId& task) {
    return run_.attempts.at(task).finished();
  });
  if (!done) return;
  all_[region].state = State::finished;
  free(region);
  if (const auto took = run_.recovery.on_done(region, run_.now)) {
    run_.say(
        log::Level::info,
        fmt::format("what was lost has been done again, {} after it was lost", in_words(*took)));
  }
}

// ---- again

bool Regions::avoid(std::size_t region, const NodeProcess& node) {
  return all_[region].avoided.insert(node).second;
}

void Regions::reset(std::size_t region, Instant not_before, const std::string& why) {
  Region& status = all_[region];
  if (status.state == State::waiting) return;
  const bool was_finished = status.state == State::finished;
  if (!was_finished) free(region);
  status.state = State::waiting;
  status.not_before = not_before;
  status.restarted = true;
  run_.recovery.on_undone(region, run_.now);
  for (const TaskId& task : tasks(region)) run_.attempts.supersede(task, why, *run_.cluster);
  if (was_finished) {
    // Its kept outputs count no more, so regions that are reading them begin again, too.
    for (const TaskId& task : tasks(region)) {
      reset_readers(task, false, "its input is made again");
    }
  }
  if (run_.state == RunState::running) run_.set_state(RunState::restarting);
}

void Regions::reset_readers(TaskId producer, bool finished_too, const std::string& why) {
  for (const Neighbour& neighbour : run_.topology->consumers(producer)) {
    if (!run_.topology->blocking(neighbour)) continue;
    const std::size_t reader = of(neighbour.task);
    if (at_work(reader) || (finished_too && all_[reader].state == State::finished)) {
      reset(reader, run_.now, why);
    }
  }
}

}  // namespace troupe
