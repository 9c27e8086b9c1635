#pragma once

#include "runtime/run/run.hpp"
#include "runtime/run/run_event.hpp"

#include <algorithm>
#include <optional>

namespace troupe {

/// The earlier one of those that are.
inline std::optional<Instant> earliest(std::optional<Instant> a, std::optional<Instant> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

/// How events are handled while no task of the run is at work: reports of attempts change nothing,
/// but are answered, so that their nodes stop the attempt, or forget a report that was
/// acknowledged. What is published goes on being committed, whatever becomes of tasks.
///
/// Each phase of a run's life is one class. It overrides only what is different in that phase, and
/// holds data that no other phase needs. The state of the run decides the phase (`RunMachine`).
class RunPhase {
 public:
  explicit RunPhase(Run& run) : run_(run) {}

  void on(const run_event::Planned&) {}
  void on(const run_event::PlanFailed&) {}
  void on(const run_event::Ready&);
  void on(const run_event::Snapshotted&);
  void on(const run_event::Exhausted&);
  void on(const run_event::Finished&);
  void on(const run_event::Failed&);
  void on(const run_event::Granted&);
  void on(const run_event::Stopped&);
  void on(const run_event::Progress&);
  void on(const run_event::Listed&);
  void on(const run_event::NodeLost&);
  void on(const run_event::SinkCommitted&);
  void on(const run_event::SinkCommitFailed&);
  void on(const run_event::Copied&) {}
  void on(const run_event::Cancel&) {}
  void on(const run_event::Stop&) {}
  void on(const run_event::Continued&) {}
  void on(const run_event::Tick&) { run_.epochs.on_tick(run_.now, run_.decision); }

  /// Called in this order when the run comes into this phase: `enter`, then its events that came
  /// too early for the phase before, then `go_on`.
  void enter() {}
  void go_on() {}
  std::optional<Instant> next_deadline() const { return run_.epochs.next_deadline(); }

 protected:
  Run& run_;
};

/// QUEUED: a row, and nothing else yet.
class Queued : public RunPhase {
 public:
  using RunPhase::on;
  using RunPhase::RunPhase;
  // What the run has of the one that it resumes is committed, whatever becomes of itself.
  void on(const run_event::Cancel& event) {
    run_.cancel(event.by);
    run_.epochs.commit_published(run_.decision);
  }
  void on(const run_event::Stop& event) {
    run_.stop(event.by);
    run_.epochs.commit_published(run_.decision);
  }
};

/// CANCELLING, STOPPING without tasks, or ended: until its last attempts have stopped.
class Ending : public RunPhase {
 public:
  using RunPhase::on;
  using RunPhase::RunPhase;
  void on(const run_event::SinkCommitted& event) {
    RunPhase::on(event);
    run_.note_stopped();
  }
  void on(const run_event::Cancel& event) {
    if (run_.state != RunState::stopping) return;
    run_.cancel(event.by);
    run_.note_stopped();
  }
  void go_on() { run_.note_stopped(); }
};

}  // namespace troupe
