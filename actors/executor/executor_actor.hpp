#pragma once

#include "actors/executor/ports.hpp"
#include "actors/executor/task_actor.hpp"
#include "actors/executor/task_metrics.hpp"
#include "actors/system/actor_system.hpp"
#include "runtime/base/metrics.hpp"
#include "runtime/host/deployment.hpp"
#include "runtime/host/executor_machine.hpp"

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace troupe {

/// What an executor needs of its node; everything outlives the actor.
struct ExecutorServices {
  const OperatorRegistry& registry;
  Metrics& metrics;
  FileSystem& files;
  /// Kept partitions and scratch files; emptied when the executor starts.
  std::string directory;
  RemoteChannels* remote = nullptr;  ///< null: a node that has no others
  /// The node cannot be a member as it is; where `highest` is set, a higher incarnation could.
  std::function<void(std::string reason, Incarnation highest)> expelled;
};

/// NODE -> EXECUTOR: a conversation with the coordinator begins. It is over when this one ends.
struct CoordinatorFound {
  CoordinatorPort coordinator;
};
struct TaskBuilt;
/// What an earlier process kept is gone; the executor may begin.
struct DirectoryEmptied {};

/// The shell of `ExecutorMachine`: builds tasks on the I/O pool, runs each in a TASK actor, and
/// carries reports.
///
/// Supervised by the NODE, supervises the TASKs. If it dies, so do its tasks, and the node must
/// join again as a new incarnation: what was held is forgotten.
class ExecutorActor : public ActorOf<ExecutorActor, Command, CoordinatorFound, DirectoryEmptied,
                                     TaskBuilt, TaskEnded> {
 public:
  ExecutorActor(ExecutorConfig config, ExecutorServices services);

  void start() override;
  void on(const Command& command);
  void on(const CoordinatorFound& found);
  void on(const DirectoryEmptied&);
  void on(const TaskBuilt& built);
  void on(const TaskEnded& ended);

 protected:
  void on_stop() override;

 private:
  /// One attempt that was opened and is not gone.
  struct Attempted {
    std::shared_ptr<ActorTaskHost> host;
    std::shared_ptr<Deployment> deployment;  ///< once built
    TaskActor::Ref actor;                    ///< once built
    bool stopping = false;
    JobName job = {};
  };

  /// What came before the directory was empty waits.
  void tell(ExecutorEvent event);
  void note_release(const Command& command);
  void decide(const ExecutorEvent& event);
  void carry_out(const executor_effect::Send& effect);
  void carry_out(const executor_effect::OpenTask& effect);
  void carry_out(const executor_effect::RunTask& effect);
  void carry_out(const executor_effect::StopTask& effect);
  void carry_out(const executor_effect::DropOutputs& effect);
  void carry_out(const executor_effect::RefuseCommand& effect);
  void carry_out(const executor_effect::Expelled& effect);

  void task_down(const AttemptKey& key, const Down& down);
  void gone(const AttemptKey& key);
  void report_progress();
  MetricCounter& refused(CommandRefusal refusal);
  void broke(const AttemptKey& key, Error error, const Deployment* deployment);
  void drop(const std::string& path);
  void forget_if_released(RunId run);

  struct Shared;

  const NodeId self_;
  const ExecutorServices services_;
  ExecutorMachine machine_;
  CoordinatorPort coordinator_;  ///< ended, or none, while there is no conversation
  TaskMetrics task_metrics_;
  /// Used by work on the I/O pool, which may end after the actor.
  std::shared_ptr<Shared> shared_;
  std::map<AttemptKey, Attempted> attempts_;
  std::map<AttemptKey, TaskEnded> ended_;  ///< reported, not yet down
  bool begun_ = false;
  std::vector<ExecutorEvent> early_;
  std::set<RunId> released_;  ///< whose last attempts are still ending
};

/// Progress of running tasks, for people.
inline constexpr Duration progress_interval = 1s;

/// `NODE/executor`: see ExecutorActor.
using ExecutorRef = Ref<Command, CoordinatorFound>;
ExecutorRef spawn_executor(ActorSystem& system, ExecutorConfig config, ExecutorServices services);

}  // namespace troupe
