#include "actors/executor/executor_actor.hpp"

#include "runtime/base/log.hpp"
#include "runtime/host/deployer.hpp"
#include "runtime/host/errand_work.hpp"

#include <utility>

namespace troupe {

/// The I/O pool has built a task, or could not.
struct TaskBuilt {
  AttemptKey key;
  std::shared_ptr<Deployment> deployment;
  std::optional<Error> error;
};

/// The I/O pool has done an errand, or could not.
struct ErrandCarriedOut {
  ErrandKey key;
  Result<> outcome;
};

namespace {

/// The key of a task that belongs to no run: it fetches state files.
AttemptKey key_of_fetch(std::uint64_t number) { return {RunId(), {}, Attempt(number)}; }

}  // namespace

ExecutorActor::ExecutorActor(ExecutorConfig config, ExecutorServices services)
    : self_(config.self),
      services_(std::move(services)),
      task_metrics_(services_.metrics, config.slots),
      deployer_(std::make_shared<Deployer>(config.self, services_.planner, services_.files,
                                           services_.directory, services_.snapshots,
                                           services_.remote, system_clock())),
      driver_(std::move(config), deployer_->kept(), deployer_->snapshots(), *this, system_clock()) {
  // There from the start, as 0: an alarm on what has never happened needs something to look at.
  each_enumerator<CommandRefusal>([this](CommandRefusal kind) { refusals(kind); });
}

void ExecutorActor::start() {
  system().io().call(
      [deployer = deployer_] { return Result<Recovered>(deployer->recover()); },
      [me = self()](const Result<Recovered>& left) {
        const Error* stays = !left ? &left.error() : left->stays ? &*left->stays : nullptr;
        if (stays != nullptr) log::warn("old files of this executor stay: {}", stays->to_string());
        me.send(Message::of(DirectoryEmptied{left ? left->with_snapshots : std::vector<RunUid>()}));
      });
  every(progress_interval, [this] { driver_.report_progress(); });
}

void ExecutorActor::on(const CoordinatorFound& found) {
  coordinator_ = found.coordinator;
  watch(coordinator_.handle(), [this](const Down& down) {
    log::info("the coordinator is away: {}", down.error ? down.error->message : "it has ended");
    driver_.session_down();
  });
  driver_.session_up();
}

void ExecutorActor::send(Report report) { coordinator_.tell(Reported{self_, std::move(report)}); }

// ---- state files

void ExecutorActor::fetch(std::uint64_t number, SnapshotOrder order) {
  auto host = std::make_shared<ActorTaskHost>(system().io());
  const std::string name = fmt::format("fetch {} of {}", number, order.run);
  FetchingTask fetching = deployer_->fetching(std::move(order), host);
  auto actor =
      system().spawn<TaskActor>(name, key_of_fetch(number), std::move(fetching.task), host, self());
  host->attach(actor.handle());
  watch(actor.handle(), [this, number](const Down& down) { fetch_down(number, down); });
  fetching_.emplace(number, Fetching{std::move(actor), std::move(fetching.here)});
  host->begin();
}

void ExecutorActor::stop_fetch(std::uint64_t number) {
  const auto found = fetching_.find(number);
  if (found != fetching_.end()) found->second.actor.tell(StopTask{}, Priority::high);
}

void ExecutorActor::fetch_down(std::uint64_t number, const Down& down) {
  const TaskEnded end = end_of(key_of_fetch(number), down);
  const auto fetching = fetching_.extract(number);
  if (end.error) return driver_.fetched(number, *end.error);
  driver_.fetched(number, *fetching.mapped().here);
}

// ---- attempts

void ExecutorActor::build(const DeployTask& deploy) {
  const AttemptKey key = key_of(deploy.token);
  auto host = std::make_shared<ActorTaskHost>(system().io());
  shells_[key] = {host, {}};
  system().io().call(
      [deployer = deployer_, deploy, host] { return deployer->build(deploy, host); },
      [key, me = self()](Result<Deployment> built) {
        me.send(
            Message::of(built ? TaskBuilt{key, std::make_shared<Deployment>(*std::move(built)), {}}
                              : TaskBuilt{key, nullptr, built.error()}));
      });
}

void ExecutorActor::on(const TaskBuilt& built) {
  if (built.error) return driver_.not_built(built.key, *built.error);
  driver_.built(built.key, std::move(*built.deployment));
}

void ExecutorActor::open(const AttemptKey& key, const Deployment& deployment, const JobName& job) {
  Shell& shell = shells_.at(key);
  shell.actor =
      system().spawn<TaskActor>(attempt_tag(key), key, deployment.task, shell.host, self());
  shell.host->attach(shell.actor.handle());
  task_metrics_.began(key, job);
  watch(shell.actor.handle(), [this, key](const Down& down) { task_down(key, down); });
}

void ExecutorActor::run(const AttemptKey& key) { shells_.at(key).host->begin(); }

void ExecutorActor::stop(const AttemptKey& key) {
  shells_.at(key).actor.tell(StopTask{}, Priority::high);
}

void ExecutorActor::on(const TaskEnded& ended) { ended_[ended.key] = ended; }

/// Also of one that could not tell.
TaskEnded ExecutorActor::end_of(const AttemptKey& key, const Down& down) {
  auto told = ended_.extract(key);
  ENSURE(!told.empty() || down.error, "{} ended without a word", attempt_tag(key));
  TaskEnded end = told.empty() ? TaskEnded{key} : std::move(told.mapped());
  if (down.error) end.error = down.error;
  return end;
}

/// Every end of a task comes here.
void ExecutorActor::task_down(const AttemptKey& key, const Down& down) {
  driver_.ended(end_of(key, down));
}

void ExecutorActor::over(const AttemptKey& key, const Deployment* deployment,
                         AttemptOutcome outcome) {
  shells_.erase(key);
  if (deployment == nullptr) return;
  task_metrics_.ended(key, deployment->task->counters(), to_string(outcome));
}

void ExecutorActor::moved(const AttemptKey& key, const TaskCounters& so_far) {
  task_metrics_.moved(key, so_far);
}

// ---- errands

/// The planner outlives the pool's threads; this actor need not.
void ExecutorActor::errand(const ErrandKey& key, Errand errand) {
  system().io().call([errand = std::move(errand),
                      &planner = services_.planner] { return carry_out(errand, planner); },
                     [key, me = self()](Result<> done) {
                       me.send(Message::of(ErrandCarriedOut{key, std::move(done)}));
                     });
}

void ExecutorActor::on(const ErrandCarriedOut& over) {
  driver_.errand_over(over.key, over.outcome);
}

// ---- files and runs

void ExecutorActor::drop(const std::string& path) {
  system().io().call([deployer = deployer_, path] { return deployer->kept().drop(path); },
                     [path](const Result<>& done) {
                       if (!done) log::warn("{} stays: {}", path, done.error().to_string());
                     });
}

void ExecutorActor::forget(RunId run) { deployer_->forget(run); }

// ---- what is refused

void ExecutorActor::refused(const executor_effect::RefuseCommand& refused) {
  refusals(refused.refusal).add();
  log::warn("refused as {}: {}", to_string(refused.refusal), refused.what);
}

MetricCounter& ExecutorActor::refusals(CommandRefusal refusal) {
  return services_.metrics.counter("troupe_commands_refused_total",
                                   "Commands whose tokens were not current.",
                                   {{"reason", to_string(refusal)}});
}

void ExecutorActor::expelled(const executor_effect::Expelled& expelled) {
  services_.expelled(expelled.reason, expelled.highest);
}

/// When the node ends, so do its tasks, each as soon as nothing of it is left on the I/O pool.
void ExecutorActor::on_stop() {
  for (auto& [key, shell] : shells_) {
    if (shell.actor) shell.actor.handle().stop();
  }
  for (auto& [number, fetching] : fetching_) fetching.actor.handle().stop();
  end();
}

ExecutorRef spawn_executor(ActorSystem& system, ExecutorConfig config, ExecutorServices services) {
  auto name = fmt::format("{}/executor", config.self);
  auto actor = system.spawn<ExecutorActor>(std::move(name), std::move(config), std::move(services));
  return ExecutorRef(actor.handle());
}

}  // namespace troupe
