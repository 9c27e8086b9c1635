#include "runtime/run/working.hpp"

#include "runtime/base/node_fault.hpp"

#include <utility>

namespace troupe {

void Working::enter() {
  run_.attempts.name_tasks(*run_.topology);
  regions_.restore();
  if (run_.streams()) checkpoints_.emplace(run_);
  // Tasks on a node that left while nobody led: no event will tell of them any more.
  std::set<TaskId> gone;
  for (const auto& [task, status] : run_.attempts.tasks()) {
    if (status.attempt != Attempt() &&
        run_.cluster->find(status.node, status.incarnation) == nullptr) {
      gone.insert(task);
    }
  }
  retry(regions_.disturbed(gone), FailureClass::node_lost,
        make_error(ErrorCode::unavailable, "a node was lost together with the coordinator"));
}

/// Deploys nothing before all early events are heard: a node's list that was sent before would lack
/// the new attempt, which would then look lost.
void Working::go_on() {
  hears_early_ = false;
  advance();
}

void Working::advance() {
  if (hears_early_ || !run_.working()) return;
  regions_.advance();
  if (regions_.all_finished()) return finish();
  if (!checkpoints_) return;
  checkpoints_->advance();
  if (checkpoints_->stopped()) suspend();
}

void Working::suspend() {
  regions_.free_all();
  run_.stop_tasks();
}

/// Seals the manifest of the last epoch, of all that the sinks have staged, in the same row change
/// that makes the run FINISHING.
void Working::finish() {
  Run::Staged sinks;
  for (const auto& [task, status] : run_.attempts.tasks()) {
    run_.add_staged(status.result.sink, status.result.committables, sinks);
  }
  if (run_.streams()) run_.epochs.begin(run_.decision);
  run_.epochs.seal({sink_parts(std::move(sinks)), {}}, run_.decision);
  run_.set_state(RunState::finishing);
  const std::vector<SinkPart>& sealed = run_.epochs.sealed().sinks;
  run_.say(log::Level::info,
           fmt::format("all tasks have finished; {} of {} are to be committed",
                       count_of(rows_of(sealed), "row"),
                       count_of(static_cast<std::int64_t>(sealed.size()), "sink")));
  run_.decision.effect(effect::Continue{run_.id()});
}

// ---- reports

void Working::on(const run_event::Ready& event) {
  TaskStatus* status = run_.attempts.current(event.key);
  if (status == nullptr || !status->active()) return RunPhase::on(event);
  status->ready = true;
  if (status->state == AttemptState::running) {
    // Its row says that it was started, but the command was lost with a session.
    run_.attempts.start(event.key.task);
  } else {
    regions_.start_if_ready(regions_.of(event.key.task));
    if (checkpoints_) checkpoints_->advance();
  }
}

void Working::on(const run_event::Snapshotted& event) {
  const TaskStatus* status = run_.attempts.current(event.key);
  if (status == nullptr || !checkpoints_) return RunPhase::on(event);
  checkpoints_->on_acknowledged(event);
  if (run_.takes_last_epoch) advance();
}

void Working::on(const run_event::Exhausted& event) {
  const TaskStatus* status = run_.attempts.current(event.key);
  if (status == nullptr || !checkpoints_) return RunPhase::on(event);
  checkpoints_->on_exhausted(event.key.task, event.key.attempt);
  if (run_.takes_last_epoch) advance();
}

void Working::on(const run_event::Finished& event) {
  const AttemptKey key = key_of(event.report.token);
  const TaskStatus* status = run_.attempts.current(key);
  if (status == nullptr || status->state != AttemptState::running) return RunPhase::on(event);
  const bool same = run_.attempts.win(event.report);
  for (const VertexCounters& vertex : event.report.counters.vertices) {
    for (const std::string& note : vertex.notes) {
      run_.say(log::Level::warn, fmt::format("'{}': {}", vertex.vertex, note));
    }
  }
  if (!same) {
    // The task is not deterministic: readers of its earlier rows must read again.
    run_.say(log::Level::warn,
             fmt::format("task {} made other rows when it ran again; what read them runs again too",
                         key.task));
    regions_.reset_readers(key.task, true, "its input changed");
  }
  run_.attempts.acknowledge(key, {event.node, event.incarnation});
  regions_.finish_if_done(regions_.of(key.task));
  advance();
}

void Working::on(const run_event::Failed& event) {
  const TaskFailed& report = event.report;
  const AttemptKey key = key_of(report.token);
  const NodeProcess node{event.node, event.incarnation};
  const bool known = run_.attempts.tasks().contains(key.task);
  const bool faulty = report.failure == FailureClass::node_fault && known;
  if (faulty) blame(node, report.error.message);
  const TaskStatus* status = run_.attempts.current(key);
  if (status == nullptr || !status->active()) {
    // Its readers may have failed first and reset it. The fault is still its node's.
    if (faulty) regions_.avoid(regions_.of(key.task), node);
    return RunPhase::on(event);
  }
  run_.attempts.fail(key.task, report.error.to_string());
  run_.attempts.acknowledge(key, node);
  note_lost_inputs(report);
  const Error cause = report.error.within(
      fmt::format("task {} on node {} (attempt {})", key.task, event.node, key.attempt));
  const std::size_t region = regions_.of(key.task);
  if (report.failure == FailureClass::node_fault || report.failure == FailureClass::resource) {
    begin_again({region}, after_shortage(region, node, report.failure), report.failure, cause);
  } else {
    retry({region}, report.failure, cause);
  }
  advance();
}

std::set<TaskId> Working::tasks_on(const NodeProcess& node) const {
  std::set<TaskId> found;
  for (const auto& [task, status] : run_.attempts.tasks()) {
    const bool there = NodeProcess{status.node, status.incarnation} == node;
    if (there && status.attempt != Attempt()) found.insert(task);
  }
  return found;
}

void Working::on(const run_event::Listed& event) {
  const NodeProcess node{event.node, event.incarnation};
  std::set<AttemptKey> held;
  std::set<TaskId> gone = tasks_on(node);
  for (const HeldTask& task : event.held) {
    const AttemptKey key = key_of(task);
    held.insert(key);
    judge_held(task, node);
    if (run_.attempts.current(key) != nullptr) gone.erase(key.task);
  }
  for (const TaskId& task : gone) {
    TaskStatus& status = run_.attempts.at(task);
    if (status.finished()) status.missing = true;
  }
  run_.attempts.on_listed(node, held);
  if (checkpoints_) checkpoints_->on_listed(node);
  retry(regions_.disturbed(gone), FailureClass::node_lost,
        make_error(ErrorCode::unavailable, "node {} does not hold what it was given", event.node));
  if (run_.working()) regions_.start_ready();
  advance();
}

/// The node holds this attempt. If it is the current one, it goes on from where the node has
/// brought it; any other is told to stop.
void Working::judge_held(const HeldTask& task, const NodeProcess& node) {
  const AttemptKey key = key_of(task);
  TaskStatus* status = run_.attempts.current(key);
  if (status == nullptr) return run_.attempts.stop_held(key, node);
  if (task.state == HeldState::ready || task.state == HeldState::running) status->ready = true;
  if (task.state == HeldState::exhausted && checkpoints_)
    checkpoints_->on_exhausted(key.task, key.attempt);
  if (task.state == HeldState::finished) status->missing = false;
  if (task.state == HeldState::ready && status->state == AttemptState::running) {
    run_.attempts.start(key.task);
  }
}

void Working::on(const run_event::NodeLost& event) {
  const NodeProcess lost{event.node, event.incarnation};
  run_.attempts.on_lost(lost);
  retry(regions_.disturbed(tasks_on(lost)), FailureClass::node_lost,
        make_error(ErrorCode::unavailable, "node {} is gone: {}", event.node, event.reason));
  advance();
}

void Working::on(const run_event::Tick& event) {
  RunPhase::on(event);
  advance();
}

void Working::on(const run_event::SinkCommitted& event) {
  RunPhase::on(event);
  advance();
}

void Working::on(const run_event::Copied& event) {
  if (checkpoints_ && checkpoints_->on_copied(event)) begin_streams_again(*event.error);
  advance();
}

/// What tasks have written of their state is damaged, so no later epoch could be published, either:
/// they go on from the last one that is.
void Working::begin_streams_again(const Error& cause) {
  std::set<std::size_t> regions;
  for (const auto& [task, status] : run_.attempts.tasks()) {
    const std::size_t region = regions_.of(task);
    if (run_.topology->streams(task) && status.active()) regions.insert(region);
  }
  retry(regions, FailureClass::resource, cause);
}

void Working::on(const run_event::SinkCommitFailed& event) {
  RunPhase::on(event);
  if (ended(run_.state)) regions_.free_all();
}

std::optional<Instant> Working::next_deadline() const {
  std::optional<Instant> next = regions_.next_deadline();
  if (checkpoints_) next = earliest(next, checkpoints_->next_deadline());
  return earliest(next, RunPhase::next_deadline());
}

void Working::on(const run_event::Cancel& event) {
  regions_.free_all();
  run_.cancel(event.by);
}

/// A task that fails on the way to the last epoch, or has failed before, is not waited for: what is
/// published is as exact.
void Working::on(const run_event::Stop& event) {
  if (run_.state == RunState::stopping) return;
  run_.stop(event.by);
  run_.takes_last_epoch = true;
  checkpoints_->stop();
  advance();
}

// ---- again, or not

void Working::retry(const std::set<std::size_t>& regions, FailureClass failure,
                    const Error& cause) {
  if (regions.empty()) return;
  begin_again(regions, run_.policy.on_failure(failure, run_.now, run_.random.next()), failure,
              cause);
}

void Working::begin_again(const std::set<std::size_t>& regions, const RestartDecision& decision,
                          FailureClass failure, const Error& cause) {
  if (run_.state == RunState::stopping) {
    run_.say(log::Level::warn, fmt::format("{} ({}); it is not tried again, since the run stops",
                                           cause.message, to_string(failure)));
    return suspend();
  }
  if (!decision.restart) {
    Error told = cause;
    told.hint = told.hint.empty() ? decision.reason : told.hint;
    // Without its state it cannot be exact: a person decides.
    if (failure == FailureClass::state_lost) return halt(std::move(told));
    return fail(std::move(told));
  }
  run_.recovery.on_restart();
  const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(decision.delay).count();
  run_.say(log::Level::warn, fmt::format("{} ({}); {} region(s) begin again in {} ms",
                                         cause.message, to_string(failure), regions.size(), wait));
  for (const std::size_t region : regions) {
    regions_.reset(region, run_.now + decision.delay, cause.message);
  }
}

void Working::halt(Error cause) {
  regions_.free_all();
  run_.halt(std::move(cause));
}

void Working::fail(Error cause) {
  regions_.free_all();
  run_.fail(std::move(cause));
}

/// A task of the region failed on this node for lack of disk or memory: the region goes elsewhere.
///
/// One bad node costs a run one restart, however many tasks fail on it: otherwise a node with many
/// slots would use up the run's restarts at once. This is bounded, since a region leaves a node at
/// most once.
RestartDecision Working::after_shortage(std::size_t region, const NodeProcess& node,
                                        FailureClass failure) {
  const bool left_now = regions_.avoid(region, node);
  if (failure == FailureClass::resource ||
      !has_good_node(*run_.cluster, regions_.avoided(region))) {
    // No other node is known to be better. Later one may be.
    return run_.policy.on_failure(FailureClass::resource, run_.now, run_.random.next());
  }
  if (!charged_.insert(node).second && left_now) return {true, {}, ""};
  return run_.policy.on_failure(FailureClass::node_fault, run_.now, run_.random.next());
}

/// Kept outputs that could not be read are made again, on another node if theirs is at fault.
void Working::note_lost_inputs(const TaskFailed& report) {
  // A node that is out of reach has done nothing wrong.
  const bool at_fault = report.error.code == ErrorCode::corrupt ||
                        report.error.code == ErrorCode::not_found || is_node_fault(report.error);
  for (const TaskPeer& input : report.lost_inputs) {
    TaskStatus* producer = run_.attempts.current({run_.id(), input.task, input.attempt});
    if (producer == nullptr || !producer->finished()) continue;
    producer->missing = true;
    if (!at_fault) continue;
    const NodeProcess keeper{producer->node, producer->incarnation};
    regions_.avoid(regions_.of(input.task), keeper);
    blame(keeper, report.error.message);
  }
}

void Working::blame(const NodeProcess& node, const std::string& reason) {
  run_.decision.effect(effect::BlameNode{node.first, node.second, reason});
}

}  // namespace troupe
