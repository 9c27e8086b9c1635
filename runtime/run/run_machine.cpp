#include "runtime/run/run_machine.hpp"

#include <utility>

namespace troupe {

RunMachine::RunMachine(RunImage image)
    : recorded_(std::exchange(image.attempts, {})),
      run_(std::move(image)),
      phase_(std::in_place_type<Queued>, run_) {}

Effects RunMachine::start(const ClusterView& cluster, Instant now) {
  run_.cluster = &cluster;
  run_.now = now;
  run_.attempts.restore(std::exchange(recorded_, {}), cluster);
  if (run_.state == RunState::queued) {
    run_.set_state(run_.only_commits() ? RunState::finishing : RunState::starting);
  }
  go_on_with_epochs();
  if (run_.state == RunState::stopping) run_.stop_tasks();
  follow_state();
  // A manifest that was read is durable.
  if (run_.state == RunState::finishing) step(run_event::Continued{});
  return run_.decision.take();
}

/// Of a stream: what was published before anything else. What was open when its leader went is
/// given up, for its acknowledgements went with him; only the last one of a run is sealed.
void RunMachine::go_on_with_epochs() {
  if (!run_.streams() || run_.state == RunState::finishing || ended(run_.state)) return;
  run_.epochs.abort(run_.decision, "another coordinator goes on");
  run_.epochs.commit_published(run_.decision);
}

Effects RunMachine::on(const RunEvent& event, const ClusterView& cluster, Instant now) {
  run_.cluster = &cluster;
  run_.now = now;
  step(event);
  return run_.decision.take();
}

std::optional<Instant> RunMachine::next_deadline() const {
  return std::visit([](const auto& phase) { return phase.next_deadline(); }, phase_);
}

void RunMachine::step(const RunEvent& event) {
  const Epoch committed = run_.epochs.committed();
  handle(event);
  follow_state();
  if (run_.epochs.committed() != committed) committed_at_ = run_.now;
}

void RunMachine::handle(const RunEvent& event) {
  std::visit([](auto& phase, const auto& told) { phase.on(told); }, phase_, event);
}

/// Hands events that came too early for the last phase to the new one, which understands them.
void RunMachine::follow_state() {
  if (!enter_phase()) return;
  for (const RunEvent& event : std::exchange(early_, {})) {
    handle(event);
    enter_phase();
  }
  std::visit([](auto& phase) { phase.go_on(); }, phase_);
  follow_state();
}

/// The phase follows from the state, so a new leader finds the right one. True where it changes.
bool RunMachine::enter_phase() {
  bool changed = false;
  while (enter_next()) changed = true;
  return changed;
}

bool RunMachine::enter_next() {
  switch (run_.state) {
    case RunState::queued:
      return enter<Queued>();
    case RunState::starting:
    case RunState::running:
    case RunState::restarting:
      return run_.topology ? enter<Working>() : enter<Planning>();
    case RunState::stopping:
      return run_.takes_last_epoch ? enter<Working>() : enter<Ending>();
    case RunState::finishing:
      return enter<Committing>();
    default:
      return enter<Ending>();
  }
}

template <class P>
bool RunMachine::enter() {
  if (std::holds_alternative<P>(phase_)) return false;
  if (auto* planning = std::get_if<Planning>(&phase_)) early_ = planning->take_early();
  phase_.template emplace<P>(run_).enter();
  return true;
}

}  // namespace troupe
