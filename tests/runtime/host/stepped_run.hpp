#pragma once

#include "runtime/host/deployment.hpp"
#include "runtime/os/random.hpp"
#include "tests/runtime/exec/fakes.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace troupe {

/// A clock that moves when told.
class StillClock : public Clock {
 public:
  Instant now() const override { return time; }
  WallTime wall() const override { return {}; }
  Instant time{};
};

struct SteppedRunOptions {
  RunId run = RunId(1);
  std::int64_t memory_bytes = std::int64_t{4} << 30;
  std::string directory;  ///< of what tasks keep and set aside
  FileSystem* files = &system_files();
  ChannelLimits channels = {};
  bool epochs = false;  ///< tasks of streams take part in the epochs of the run
};

/// Runs a graph in one thread, deployed as a node deploys it: what runs next, a woken task or a
/// piece of offloaded work, is chosen by chance, so a seed is an interleaving. Who reads a kept
/// output is deployed once that is complete, as by a coordinator. A run that is not finished and
/// has nothing to do is stuck: a wake was lost, or tasks wait for each other.
///
/// Of a stream it can play the coordinator: begin epochs, publish and commit those that all tasks
/// have acknowledged, throw all tasks away and deploy them again from the last one.
class SteppedRun {
 public:
  SteppedRun(const TaskGraph& graph, std::uint64_t seed, SteppedRunOptions options);

  /// One choice; false: nothing can run.
  bool step();
  /// Until nothing can run. The number of steps.
  int run();
  /// Until it is finished: a failure or a stuck run fails the test.
  void run_to_end();
  bool finished() const { return to_deploy_.empty() && deployed_.empty(); }
  /// The failures of all tasks, first come first.
  const std::vector<Error>& errors() const { return errors_; }
  /// Commits what was staged, as a coordinator does.
  void commit();

  // Of a stream with epochs.
  /// Sources are told of a barrier. An epoch that is not published by then is given up.
  void begin_epoch();
  Epoch begun() const { return begun_; }
  Epoch published() const { return published_; }
  /// All tasks that take part have acknowledged the epoch that was begun last.
  bool acknowledged() const;
  /// It is the one to go on from, and committed.
  void publish();
  /// All sources have come to their end.
  bool exhausted() const;
  void end_sources();
  /// All tasks die; the same again as of the last epoch that is published.
  void restart();
  /// What the task has acknowledged of the last published epoch.
  const std::map<TaskId, TaskSnapshot>& manifest() const { return manifest_; }

 private:
  DeployTask deployment_of(TaskId id) const;
  bool may_begin(TaskId id) const;
  bool takes_part(StageId id) const;
  void all_to_deploy();
  void hear(TaskId id, TaskNews news);
  void commit(Epoch epoch, std::map<StageId, std::vector<Committable>> staged);
  void deploy();
  void run_task(TaskId id);

  OneThread thread_;
  StillClock clock_;
  Random random_;
  const std::shared_ptr<DeployedRun> run_;
  const SteppedRunOptions options_;
  KeptFiles kept_;
  const SnapshotStore snapshots_;
  LocalExchange exchange_;
  const DeploymentSite site_;
  std::set<TaskId> to_deploy_;
  std::map<TaskId, std::shared_ptr<ManualHost>> hosts_;
  std::map<TaskId, Deployment> deployed_;
  std::set<TaskId> done_;
  std::map<StageId, std::vector<Committable>> staged_;
  std::vector<Error> errors_;
  Attempt attempt_ = Attempt(1);
  Epoch begun_, published_;
  std::map<TaskId, TaskSnapshot> acknowledged_;  ///< of the epoch that was begun last
  std::map<TaskId, TaskSnapshot> manifest_;
  std::set<TaskId> exhausted_;
};

}  // namespace troupe
