#include "runtime/run/committing.hpp"

namespace troupe {

void Committing::on(const run_event::Continued&) {
  if (run_.epochs.open() != Epoch()) {
    run_.epochs.publish(run_.decision);
  } else {
    run_.epochs.commit_published(run_.decision);  // an earlier leader has published it
  }
  note_outcome();
}

void Committing::on(const run_event::SinkCommitted& event) {
  RunPhase::on(event);
  note_outcome();
}

void Committing::note_outcome() {
  if (!run_.epochs.all_over()) return;
  run_.end(run_.cause ? RunState::failed : RunState::succeeded, run_.cause);
}

}  // namespace troupe
