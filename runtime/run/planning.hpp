#pragma once

#include "runtime/run/run_phase.hpp"

#include <optional>
#include <vector>

namespace troupe {

/// Until the run's task graph is known: STARTING, or as an earlier leader left it.
///
/// It cannot judge yet what nodes say of its tasks: it keeps that for the next phase.
class Planning : public RunPhase {
 public:
  using RunPhase::on;
  using RunPhase::RunPhase;
  void on(const run_event::Planned&);
  void on(const run_event::PlanFailed&);
  void on(const run_event::Ready& event) { early_.emplace_back(event); }
  void on(const run_event::Snapshotted&) {}  // its epoch was aborted
  void on(const run_event::Exhausted& event) { early_.emplace_back(event); }
  void on(const run_event::Finished& event) { early_.emplace_back(event); }
  void on(const run_event::Failed& event) { early_.emplace_back(event); }
  void on(const run_event::Listed& event) { early_.emplace_back(event); }
  void on(const run_event::NodeLost& event) { early_.emplace_back(event); }
  void on(const run_event::Progress&) {}
  void on(const run_event::Cancel& event) { run_.cancel(event.by); }
  void on(const run_event::Stop& event) {
    run_.stop(event.by);
    run_.stop_tasks();
  }
  void on(const run_event::Tick&);

  void enter() { run_.plan(); }
  std::optional<Instant> next_deadline() const {
    return earliest(again_at_, RunPhase::next_deadline());
  }
  std::vector<RunEvent> take_early() { return std::move(early_); }

 private:
  void begin();

  std::vector<RunEvent> early_;
  std::optional<Instant> again_at_;
};

}  // namespace troupe
