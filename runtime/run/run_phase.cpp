#include "runtime/run/run_phase.hpp"

#include "runtime/base/ensure.hpp"

namespace troupe {
namespace {

constexpr const char* over = "this attempt is over";

}  // namespace

void RunPhase::on(const run_event::Ready& event) {
  run_.attempts.cancel(event.key, {event.node, event.incarnation}, over);
}

void RunPhase::on(const run_event::Snapshotted& event) {
  run_.attempts.cancel(event.key, {event.node, event.incarnation}, over);
}

void RunPhase::on(const run_event::Exhausted& event) {
  run_.attempts.cancel(event.key, {event.node, event.incarnation}, over);
}

void RunPhase::on(const run_event::Finished& event) {
  const AttemptKey key = key_of(event.report.token);
  const NodeProcess where{event.node, event.incarnation};
  const TaskStatus* status = run_.attempts.current(key);
  if (status != nullptr && status->finished()) return run_.attempts.acknowledge(key, where);
  run_.attempts.cancel(key, where, over);
}

void RunPhase::on(const run_event::Failed& event) {
  run_.attempts.cancel(key_of(event.report.token), {event.node, event.incarnation}, over);
}

void RunPhase::on(const run_event::Granted& event) {
  ENSURE(false, "region {} of run {} is granted slots, and the run is {}", event.region, run_.id(),
         to_string(run_.state));
}

void RunPhase::on(const run_event::Stopped& event) {
  run_.attempts.on_stopped(event.key);
  run_.note_stopped();
}

void RunPhase::on(const run_event::Progress& event) {
  const AttemptKey key = key_of(event.report.token);
  TaskStatus* status = run_.attempts.current(key);
  if (status == nullptr) {
    return run_.attempts.cancel(key, {event.node, event.incarnation}, over);
  }
  if (status->active()) status->counters = event.report.counters;
}

void RunPhase::on(const run_event::SinkCommitted& event) {
  run_.epochs.on_committed(event.vertex, run_.now, run_.decision);
}

void RunPhase::on(const run_event::SinkCommitFailed& event) {
  run_.epochs.on_commit_failed(event.vertex, event.error, run_.now, run_.decision);
  if (run_.epochs.refused() && !ended(run_.state)) run_.halt(*run_.epochs.refused());
}

void RunPhase::on(const run_event::Listed& event) {
  const NodeProcess node{event.node, event.incarnation};
  std::set<AttemptKey> held;
  for (const HeldTask& task : event.held) {
    const AttemptKey key = key_of(task);
    held.insert(key);
    const TaskStatus* status = run_.attempts.current(key);
    if (status == nullptr || !status->finished()) run_.attempts.stop_held(key, node);
  }
  run_.attempts.on_listed(node, held);
  run_.note_stopped();
}

void RunPhase::on(const run_event::NodeLost& event) {
  run_.attempts.on_lost({event.node, event.incarnation});
  run_.note_stopped();
}

}  // namespace troupe
