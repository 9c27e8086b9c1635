#pragma once

#include "runtime/run/checkpoints.hpp"
#include "runtime/run/regions.hpp"
#include "runtime/run/run_phase.hpp"

#include <set>
#include <string>

namespace troupe {

/// Tasks are at work, or will be: RUNNING, and RESTARTING while something that failed waits;
/// STOPPING while they take a last epoch. Judges
/// what is reported of them, and decides after each failure what begins again, or that the run has
/// failed, with one cause.
class Working : public RunPhase {
 public:
  explicit Working(Run& run) : RunPhase(run), regions_(run) {}

  using RunPhase::on;
  void on(const run_event::Ready&);
  void on(const run_event::Snapshotted&);
  void on(const run_event::Exhausted&);
  void on(const run_event::Finished&);
  void on(const run_event::Failed&);
  void on(const run_event::Granted& event) { regions_.grant(event.region, event.nodes); }
  void on(const run_event::Listed&);
  void on(const run_event::NodeLost&);
  void on(const run_event::Cancel&);
  void on(const run_event::Stop&);
  void on(const run_event::Tick&);
  void on(const run_event::SinkCommitted&);
  void on(const run_event::Copied&);
  void on(const run_event::SinkCommitFailed&);

  void enter();
  void go_on();
  std::optional<Instant> next_deadline() const;

 private:
  void advance();
  void finish();
  void suspend();
  void fail(Error cause);
  void halt(Error cause);
  std::set<TaskId> tasks_on(const NodeProcess& node) const;
  void judge_held(const HeldTask& task, const NodeProcess& node);
  void begin_streams_again(const Error& cause);
  void retry(const std::set<std::size_t>& regions, FailureClass failure, const Error& cause);
  void begin_again(const std::set<std::size_t>& regions, const RestartDecision& decision,
                   FailureClass failure, const Error& cause);
  RestartDecision after_shortage(std::size_t region, const NodeProcess& node, FailureClass failure);
  void note_lost_inputs(const TaskFailed& report);
  void blame(const NodeProcess& node, const std::string& reason);

  Regions regions_;
  std::optional<Checkpoints> checkpoints_;  ///< of a streaming run
  /// Nodes whose faults have cost this run a restart already.
  std::set<NodeProcess> charged_;
  bool hears_early_ = true;
};

}  // namespace troupe
