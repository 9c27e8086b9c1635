#pragma once

#include "runtime/run/run.hpp"
#include "runtime/run/run_event.hpp"

namespace troupe {

/// What an event comes to where no task of the run is at work: reports of attempts change nothing
/// and are answered, so that their nodes stop, or forget what was acknowledged already.
///
/// Each phase of a run's life is one class that says only what is different while it lasts, and
/// holds what nobody needs outside of it. Which one it is follows from the state of the run
/// (`RunMachine`).
class RunPhase {
 public:
  explicit RunPhase(Run& run) : run_(run) {}

  void on(const run_event::Planned&) {}
  void on(const run_event::PlanFailed&) {}
  void on(const run_event::Ready&);
  void on(const run_event::Finished&);
  void on(const run_event::Failed&);
  void on(const run_event::Granted&);
  void on(const run_event::Stopped&);
  void on(const run_event::Progress&);
  void on(const run_event::Listed&);
  void on(const run_event::NodeLost&);
  void on(const run_event::SinkCommitted&) {}
  void on(const run_event::SinkCommitFailed&) {}
  void on(const run_event::Cancel&) {}
  void on(const run_event::Continued&) {}
  void on(const run_event::Tick&) {}

  /// The run comes into this phase; then it hears what came too early for the one before; then it
  /// goes on.
  void enter() {}
  void go_on() {}
  std::optional<Instant> next_deadline() const { return {}; }

 protected:
  Run& run_;
};

/// QUEUED: a row, and nothing else yet.
class Queued : public RunPhase {
 public:
  using RunPhase::on;
  using RunPhase::RunPhase;
  void on(const run_event::Cancel& event) { run_.cancel(event.by); }
};

/// CANCELLING, or ended: until its last attempts have stopped.
class Ending : public RunPhase {
 public:
  using RunPhase::RunPhase;
  void go_on() { run_.note_stopped(); }
};

}  // namespace troupe
