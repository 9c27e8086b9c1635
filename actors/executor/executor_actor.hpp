#pragma once

#include "actors/executor/ports.hpp"
#include "actors/executor/task_actor.hpp"
#include "actors/executor/task_metrics.hpp"
#include "actors/system/actor_system.hpp"
#include "runtime/base/metrics.hpp"
#include "runtime/host/executor_driver.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// What an executor needs of its node; everything outlives the actor.
struct ExecutorServices {
  Planner& planner;
  Metrics& metrics;
  /// The node's own disk, behind the door that says whose fault a failure is (`OwnFiles`). Outlives
  /// the actor system: what tasks have on the I/O pool may end after their executor.
  FileSystem& files;
  /// Kept partitions and scratch files; emptied when the executor starts.
  std::string directory;
  /// State files of streams, which outlive executors.
  std::string snapshots;
  RemoteChannels* remote = nullptr;  ///< null: a node that has no others
  /// The node cannot be a member as it is; where `highest` is set, a higher incarnation could.
  std::function<void(std::string reason, Incarnation highest)> expelled;
};

/// NODE -> EXECUTOR: a conversation with the coordinator begins. It is over when this one ends.
struct CoordinatorFound {
  CoordinatorPort coordinator;
};
class Deployer;
struct TaskBuilt;
struct ErrandCarriedOut;
/// What an earlier process kept is gone; the executor may begin.
struct DirectoryEmptied {
  std::vector<RunUid> with_snapshots;  ///< of these there are state files
};

/// The shell of `ExecutorDriver`: builds tasks on the I/O pool, runs each in a TASK actor, as it
/// does what brings state files here, does errands on the pool, carries reports, and counts.
///
/// Supervised by the NODE, supervises the TASKs. If it dies, so do its tasks, and the node must
/// join again as a new incarnation: what was held is forgotten.
class ExecutorActor : public ActorOf<ExecutorActor, Command, CoordinatorFound, DirectoryEmptied,
                                     TaskBuilt, ErrandCarriedOut, TaskSaid, TaskEnded>,
                      private ExecutorHands {
 public:
  ExecutorActor(ExecutorConfig config, ExecutorServices services);

  void start() override;
  void on(const Command& command) { driver_.obey(command); }
  void on(const CoordinatorFound& found);
  void on(const DirectoryEmptied& left) { driver_.begin(left.with_snapshots); }
  void on(const TaskBuilt& built);
  void on(const ErrandCarriedOut& over);
  void on(const TaskSaid& said) { driver_.said(said.key, said.news); }
  void on(const TaskEnded& ended);

 protected:
  void on_stop() override;

 private:
  /// What gives one attempt its turns.
  struct Shell {
    std::shared_ptr<ActorTaskHost> host;
    TaskActor::Ref actor;  ///< once built
  };

  /// State files on their way here.
  struct Fetching {
    TaskActor::Ref actor;
    std::shared_ptr<const std::vector<StoredSnapshot>> here;
  };

  void send(Report report) override;
  void fetch(std::uint64_t number, SnapshotOrder order) override;
  void stop_fetch(std::uint64_t number) override;
  void build(const DeployTask& deploy) override;
  void open(const AttemptKey& key, const Deployment& deployment, const JobName& job) override;
  void run(const AttemptKey& key) override;
  void stop(const AttemptKey& key) override;
  void over(const AttemptKey& key, const Deployment* deployment, AttemptOutcome outcome) override;
  void moved(const AttemptKey& key, const TaskCounters& so_far) override;
  void errand(const ErrandKey& key, Errand errand) override;
  void drop(const std::string& path) override;
  void forget(RunId run) override;
  void refused(const executor_effect::RefuseCommand& refused) override;
  void expelled(const executor_effect::Expelled& expelled) override;

  void task_down(const AttemptKey& key, const Down& down);
  void fetch_down(std::uint64_t number, const Down& down);
  TaskEnded end_of(const AttemptKey& key, const Down& down);
  MetricCounter& refusals(CommandRefusal refusal);

  const NodeId self_;
  const ExecutorServices services_;
  CoordinatorPort coordinator_;  ///< ended, or none, while there is no conversation
  TaskMetrics task_metrics_;
  /// Used by work on the I/O pool, which may end after the actor.
  const std::shared_ptr<Deployer> deployer_;
  ExecutorDriver driver_;
  std::map<AttemptKey, Shell> shells_;
  std::map<std::uint64_t, Fetching> fetching_;
  std::map<AttemptKey, TaskEnded> ended_;  ///< told, and its actor not yet down
};

/// Progress of running tasks, for people.
inline constexpr Duration progress_interval = 1s;

/// `NODE/executor`: see ExecutorActor.
using ExecutorRef = Ref<Command, CoordinatorFound>;
ExecutorRef spawn_executor(ActorSystem& system, ExecutorConfig config, ExecutorServices services);

}  // namespace troupe
