#pragma once

#include "runtime/run/run.hpp"

#include <set>
#include <string>
#include <vector>

namespace troupe {

/// The life of a run's regions: which one is at work, where, and which one must run again.
///
///    waiting --(its inputs are kept somewhere: it asks for slots; they are granted)--> deploying:
///    rows of the attempts, then DeployTask, consumers first --(all READY)--> running: rows, then
///    StartTask --(all FINISHED)--> finished
///    any of them --(a task failed, its node was lost, what it reads was lost)--> waiting
///
/// `TaskTopology` says which tasks make up a region. Owned by the phase in which tasks are at work.
///
/// Invariant: when all have finished, every task has read, of each kept input, the winning attempt
/// or one with the same rows.
class Regions {
 public:
  explicit Regions(Run& run);

  /// From the attempts of the rows.
  void restore();
  /// Lets producers run again whose lost output is needed; asks for slots for the regions that
  /// could run, and for no others.
  void advance();
  /// Slots that a region has asked for.
  void grant(std::size_t region, const std::vector<NodeId>& nodes);
  bool all_finished() const;

  std::size_t of(TaskId task) const { return run_.topology->region_of(task); }
  /// The region must not go to this node again: the node's own fault made it fail there, or lost
  /// what it kept. False if that was known.
  bool avoid(std::size_t region, const NodeProcess& node);
  const std::set<NodeProcess>& avoided(std::size_t region) const { return all_[region].avoided; }
  /// Regions at work that contain one of the lost tasks, or read what one of them kept.
  std::set<std::size_t> disturbed(const std::set<TaskId>& gone) const;

  void start_if_ready(std::size_t region);
  void start_ready();
  void finish_if_done(std::size_t region);
  /// The attempts of this region do not count any more; it waits until `not_before`.
  void reset(std::size_t region, Instant not_before, const std::string& why);
  /// Resets the regions that are reading what this task kept; with `finished_too` also those that
  /// have read it.
  void reset_readers(TaskId producer, bool finished_too, const std::string& why);
  /// The run needs no slots any more: gives all back, and asks for no others.
  void free_all();

  /// When the next region that waits for its time may begin.
  std::optional<Instant> next_deadline() const;

 private:
  enum class State { waiting, deploying, running, finished };
  struct Region {
    State state = State::waiting;
    Instant not_before = {};
    bool restarted = false;  ///< the run is RESTARTING because of it
    std::set<NodeProcess> avoided;
    /// While it waits for slots: the nodes that its request named as avoided.
    std::optional<std::set<NodeProcess>> asked;
  };

  const std::vector<TaskId>& tasks(std::size_t region) const;
  void restore(std::size_t region);
  bool at_work(std::size_t region) const;
  bool inputs_kept(std::size_t region) const;
  bool kept(TaskId producer) const;
  bool lost(TaskId producer) const;
  void rerun_lost_producers();
  void rerun(TaskId producer);
  bool can_run(std::size_t region) const;
  void ask(std::size_t region);
  void free(std::size_t region);
  Claim claim(std::size_t region) const { return {run_.id(), region}; }
  void deploy(std::size_t region, const std::vector<NodeId>& slots);
  DeployTask deployment(TaskId task) const;
  EpochRole role_of(TaskId task) const;
  void note_running();

  Run& run_;
  std::vector<Region> all_;  ///< producers first
  Instant advanced_at_ = {};
};

}  // namespace troupe
