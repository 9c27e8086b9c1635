// Where a run begins: from its row, new or as an earlier leader left it.
#include "runtime/run/job_machine.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

Effects JobMachine::start(ClusterView& cluster, Instant now) {
  cluster_ = &cluster;
  now_ = now;
  adopt_image();
  switch (image_.state) {
    case RunState::queued:
      set_state(RunState::starting);
      plan();
      break;
    case RunState::starting:
    case RunState::running:
    case RunState::restarting:
      plan();
      break;
    case RunState::finishing:
      // The manifest stands in the same row change as FINISHING, so it needs no task any more.
      if (image_.epoch == EpochState::published) {
        commit_sinks();
      } else {
        publish();
      }
      break;
    default:
      finish_stopping();
  }
  return decided();
}

void JobMachine::adopt_image() {
  for (const AttemptImage& attempt : image_.attempts) {
    const AttemptKey& key = attempt.made.key;
    last_attempt_ = std::max(last_attempt_, key.attempt);
    nodes_used_.insert(attempt.made.node);
    if (attempt.result) last_outputs_[key.task] = attempt.result->outputs;
    TaskStatus& status = tasks_[key.task];
    ++status.attempts;
    const bool counts = attempt.state == AttemptState::deploying ||
                        attempt.state == AttemptState::running ||
                        attempt.state == AttemptState::finished;
    status.attempt = counts ? key.attempt : Attempt();
    status.node = attempt.made.node;
    status.incarnation = attempt.made.incarnation;
    status.state = attempt.state;
    if (attempt.result) {
      status.result = *attempt.result;
      status.counters = attempt.result->counters;
    }
    // It may still run, if its node never heard that it should not. The node's list will tell.
    const bool may_run =
        attempt.state == AttemptState::killed || attempt.state == AttemptState::superseded;
    if (!may_run) continue;
    const NodeProcess where{status.node, status.incarnation};
    if (cluster_->find(status.node, status.incarnation) == nullptr) {
      away_.insert(where);
    } else {
      stopping_[key] = where;
    }
  }
}

void JobMachine::plan() {
  effect(effect::PlanTasks{run(), image_.plan, image_.made.target, image_.splits});
}

void JobMachine::handle(const job_event::PlanFailed& event) {
  if (!working() || topology_) return;
  const FailureClass failure =
      retryable(event.error.code) ? FailureClass::resource : FailureClass::user_error;
  const RestartDecision decision = policy_.on_failure(failure, now_, random_.next());
  if (!decision.restart) return fail_run(event.error);
  say(log::Level::warn,
      fmt::format("planning failed, to be tried again: {}", event.error.to_string()));
  plan_again_at_ = now_ + decision.delay;
}

void JobMachine::handle(const job_event::Planned& event) {
  if (!working() || topology_) return;
  auto topology = TaskTopology::make(event.graph);
  if (!topology) return fail_run(topology.error());
  topology_ = std::make_unique<TaskTopology>(*std::move(topology));
  if (!image_.splits) {
    image_.splits.emplace();
    for (const Stage& stage : topology_->graph().stages) image_.splits->push_back(stage.splits);
    persist(SplitsRecord{run(), *image_.splits});
    persist(EpochRecord{run(), Epoch(batch_epoch), {}, EpochState::started});
    image_.epoch = EpochState::started;
    set_state(RunState::running);
    began_ = now_;
    say(log::Level::info,
        fmt::format(
            "begins: {} in {}",
            count_of(static_cast<std::int64_t>(topology_->tasks().size()), "task"),
            count_of(static_cast<std::int64_t>(topology_->graph().stages.size()), "stage")));
  } else {
    say(log::Level::warn, "another coordinator goes on with it");
  }
  restore_regions();
  replay_early();
  advance();
}

void JobMachine::restore_regions() {
  regions_.assign(topology_->regions().size(), {});
  for (const auto& [task, region] : topology_->tasks()) tasks_[task];
  for (std::size_t region = 0; region < regions_.size(); ++region) restore_region(region);
  // What was on a node that is no member any more; nobody will tell us again.
  std::set<TaskId> gone;
  for (const auto& [task, status] : tasks_) {
    if (status.attempt != Attempt() && cluster_->find(status.node, status.incarnation) == nullptr) {
      gone.insert(task);
    }
  }
  retry(disturbed(gone), FailureClass::node_lost,
        fail(ErrorCode::unavailable, "a node was lost together with the coordinator"));
}

void JobMachine::restore_region(std::size_t region) {
  RegionStatus& status = regions_[region];
  std::size_t current = 0, finished = 0, deploying = 0;
  std::map<StageId, std::vector<NodeId>> nodes;
  const std::vector<TaskId>& tasks = topology_->regions()[region].tasks;
  for (const TaskId& task : tasks) {
    const TaskStatus& known = tasks_.at(task);
    status.restarted = status.restarted || known.attempts > 0;
    if (known.attempt == Attempt()) continue;
    ++current;
    finished += known.state == AttemptState::finished;
    deploying += known.state == AttemptState::deploying;
    nodes[task.stage].push_back(known.node);
  }
  if (current == 0) return;
  ENSURE(current == tasks.size(), "region {} of run {} has attempts of {} of its {} tasks", region,
         run(), current, tasks.size());
  status.restarted = false;
  if (finished == tasks.size()) {
    status.state = RegionState::finished;
    return;
  }
  status.state = deploying > 0 ? RegionState::deploying : RegionState::running;
  const auto widest = std::max_element(
      nodes.begin(), nodes.end(),
      [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
  hold_slots(status, widest->second);
}

/// Nothing is deployed between two of them: a list that a node sent before would lack it, and the
/// new attempt would look lost.
void JobMachine::replay_early() {
  replaying_ = true;
  for (const JobEvent& event : std::exchange(early_, {})) {
    std::visit([this](const auto& e) { handle(e); }, event);
  }
  replaying_ = false;
}

}  // namespace troupe
