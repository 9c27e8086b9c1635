#pragma once

#include "runtime/run/run_phase.hpp"

namespace troupe {

/// FINISHING: all tasks have finished, the manifest of what they staged is sealed, and its epoch is
/// published and committed. No task, node or kept partition is needed any more.
class Committing : public RunPhase {
 public:
  using RunPhase::on;
  using RunPhase::RunPhase;
  /// The manifest is durable.
  void on(const run_event::Continued&);
  void on(const run_event::SinkCommitted&);
  void on(const run_event::SinkCommitFailed&);
  void on(const run_event::Tick&);

  std::optional<Instant> next_deadline() const { return run_.epoch.next_deadline(); }

 private:
  void note_outcome();
};

}  // namespace troupe
