#include "runtime/run/job_machine.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace troupe {
namespace {

RestartLimits limits_of(const RestartSettings& settings) {
  return {settings.attempts, settings.window, settings.initial_delay, settings.max_delay};
}

}  // namespace

JobMachine::JobMachine(RunImage image)
    : image_(std::move(image)),
      policy_(limits_of(image_.made.restart)),
      random_(image_.made.run.value()) {}

Effects JobMachine::on(const JobEvent& event, ClusterView& cluster, Instant now) {
  cluster_ = &cluster;
  now_ = now;
  std::visit([this](const auto& e) { handle(e); }, event);
  return decided();
}

Effects JobMachine::decided() {
  cluster_ = nullptr;
  if (records_.empty()) return std::exchange(out_, {});
  Effects all;
  all.push_back(effect::Persist{std::exchange(records_, {})});
  std::move(out_.begin(), out_.end(), std::back_inserter(all));
  out_.clear();
  return all;
}

std::optional<Instant> JobMachine::next_deadline() const {
  std::optional<Instant> next;
  const auto at = [&](Instant deadline) { next = next ? std::min(*next, deadline) : deadline; };
  if (ended(image_.state)) return next;
  if (plan_again_at_) at(*plan_again_at_);
  for (const RegionStatus& region : regions_) {
    // One that was looked at since its time came waits for inputs or slots: an event will come
    // with them.
    if (region.state == RegionState::waiting && region.not_before > advanced_at_) {
      at(region.not_before);
    }
  }
  for (const auto& [vertex, commit] : commits_) {
    if (commit.again_at) at(*commit.again_at);
  }
  return next;
}

// ---- reports

void JobMachine::handle(const job_event::Ready& event) {
  if (working() && !topology_) return early_.push_back(event);
  TaskStatus* status = working() ? current(event.key) : nullptr;
  if (status == nullptr || !active(*status)) {
    return cancel(event.key, event.node, event.incarnation, "this attempt is over");
  }
  status->ready = true;
  if (status->state == AttemptState::running) {
    // Its row says that it was started, but the command was lost with a session.
    send(status->node, status->incarnation, StartTask{token(event.key.task, event.key.attempt)});
  } else {
    start_if_ready(topology_->region_of(event.key.task));
  }
}

void JobMachine::handle(const job_event::Finished& event) {
  if (working() && !topology_) return early_.push_back(event);
  const AttemptKey key = key_of(event.report.token);
  TaskStatus* status = current(key);
  if (status != nullptr && status->state == AttemptState::finished) {
    return acknowledge(key, event.node, event.incarnation);  // said again
  }
  if (!working() || status == nullptr || status->state != AttemptState::running) {
    return cancel(key, event.node, event.incarnation, "this attempt is over");
  }
  set_attempt(key.task, *status, AttemptState::finished);
  status->result = {key, event.report.outputs, event.report.sink, event.report.committables,
                    event.report.counters};
  status->counters = event.report.counters;
  status->missing = false;
  persist(status->result);
  for (const VertexCounters& vertex : event.report.counters.vertices) {
    for (const std::string& note : vertex.notes) {
      say(log::Level::warn, fmt::format("'{}': {}", vertex.vertex, note));
    }
  }
  const auto before = last_outputs_.find(key.task);
  if (before != last_outputs_.end() && before->second != event.report.outputs) {
    // It does not make the same rows twice: whoever read the other ones reads again.
    say(log::Level::warn,
        fmt::format("task {} made other rows when it ran again; what read them runs again too",
                    key.task));
    reset_readers(key.task, true, "its input changed");
  }
  last_outputs_[key.task] = event.report.outputs;
  acknowledge(key, event.node, event.incarnation);
  finish_if_done(topology_->region_of(key.task));
  advance();
}

void JobMachine::handle(const job_event::Failed& event) {
  if (working() && !topology_) return early_.push_back(event);
  const TaskFailed& report = event.report;
  const AttemptKey key = key_of(report.token);
  TaskStatus* status = working() ? current(key) : nullptr;
  const NodeProcess node{event.node, event.incarnation};
  const bool faulty =
      report.failure == FailureClass::node_fault && working() && tasks_.contains(key.task);
  if (faulty) blame(node, report.error.message);
  if (status == nullptr || !active(*status)) {
    // Tasks that it sent rows to may have been heard first; the fault is still that of its node.
    if (faulty) regions_[topology_->region_of(key.task)].avoided.insert(node);
    return cancel(key, event.node, event.incarnation, "this attempt is over");
  }
  set_attempt(key.task, *status, AttemptState::failed, report.error.to_string());
  status->attempt = {};
  acknowledge(key, event.node, event.incarnation);
  note_lost_inputs(report);
  const Error cause = report.error.within(
      fmt::format("task {} on node {} (attempt {})", key.task, event.node, key.attempt));
  const std::size_t region = topology_->region_of(key.task);
  if (report.failure == FailureClass::node_fault || report.failure == FailureClass::resource) {
    begin_again({region}, after_shortage(region, node, report.failure), report.failure, cause);
  } else {
    retry({region}, report.failure, cause);
  }
  advance();
}

void JobMachine::handle(const job_event::Stopped& event) {
  stopping_.erase(event.key);
  finish_stopping();
}

void JobMachine::handle(const job_event::Progress& event) {
  if (working() && !topology_) return;
  const AttemptKey key = key_of(event.report.token);
  TaskStatus* status = current(key);
  if (status == nullptr) {
    return cancel(key, event.node, event.incarnation, "this attempt is over");
  }
  if (active(*status)) status->counters = event.report.counters;
}

void JobMachine::handle(const job_event::Listed& event) {
  if (working() && !topology_) return early_.push_back(event);
  std::erase_if(away_, [&](const NodeProcess& away) {
    return away.first == event.node && away.second <= event.incarnation;
  });
  std::set<AttemptKey> held;
  for (const HeldTask& task : event.held) {
    const AttemptKey key = key_of(task.token);
    held.insert(key);
    TaskStatus* status = current(key);
    if (status == nullptr || !(working() || status->state == AttemptState::finished)) {
      stopping_[key] = {event.node, event.incarnation};
      cancel(key, event.node, event.incarnation, "this attempt is over");
      continue;
    }
    const bool ready = task.state == HeldState::ready || task.state == HeldState::running;
    if (ready && working()) status->ready = true;
    if (task.state == HeldState::ready && status->state == AttemptState::running) {
      send(event.node, event.incarnation, StartTask{token(key.task, key.attempt)});
    }
    if (task.state == HeldState::finished) status->missing = false;
  }
  std::set<TaskId> gone;
  for (auto& [task, status] : tasks_) {
    if (status.attempt == Attempt() || status.node != event.node ||
        status.incarnation != event.incarnation || held.contains({run(), task, status.attempt})) {
      continue;
    }
    gone.insert(task);
    if (status.state == AttemptState::finished) status.missing = true;
  }
  std::erase_if(stopping_, [&](const auto& entry) {
    return entry.second == std::pair(event.node, event.incarnation) && !held.contains(entry.first);
  });
  if (working()) {
    retry(disturbed(gone), FailureClass::node_lost,
          fail(ErrorCode::unavailable, "node {} does not hold what it was given", event.node));
    for (std::size_t region = 0; working() && region < regions_.size(); ++region) {
      start_if_ready(region);
    }
  }
  advance();
  finish_stopping();
}

void JobMachine::handle(const job_event::NodeLost& event) {
  if (working() && !topology_) return early_.push_back(event);
  const NodeProcess lost{event.node, event.incarnation};
  if (std::erase_if(stopping_, [&](const auto& entry) { return entry.second == lost; }) > 0) {
    away_.insert(lost);
  }
  if (working()) {
    std::set<TaskId> gone;
    for (const auto& [task, status] : tasks_) {
      if (status.attempt != Attempt() && status.node == event.node &&
          status.incarnation == event.incarnation) {
        gone.insert(task);
      }
    }
    retry(disturbed(gone), FailureClass::node_lost,
          fail(ErrorCode::unavailable, "node {} is gone: {}", event.node, event.reason));
  }
  advance();
  finish_stopping();
}

void JobMachine::handle(const job_event::Cancel& event) {
  if (!working() && image_.state != RunState::queued) return;
  say(log::Level::info, fmt::format("cancelled by {}", event.by));
  set_state(RunState::cancelling);
  kill_tasks();
  for (const auto& [key, where] : std::map(stopping_)) {
    cancel(key, where.first, where.second, "the run is cancelled");
  }
  replay_early();
  finish_stopping();
}

void JobMachine::handle(const job_event::Tick&) {
  if (plan_again_at_ && *plan_again_at_ <= now_) {
    plan_again_at_.reset();
    plan();
  }
  for (auto& [vertex, commit] : commits_) {
    if (!commit.again_at || *commit.again_at > now_) continue;
    commit.again_at.reset();
    for (const SinkPart& part : image_.manifest) {
      if (part.vertex == vertex) commit_sink(part);
    }
  }
  advance();
}

// ---- what all of the above is made of

/// True while its tasks may be deployed and may finish.
bool JobMachine::working() const {
  return image_.state == RunState::starting || image_.state == RunState::running ||
         image_.state == RunState::restarting;
}

TaskStatus* JobMachine::current(const AttemptKey& key) {
  const auto found = tasks_.find(key.task);
  if (found == tasks_.end() || key.attempt == Attempt()) return nullptr;
  return found->second.attempt == key.attempt ? &found->second : nullptr;
}

bool JobMachine::active(const TaskStatus& task) {
  return task.attempt != Attempt() &&
         (task.state == AttemptState::deploying || task.state == AttemptState::running);
}

Token JobMachine::token(TaskId task, Attempt attempt) const {
  Token token;
  token.run = run();
  token.run_attempt = image_.made.run_attempt;
  token.task = task;
  token.attempt = attempt;
  return token;
}

void JobMachine::set_state(RunState to, std::optional<Error> cause) {
  ENSURE(!ended(image_.state), "run {} is {} and would become {}", run(), to_string(image_.state),
         to_string(to));
  persist(RunStateRecord{run(), image_.state, to, cause});
  image_.state = to;
  image_.cause = std::move(cause);
}

void JobMachine::set_attempt(TaskId task, TaskStatus& status, AttemptState to,
                             const std::string& why) {
  persist(AttemptStateRecord{{run(), task, status.attempt}, status.state, to, why});
  status.state = to;
}

/// From now on the attempt does not count; whether its node has stopped it is another matter.
void JobMachine::expect_stop(TaskId task, const TaskStatus& status) {
  const NodeProcess where{status.node, status.incarnation};
  if (cluster_->find(status.node, status.incarnation) == nullptr) {
    away_.insert(where);
  } else {
    stopping_[{run(), task, status.attempt}] = where;
  }
}

void JobMachine::cancel(const AttemptKey& key, const NodeId& node, Incarnation incarnation,
                        const std::string& why) {
  send(node, incarnation, CancelTask{token(key.task, key.attempt), why});
}

void JobMachine::acknowledge(const AttemptKey& key, const NodeId& node, Incarnation incarnation) {
  send(node, incarnation, AckReport{token(key.task, key.attempt)});
}

void JobMachine::persist(Record record) { records_.push_back(std::move(record)); }

void JobMachine::effect(Effect effect) { out_.push_back(std::move(effect)); }

void JobMachine::send(const NodeId& node, Incarnation incarnation, Command command) {
  effect(effect::Send{node, incarnation, std::move(command)});
}

void JobMachine::say(log::Level level, std::string text) {
  persist(EventRecord{run(), level, std::move(text)});
}

}  // namespace troupe
