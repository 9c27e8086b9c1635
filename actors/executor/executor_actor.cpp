#include "actors/executor/executor_actor.hpp"

#include "runtime/base/log.hpp"
#include "runtime/os/own_files.hpp"

#include <mutex>
#include <utility>

namespace troupe {

/// The I/O pool has built a task, or could not.
struct TaskBuilt {
  AttemptKey key;
  std::shared_ptr<Deployment> deployment;
  std::optional<Error> error;
};

/// What deployments of this node share, and how they are made off the actor.
struct ExecutorActor::Shared {
  Shared(const NodeId& self, const ExecutorServices& services, const Clock& clock)
      : registry(services.registry),
        own(services.files),
        kept(own, services.directory),
        site{self, kept, exchange, services.remote, clock} {}

  /// Blocks for some milliseconds at the first task of a run.
  Result<Deployment> build(const DeployTask& deploy, const std::shared_ptr<TaskHost>& host) {
    return Deployment::make(deploy, TRY(run_of(deploy)), host, site);
  }

  Result<std::shared_ptr<DeployedRun>> run_of(const DeployTask& deploy) {
    std::lock_guard lock(mutex);
    auto& run = runs[deploy.token.run];
    if (!run) run = TRY(DeployedRun::make(deploy, registry));
    return run;
  }

  void forget(RunId run) {
    std::lock_guard lock(mutex);
    runs.erase(run);
    exchange.drop(run);
  }

  const OperatorRegistry& registry;
  OwnFiles own;
  KeptFiles kept;
  LocalExchange exchange;
  const DeploymentSite site;
  std::mutex mutex;
  std::map<RunId, std::shared_ptr<DeployedRun>> runs;
};

ExecutorActor::ExecutorActor(ExecutorConfig config, ExecutorServices services)
    : self_(config.self),
      services_(std::move(services)),
      machine_(config),
      task_metrics_(services_.metrics, config.slots),
      shared_(std::make_shared<Shared>(config.self, services_, system_clock())) {
  // There from the start, as 0: an alarm on what has never happened needs something to look at.
  for (int kind = 0; kind <= static_cast<int>(CommandRefusal::not_joined); ++kind) {
    refused(static_cast<CommandRefusal>(kind));
  }
}

void ExecutorActor::start() {
  system().io().call([shared = shared_] { return shared->kept.drop_all(); },
                     [me = self()](const Result<>& done) {
                       if (!done) {
                         log::warn("old files of this executor stay: {}", done.error().to_string());
                       }
                       me.send(Message::of(DirectoryEmptied{}));
                     });
  every(progress_interval, [this] { report_progress(); });
}

/// Nothing is joined before, so little can be told meanwhile.
void ExecutorActor::on(const DirectoryEmptied&) {
  begun_ = true;
  for (auto& event : std::exchange(early_, {})) tell(std::move(event));
}

void ExecutorActor::on(const CoordinatorFound& found) {
  coordinator_ = found.coordinator;
  watch(coordinator_.handle(), [this](const Down& down) {
    log::info("the coordinator is away: {}", down.error ? down.error->message : "it has ended");
    tell(executor_event::SessionDown{});
  });
  tell(executor_event::SessionUp{});
}

void ExecutorActor::on(const Command& command) { tell(executor_event::Received{command}); }

void ExecutorActor::tell(ExecutorEvent event) {
  if (!begun_) return early_.push_back(std::move(event));
  decide(event);
  if (const auto* received = std::get_if<executor_event::Received>(&event)) {
    note_release(received->command);
  }
}

void ExecutorActor::note_release(const Command& command) {
  const auto* release = std::get_if<ReleaseRun>(&command);
  if (release == nullptr) return;
  const Token& token = release->token;
  const bool obeyed = machine_.joined() && token.cluster == machine_.cluster() &&
                      token.incarnation == machine_.incarnation() &&
                      token.term == machine_.term_seen();
  if (!obeyed) return;
  released_.insert(token.run);
  forget_if_released(token.run);
}

void ExecutorActor::decide(const ExecutorEvent& event) {
  for (const auto& effect : machine_.on(event, clock().now())) {
    std::visit([this](const auto& e) { carry_out(e); }, effect);
  }
}

void ExecutorActor::carry_out(const executor_effect::Send& effect) {
  coordinator_.tell(Reported{self_, effect.report});
}

void ExecutorActor::carry_out(const executor_effect::OpenTask& effect) {
  const AttemptKey key = key_of(effect.deploy.token);
  auto host = std::make_shared<ActorTaskHost>(system().io());
  attempts_[key] = {host, nullptr, {}, false, effect.deploy.job};
  system().io().call(
      [shared = shared_, deploy = effect.deploy, host] { return shared->build(deploy, host); },
      [key, me = self()](Result<Deployment> built) {
        me.send(
            Message::of(built ? TaskBuilt{key, std::make_shared<Deployment>(*std::move(built)), {}}
                              : TaskBuilt{key, nullptr, built.error()}));
      });
}

void ExecutorActor::on(const TaskBuilt& built) {
  auto found = attempts_.find(built.key);
  if (found == attempts_.end()) return;
  Attempted& attempt = found->second;
  if (attempt.stopping) return gone(built.key);
  if (built.error) {
    attempts_.erase(found);
    return broke(built.key, *built.error, nullptr);
  }
  attempt.deployment = built.deployment;
  attempt.actor = system().spawn<TaskActor>(attempt_tag(built.key), built.key,
                                            built.deployment->task, attempt.host, self());
  attempt.host->attach(attempt.actor.handle());
  task_metrics_.began(built.key, attempt.job);
  watch(attempt.actor.handle(),
        [this, key = built.key](const Down& down) { task_down(key, down); });
  decide(executor_event::TaskOpened{built.key});
}

void ExecutorActor::carry_out(const executor_effect::RunTask& effect) {
  auto found = attempts_.find(effect.key);
  if (found != attempts_.end()) found->second.host->begin();
}

void ExecutorActor::carry_out(const executor_effect::StopTask& effect) {
  auto found = attempts_.find(effect.key);
  if (found == attempts_.end()) return gone(effect.key);
  found->second.stopping = true;
  // One that is still being built is gone as soon as it is.
  if (found->second.actor) found->second.actor.tell(StopTask{}, Priority::high);
}

void ExecutorActor::on(const TaskEnded& ended) { ended_[ended.key] = ended; }

/// Every end of a task comes here, also one that could not report.
void ExecutorActor::task_down(const AttemptKey& key, const Down& down) {
  auto ended = ended_.extract(key);
  auto attempt = attempts_.find(key);
  if (attempt == attempts_.end()) return;
  task_metrics_.ended(key, attempt->second.deployment->task->counters(),
                      attempt->second.stopping ? "stopped"
                      : down.error             ? "failed"
                                               : "finished");
  if (attempt->second.stopping) return gone(key);
  const auto deployment = std::move(attempt->second.deployment);
  attempts_.erase(attempt);
  if (down.error) return broke(key, *down.error, deployment.get());
  ENSURE(!ended.empty(), "{} ended without a word", attempt_tag(key));
  TaskFinished finished;
  finished.outputs = deployment->summaries();
  finished.sink = deployment->sink;
  finished.committables = ended.mapped().staged;
  finished.counters = std::move(ended.mapped().counters);
  decide(executor_event::TaskDone{key, std::move(finished)});
}

void ExecutorActor::broke(const AttemptKey& key, Error error, const Deployment* deployment) {
  TaskFailed failed;
  failed.failure = classify(error);
  failed.error = std::move(error);
  if (deployment != nullptr) {
    std::lock_guard lock(deployment->failures->mutex);
    failed.lost_inputs = deployment->failures->lost_inputs;
    if (deployment->failures->peer_lost) failed.failure = FailureClass::node_lost;
  }
  decide(executor_event::TaskBroke{key, std::move(failed)});
}

/// Nothing of the attempt runs any more.
void ExecutorActor::gone(const AttemptKey& key) {
  attempts_.erase(key);
  drop(shared_->kept.of_attempt(key));
  decide(executor_event::TaskGone{key});
  forget_if_released(key.run);
}

void ExecutorActor::carry_out(const executor_effect::DropOutputs& effect) {
  drop(shared_->kept.of_attempt(effect.key));
}

void ExecutorActor::drop(const std::string& path) {
  system().io().call([shared = shared_, path] { return shared->kept.drop(path); },
                     [path](const Result<>& done) {
                       if (!done) log::warn("{} stays: {}", path, done.error().to_string());
                     });
}

/// What a run leaves behind goes once it is released and none of its attempts is left. Not before:
/// a run whose tasks have all stopped may be deployed again.
void ExecutorActor::forget_if_released(RunId run) {
  if (!released_.contains(run)) return;
  for (const auto& [key, attempt] : attempts_) {
    if (key.run == run) return;
  }
  released_.erase(run);
  shared_->forget(run);
  drop(shared_->kept.of_run(run));
}

void ExecutorActor::carry_out(const executor_effect::RefuseCommand& effect) {
  refused(effect.refusal).add();
  log::warn("refused as {}: {}", to_string(effect.refusal), effect.what);
}

MetricCounter& ExecutorActor::refused(CommandRefusal refusal) {
  return services_.metrics.counter("troupe_commands_refused_total",
                                   "Commands whose tokens were not current.",
                                   {{"reason", to_string(refusal)}});
}

void ExecutorActor::carry_out(const executor_effect::Expelled& effect) {
  services_.expelled(effect.reason, effect.highest);
}

void ExecutorActor::report_progress() {
  for (const auto& [key, attempt] : attempts_) {
    if (!attempt.actor || attempt.stopping) continue;
    TaskCounters so_far = attempt.deployment->task->counters();
    task_metrics_.moved(key, so_far);
    decide(executor_event::TaskMoved{key, std::move(so_far)});
  }
}

/// When the node ends, so do its tasks, each as soon as nothing of it is left on the I/O pool.
void ExecutorActor::on_stop() {
  for (auto& [key, attempt] : attempts_) {
    if (attempt.actor) attempt.actor.handle().stop();
  }
  end();
}

ExecutorRef spawn_executor(ActorSystem& system, ExecutorConfig config, ExecutorServices services) {
  auto name = fmt::format("{}/executor", config.self);
  auto actor = system.spawn<ExecutorActor>(std::move(name), std::move(config), std::move(services));
  return ExecutorRef(actor.handle());
}

}  // namespace troupe
