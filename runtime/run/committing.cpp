#include "runtime/run/committing.hpp"

namespace troupe {

void Committing::on(const run_event::Continued&) {
  run_.epoch.publish(run_.decision);
  note_outcome();
}

void Committing::on(const run_event::SinkCommitted& event) {
  run_.epoch.on_committed(event.vertex, run_.now, run_.decision);
  note_outcome();
}

void Committing::on(const run_event::SinkCommitFailed& event) {
  run_.epoch.on_commit_failed(event.vertex, event.error, run_.now, run_.decision);
  note_outcome();
}

void Committing::on(const run_event::Tick&) { run_.epoch.on_tick(run_.now, run_.decision); }

void Committing::note_outcome() {
  if (run_.epoch.committed()) return run_.end(RunState::succeeded);
  if (run_.epoch.refused()) run_.end(RunState::halted, run_.epoch.refused());
}

}  // namespace troupe
