#include "actors/coordinator/coordinator_actor.hpp"

#include "actors/coordinator/coordinator_state.hpp"
#include "actors/coordinator/run_work.hpp"
#include "runtime/base/log.hpp"

#include <utility>

namespace troupe {

CoordinatorActor::CoordinatorActor(CoordinatorStart start, CoordinatorServices services)
    : start_(std::move(start)),
      services_(std::move(services)),
      refused_reports_(services_.metrics.counter("troupe_reports_refused_total",
                                                 "Reports whose tokens were stale.")),
      run_metrics_(services_.metrics) {}

void CoordinatorActor::start() {
  writes_ = std::make_shared<SerialQueue>(services_.store_io);
  reads_ = std::make_shared<SerialQueue>(services_.store_io);
  const CoordinatorRef me(self());
  writes_->call(
      [store = services_.store] { return store->begin_term(); },
      [me](Result<ClusterImage> image) {
        me.tell(ImageRead{std::make_shared<const Result<ClusterImage>>(std::move(image))});
      });
}

void CoordinatorActor::on(const ImageRead& read) {
  if (!*read.image) return end(read.image->error().within("reading the metadata"));
  const ClusterImage& image = **read.image;
  log::info("coordinator of cluster {}, term {}, {} runs to go on with", image.cluster, image.term,
            image.runs.size());
  machine_.emplace(start_.config, image, clock().now());
  Effects effects = machine_->start(clock().now());
  note_recoveries();
  carry_out(std::move(effects));
  for (auto& event : std::exchange(early_, {})) tell(std::move(event));
  for (const auto& asked : std::exchange(early_asked_, {})) on(asked);
  set_timer();
}

void CoordinatorActor::on(const CoordinatorTold& told) { tell(told.event); }

void CoordinatorActor::on(const Reported& reported) {
  tell(coordinator_event::Received{reported.node, reported.report});
}

void CoordinatorActor::tell(CoordinatorEvent event) {
  if (!machine_) {
    early_.push_back(std::move(event));
    return;
  }
  if (const auto* received = std::get_if<coordinator_event::Received>(&event)) {
    if (const auto* progress = std::get_if<TaskProgress>(&received->report)) {
      const auto job = machine_->runs().find(progress->token.run);
      if (job != machine_->runs().end()) {
        run_metrics_.progress(job->second->made().job, progress->counters);
      }
    }
  }
  Effects effects = machine_->on(event, clock().now());
  note_recoveries();
  carry_out(std::move(effects));
  set_timer();
}

void CoordinatorActor::carry_out(Effects effects) {
  for (Effect& effect : effects) {
    std::visit([this](auto& one) { carry_out(one); }, effect);
  }
  ask_store();
}

/// The event log is durable; the process's log shows the same lines to whoever watches it. Metrics
/// count what is recorded, so each thing once.
void CoordinatorActor::count(const Record& record) {
  const auto job_of = [this](RunId run) {
    const auto found = notes_.find(run);
    return found == notes_.end() ? JobName() : found->second.job;
  };
  if (const auto* event = std::get_if<EventRecord>(&record)) {
    if (!log::enabled(event->level)) return;
    const std::string about = event->run == RunId(0) ? "" : fmt::format("run {}: ", event->run);
    log::write(event->level, about + event->text);
  } else if (const auto* result = std::get_if<AttemptResultRecord>(&record)) {
    const auto job = machine_->runs().find(result->key.run);
    if (job == machine_->runs().end() || job->second->topology() == nullptr) return;
    run_metrics_.won(
        job->second->made().job,
        outer_counters(job->second->topology()->graph(), result->key.task.stage, result->counters),
        result->counters);
  } else if (const auto* state = std::get_if<RunStateRecord>(&record)) {
    if (ended(state->to)) run_metrics_.ended(job_of(state->run), state->to);
  }
}

void CoordinatorActor::carry_out(effect::Persist& effect) {
  for (const Record& record : effect.records) count(record);
  last_ticket_ = effect.ticket;
  for_store_.emplace_back(std::move(effect));
}

void CoordinatorActor::carry_out(effect::Look& effect) {
  for_store_.emplace_back(std::move(effect));
}

/// Group commit: whatever was decided while the last transaction was on its way is the next one.
void CoordinatorActor::ask_store() {
  if (store_busy_ || for_store_.empty()) return;
  store_busy_ = true;
  auto steps = std::make_shared<const StoreSteps>(std::exchange(for_store_, {}));
  const CoordinatorRef me(self());
  writes_->call([store = services_.store, steps] { return store->carry_out(*steps); },
                [ticket = last_ticket_, me](Result<std::vector<Looked>> outcome) {
                  me.tell(Written{ticket, std::move(outcome)}, Priority::high);
                });
}

void CoordinatorActor::on(const Written& written) {
  ++writes_done_;
  if (!written.outcome) {
    return give_up(written.outcome.error().within("the coordinator cannot write its metadata"));
  }
  // What all of these bring about is one more transaction.
  for (const Looked& looked : *written.outcome) tell(looked);
  store_busy_ = false;
  tell(coordinator_event::Persisted{written.ticket});
}

/// Whoever waits is told why there will be no answer.
void CoordinatorActor::give_up(Error reason) {
  log::error("{}", reason.to_string());
  for (const auto& [request, answer] : std::exchange(requests_, {})) answer(reason);
  for (const auto& [run, answers] : std::exchange(waiting_for_end_, {})) {
    for (const auto& [number, answer] : answers) answer(reason);
  }
  end(std::move(reason));
}

void CoordinatorActor::carry_out(effect::Send& effect) {
  executor(effect.node, effect.incarnation).tell(std::move(effect.command));
}

/// From the first word to an executor on, its end is news, wherever it runs.
const ExecutorPort& CoordinatorActor::executor(const NodeId& node, Incarnation incarnation) {
  KnownExecutor& known = executors_[node];
  if (!known.port || known.incarnation != incarnation) {
    known = {incarnation, services_.executor(node, incarnation)};
    if (!known.port) return known.port;
    watch(known.port.handle(),
          [this, node, incarnation](const Down& down) { executor_down(node, incarnation, down); });
  }
  return known.port;
}

void CoordinatorActor::executor_down(const NodeId& node, Incarnation incarnation,
                                     const Down& down) {
  const auto known = executors_.find(node);
  if (known != executors_.end() && known->second.incarnation == incarnation) {
    executors_.erase(known);
  }
  // One that ends as intended ends with its node, and so does this coordinator.
  if (!down.error) return;
  tell(ClusterEvent(cluster_event::Down{node, incarnation, down.error->message}));
}

template <class Work, class EventOf>
void CoordinatorActor::off_thread(Work work, EventOf event_of) {
  const CoordinatorRef me(self());
  system().io().call(std::move(work), [event_of = std::move(event_of), me](auto result) {
    me.tell(CoordinatorTold{event_of(std::move(result))});
  });
}

void CoordinatorActor::carry_out(effect::PlanTasks& effect) {
  const RunId run = effect.run;
  off_thread(
      [effect = std::move(effect), &registry = services_.registry] {
        return plan_run(*effect.plan, registry, effect.target, effect.splits);
      },
      [run](Result<TaskGraph> graph) -> CoordinatorEvent {
        if (!graph) return coordinator_event::PlanFailed{run, graph.error()};
        return coordinator_event::Planned{run, std::move(*graph)};
      });
}

void CoordinatorActor::carry_out(effect::CommitSink& effect) {
  const RunId run = effect.run;
  const std::string vertex = effect.vertex;
  off_thread(
      [effect = std::move(effect), &registry = services_.registry] {
        return commit_sink(*effect.plan, registry, effect.vertex, effect.marker,
                           effect.committables);
      },
      [run, vertex](const Result<>& committed) -> CoordinatorEvent {
        if (!committed) return coordinator_event::SinkCommitFailed{run, vertex, committed.error()};
        return coordinator_event::SinkCommitted{run, vertex};
      });
}

void CoordinatorActor::carry_out(effect::CleanUpSinks& effect) {
  const RunId run = effect.run;
  off_thread(
      [effect = std::move(effect), &registry = services_.registry] {
        return clean_up_sinks(*effect.plan, registry, effect.uid);
      },
      [run](const Result<>& done) -> CoordinatorEvent {
        if (!done) return coordinator_event::CleanUpFailed{run, done.error()};
        return coordinator_event::CleanedUp{run};
      });
}

void CoordinatorActor::carry_out(effect::Reply& effect) {
  const auto found = requests_.find(effect.request);
  if (found == requests_.end()) return;
  const auto answer = std::move(found->second);
  requests_.erase(found);
  answer(std::move(effect.answer));
}

void CoordinatorActor::carry_out(effect::RunEnded& effect) {
  graphs_.erase(effect.run);
  const auto waiting = waiting_for_end_.extract(effect.run);
  if (!waiting) return;
  for (const auto& [number, answer] : waiting.mapped()) handle(ShowRun{effect.run}, answer);
}

void CoordinatorActor::carry_out(effect::Halt& effect) {
  log::error("the coordinator halts: {}", effect.reason.to_string());
  end(effect.reason);
}

void CoordinatorActor::carry_out(effect::RefuseReport& effect) {
  refused_reports_.add();
  log::info("refused from {}: {}", effect.node, effect.what);
}

void CoordinatorActor::set_timer() {
  if (timer_) cancel(*timer_);
  timer_.reset();
  const auto due = machine_->next_deadline();
  if (!due) return;
  const Duration delay = std::max(*due - clock().now(), Duration::zero());
  timer_ = after(delay, [this] {
    timer_.reset();
    tell(coordinator_event::Tick{});
  });
}

/// What a run's machine knows and no row says is noted after each step: a later one drops it.
void CoordinatorActor::note_recoveries() {
  for (const RunId run : machine_->touched()) {
    const RunMachine& machine = *machine_->runs().at(run);
    RunNote& note = notes_[run];
    run_metrics_.restarted(machine.made().job, machine.restarts() - note.restarts);
    note = {machine.made().job, machine.restarts(), machine.longest_recovery()};
  }
  while (notes_.size() > run_notes_max) notes_.erase(notes_.begin());
}

CoordinatorRef spawn_coordinator(ActorSystem& system, CoordinatorStart start,
                                 CoordinatorServices services) {
  return system.spawn<CoordinatorActor>("coordinator", std::move(start), std::move(services));
}

}  // namespace troupe
