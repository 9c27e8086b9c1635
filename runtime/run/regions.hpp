#pragma once

#include "runtime/run/run.hpp"

#include <set>
#include <string>
#include <vector>

namespace troupe {

/// The life of a run's regions: which one is at work, where, and which one must run again.
///
///    waiting --(its inputs are kept somewhere, slots are free)--> deploying: rows of the attempts,
///    then DeployTask, consumers first --(all READY)--> running: rows, then StartTask
///    --(all FINISHED)--> finished
///    any of them --(a task failed, its node was lost, what it reads was lost)--> waiting
///
/// What a region is, `TaskTopology` says. Owned by the phase in which tasks are at work.
///
/// Invariant: when all have finished, every task has read, of each kept input, the winning attempt
/// or one with the same rows.
class Regions {
 public:
  explicit Regions(Run& run);

  /// From the attempts of the rows.
  void restore();
  /// Begins what can begin: what is lost and needed is made again, what waits is given slots.
  void advance();
  bool all_finished() const;

  std::size_t of(TaskId task) const { return run_.topology->region_of(task); }
  /// Not there again, for it failed there, or what it kept there was lost, by the node's fault.
  /// False where that was known.
  bool avoid(std::size_t region, const NodeProcess& node);
  const std::set<NodeProcess>& avoided(std::size_t region) const { return all_[region].avoided; }
  /// Regions at work that have a task on, or read from, what is gone.
  std::set<std::size_t> disturbed(const std::set<TaskId>& gone) const;

  void start_if_ready(std::size_t region);
  void start_ready();
  void finish_if_done(std::size_t region);
  /// The attempts of this region do not count any more; it waits until `not_before`.
  void reset(std::size_t region, Instant not_before, const std::string& why);
  /// Who is reading what this task kept begins again; also who has read it, if `finished_too`.
  void reset_readers(TaskId producer, bool finished_too, const std::string& why);
  void release_all();

  /// When one that waits may begin.
  std::optional<Instant> next_deadline() const;

 private:
  enum class State { waiting, deploying, running, finished };
  struct Region {
    State state = State::waiting;
    Instant not_before = {};
    bool restarted = false;     ///< the run is RESTARTING because of it
    std::vector<NodeId> slots;  ///< while it is deploying or running
    std::set<NodeProcess> avoided;
  };

  const std::vector<TaskId>& tasks(std::size_t region) const;
  void restore(std::size_t region);
  bool at_work(std::size_t region) const;
  bool inputs_kept(std::size_t region) const;
  bool kept(TaskId producer) const;
  bool lost(TaskId producer) const;
  void rerun_lost_producers();
  void rerun(TaskId producer);
  void deploy(std::size_t region, std::vector<NodeId> slots);
  DeployTask deployment(TaskId task) const;
  void note_running();
  void hold_slots(Region& region, std::vector<NodeId> slots);
  void release_slots(Region& region);

  Run& run_;
  std::vector<Region> all_;  ///< producers first
  Instant advanced_at_ = {};
};

}  // namespace troupe
