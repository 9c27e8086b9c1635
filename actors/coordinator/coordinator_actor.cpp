#include "actors/coordinator/coordinator_actor.hpp"

#include "actors/coordinator/coordinator_state.hpp"
#include "runtime/base/log.hpp"

#include <utility>

namespace troupe {

CoordinatorActor::CoordinatorActor(CoordinatorStart start, CoordinatorServices services)
    : start_(std::move(start)),
      services_(std::move(services)),
      refused_reports_(services_.metrics.counter("troupe_reports_refused_total",
                                                 "Reports whose tokens were stale.")),
      run_metrics_(services_.metrics),
      driver_(start_.config, *this) {}

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

// ---- what happens

void CoordinatorActor::on(const ImageRead& read) {
  if (const auto& image = *read.image) {
    log::info("coordinator of cluster {}, term {}, {} runs to go on with", image->cluster,
              image->term, image->runs.size());
  }
  driver_.begin(*read.image, clock().now());
  for (const auto& [request, answer] : std::exchange(early_asked_, {})) on({request, answer});
}

void CoordinatorActor::on(const CoordinatorTold& told) { driver_.tell(told.event, clock().now()); }

void CoordinatorActor::on(const Reported& reported) {
  if (const auto* progress = std::get_if<TaskProgress>(&reported.report)) count(*progress);
  driver_.tell(coordinator_event::Received{reported.node, reported.report}, clock().now());
}

void CoordinatorActor::on(const Written& written) {
  driver_.written(written.outcome, clock().now());
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
  driver_.tell(ClusterEvent(cluster_event::Down{node, incarnation, down.error->message}),
               clock().now());
}

// ---- what the driver does with its hands

void CoordinatorActor::write(StoreSteps steps) {
  const CoordinatorRef me(self());
  writes_->call(
      [store = services_.store, steps = std::make_shared<const StoreSteps>(std::move(steps))] {
        return store->carry_out(*steps);
      },
      [me](Result<std::vector<Looked>> outcome) {
        me.tell(Written{std::move(outcome)}, Priority::high);
      });
}

void CoordinatorActor::send(effect::Send sent) {
  executor(sent.node, sent.incarnation).tell(std::move(sent.command));
}

void CoordinatorActor::plan(effect::PlanTasks work) {
  const CoordinatorRef me(self());
  system().io().call(
      [work, &planner = services_.planner] { return carry_out(work, planner); },
      [work, me](Result<CoordinatorEvent> told) {
        me.tell(CoordinatorTold{told ? *std::move(told) : failed(work, told.error())});
      });
}

void CoordinatorActor::refused(const effect::RefuseReport& report) {
  refused_reports_.add();
  log::info("refused from {}: {}", report.node, report.what);
}

void CoordinatorActor::run_ended(const effect::RunEnded& run) {
  graphs_.erase(run.run);
  positions_told_.erase(run.run);
}

void CoordinatorActor::wake_at(std::optional<Instant> at) {
  if (timer_) cancel(*timer_);
  timer_.reset();
  if (!at) return;
  timer_ = after(std::max(*at - clock().now(), Duration::zero()), [this] {
    timer_.reset();
    driver_.tick(clock().now());
  });
}

void CoordinatorActor::over(const Error& reason) {
  log::error("the coordinator ends: {}", reason.to_string());
  end(reason);
}

// ---- what is counted

/// What a run's machine knows and no row says is noted after each step: a later one drops it.
void CoordinatorActor::decided(const Effects& effects) {
  for (const RunId run : machine().touched()) {
    const RunMachine& now = *machine().runs().at(run);
    RunNote& note = notes_[run];
    run_metrics_.restarted(now.made().job, now.restarts() - note.restarts);
    note = {now.made().job, now.restarts(), now.longest_recovery()};
  }
  while (notes_.size() > run_notes_max) notes_.erase(notes_.begin());
  for (const Effect& effect : effects) {
    const auto* persist = std::get_if<effect::Persist>(&effect);
    if (persist == nullptr) continue;
    for (const Record& record : persist->records) count(record);
  }
}

/// The event log is durable; the process's log shows the same lines to whoever watches it. Metrics
/// count what is recorded, so each thing once.
void CoordinatorActor::count(const Record& record) {
  if (const auto* event = std::get_if<EventRecord>(&record)) {
    if (!log::enabled(event->level)) return;
    const std::string about = event->run == RunId(0) ? "" : fmt::format("run {}: ", event->run);
    log::write(event->level, about + event->text);
  } else if (const auto* result = std::get_if<AttemptResultRecord>(&record)) {
    const auto job = machine().runs().find(result->key.run);
    if (job == machine().runs().end() || job->second->topology() == nullptr) return;
    run_metrics_.won(
        job->second->made().job,
        outer_counters(job->second->topology()->graph(), result->key.task.stage, result->counters),
        result->counters);
  } else if (const auto* epoch = std::get_if<EpochRecord>(&record)) {
    if (streams(epoch->run))
      run_metrics_.epoch(machine().runs().at(epoch->run)->made().job, epoch->to, clock().wall());
  } else if (const auto* manifest = std::get_if<ManifestRecord>(&record)) {
    if (streams(manifest->run))
      run_metrics_.sealed(machine().runs().at(manifest->run)->made().job, *manifest);
  } else if (const auto* state = std::get_if<RunStateRecord>(&record)) {
    if (!ended(state->to)) return;
    const auto noted = notes_.find(state->run);
    run_metrics_.ended(noted == notes_.end() ? JobName() : noted->second.job, state->to);
  }
}

void CoordinatorActor::count(const TaskProgress& progress) {
  if (driver_.machine() == nullptr) return;
  const auto job = machine().runs().find(progress.token.run);
  if (job == machine().runs().end()) return;
  run_metrics_.progress(job->second->made().job, progress.counters);
  if (job->second->made().checkpoint) count_streams(*job->second);
}

bool CoordinatorActor::streams(RunId run) const {
  const auto job = machine().runs().find(run);
  return job != machine().runs().end() && job->second->made().checkpoint.has_value();
}

/// About once a second, however many tasks report.
void CoordinatorActor::count_streams(const RunMachine& job) {
  Instant& told = positions_told_[job.run()];
  if (job.topology() == nullptr || clock().now() < told + 1s) return;
  told = clock().now();
  struct Position {
    std::int64_t watermark = 0, state_bytes = 0;
  };
  std::map<std::string, Position> positions;
  for (const auto& [task, status] : job.tasks()) {
    Position& at = positions[job.topology()->graph().stage(task.stage).chain.front().vertex];
    at.state_bytes += status.counters.state_bytes;
    const std::int64_t time = status.counters.watermark;
    if (time != 0 && (at.watermark == 0 || time < at.watermark)) at.watermark = time;
  }
  for (const auto& [vertex, at] : positions) {
    run_metrics_.position(job.made().job, vertex, at.watermark, at.state_bytes);
  }
}

CoordinatorRef spawn_coordinator(ActorSystem& system, CoordinatorStart start,
                                 CoordinatorServices services) {
  return system.spawn<CoordinatorActor>("coordinator", std::move(start), std::move(services));
}

}  // namespace troupe
