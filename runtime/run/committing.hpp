#pragma once

#include "runtime/run/run_phase.hpp"

namespace troupe {

/// FINISHING: all tasks have finished, the manifest of what they staged is sealed, and its epoch is
/// published and committed, after all epochs before it. With a cause it is FAILED then, and its
/// last epoch is one that was published before. No task, node or kept partition is needed any more.
class Committing : public RunPhase {
 public:
  using RunPhase::on;
  using RunPhase::RunPhase;
  /// The manifest is durable.
  void on(const run_event::Continued&);
  void on(const run_event::SinkCommitted&);

 private:
  void note_outcome();
};

}  // namespace troupe
