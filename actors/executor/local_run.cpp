#include "actors/executor/local_run.hpp"

#include "actors/executor/task_actor.hpp"
#include "runtime/host/local_plan.hpp"

#include <condition_variable>
#include <mutex>
#include <utility>

namespace troupe {
namespace {

/// How often a run that is waited for looks whether it shall stop.
constexpr auto stop_poll = std::chrono::milliseconds(50);

/// Where the waiting thread gets its result.
class Outcome {
 public:
  void set(LocalRunResult result) {
    std::lock_guard lock(mutex_);
    result_ = std::move(result);
    ready_.notify_all();
  }
  bool wait() {
    std::unique_lock lock(mutex_);
    return ready_.wait_for(lock, stop_poll, [this] { return result_.has_value(); });
  }
  LocalRunResult take() { return *std::move(result_); }

 private:
  std::mutex mutex_;
  std::condition_variable ready_;
  std::optional<LocalRunResult> result_;
};

/// Rows of tapped vertices; several tasks add to one.
class Collector : public std::enable_shared_from_this<Collector> {
 public:
  Tap tap(const std::string& vertex) {
    return [self = shared_from_this(), vertex](const Batch& batch) {
      std::lock_guard lock(self->mutex_);
      self->rows_[vertex].push_back(batch);
    };
  }
  std::map<std::string, std::vector<Batch>> take() {
    std::lock_guard lock(mutex_);
    return std::move(rows_);
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::vector<Batch>> rows_;
};

struct CancelRun {};
struct SinksDone {
  std::optional<Error> error;
};

using StagedRows = std::map<StageId, std::vector<Committable>>;

/// Makes all that was staged visible, or removes it; and the tasks' own files. Blocks.
Result<> settle_sinks(const LocalPlan& plan, const StagedRows& staged, bool commit) {
  Result<> outcome;
  for (const auto& [stage, objects] : plan.objects) {
    if (!objects.sink) continue;
    auto mine = staged.find(stage);
    auto settled = commit ? objects.sink->commit(
                                plan.marker(stage),
                                mine == staged.end() ? std::vector<Committable>() : mine->second)
                          : objects.sink->clean_up(plan.marker(stage));
    if (!settled && commit && outcome) outcome = settled.error();
  }
  if (plan.files->exists(plan.scratch_directory)) {
    static_cast<void>(plan.files->remove_all(plan.scratch_directory));
  }
  return outcome;
}

/// Supervises the tasks of one run: the first failure cancels the others; when all have ended, the
/// sinks commit, or clean up.
class LocalRunActor : public ActorOf<LocalRunActor, TaskEnded, CancelRun, SinksDone> {
 public:
  using Hosts = std::map<TaskId, std::shared_ptr<ActorTaskHost>>;

  LocalRunActor(std::shared_ptr<LocalPlan> plan, Hosts hosts, bool commit,
                std::shared_ptr<Collector> collector, std::shared_ptr<Outcome> outcome)
      : plan_(std::move(plan)),
        hosts_(std::move(hosts)),
        commit_(commit),
        collector_(std::move(collector)),
        outcome_(std::move(outcome)) {}

  void start() override {
    begin_ = clock().now();
    for (auto& [id, task] : plan_->tasks) {
      auto host = hosts_.at(id);
      const AttemptKey key{plan_->run, id, Attempt(1)};
      auto ref = system().spawn<TaskActor>(attempt_tag(key), key, std::move(task), host, self());
      host->attach(ref.handle());
      watch(ref.handle(), [this, id = id](const Down& down) { task_down(id, down); });
      running_[id] = ref;
    }
    for (auto& [id, host] : hosts_) host->begin();
    if (running_.empty()) finish_sinks();
  }

  void on(const TaskEnded& ended) {
    result_.tasks[ended.key.task] = ended.counters;
    for (const auto& staged : ended.staged) staged_[ended.key.task.stage].push_back(staged);
    if (ended.error) failed(*ended.error);
  }

  void on(const CancelRun&) { failed(fail(ErrorCode::cancelled, "the run was cancelled")); }

  void on(const SinksDone& done) {
    if (done.error && !result_.error) result_.error = done.error;
    result_.collected = collector_->take();
    for (const auto& [id, task] : result_.tasks) {
      for (const auto& vertex : task.vertices) add(vertex);
    }
    result_.elapsed = clock().now() - begin_;
    outcome_->set(std::move(result_));
    end();
  }

 private:
  /// Every end of a task comes here, also one that could not report.
  void task_down(TaskId id, const Down& down) {
    running_.erase(id);
    if (down.error && !result_.error) failed(*down.error);
    if (running_.empty()) finish_sinks();
  }

  void failed(Error error) {
    if (result_.error) return;
    result_.error = std::move(error);
    for (const auto& [id, task] : running_) task.tell(StopTask{}, Priority::high);
  }

  void finish_sinks() {
    system().io().call(
        [plan = plan_, staged = staged_, commit = commit_ && !result_.error] {
          return settle_sinks(*plan, staged, commit);
        },
        [me = self()](const Result<>& done) {
          me.send(Message::of(SinksDone{done ? std::nullopt : std::optional(done.error())}));
        });
  }

  void add(const VertexCounters& one) {
    auto& sum = result_.vertices[one.vertex];
    sum.vertex = one.vertex;
    sum.rows_in += one.rows_in;
    sum.rows_out += one.rows_out;
    sum.busy += one.busy;
    sum.bytes_in += one.bytes_in;
    sum.bytes_out += one.bytes_out;
  }

  const std::shared_ptr<LocalPlan> plan_;
  const Hosts hosts_;
  const bool commit_;
  const std::shared_ptr<Collector> collector_;
  const std::shared_ptr<Outcome> outcome_;
  Instant begin_;
  std::map<TaskId, TaskActor::Ref> running_;
  StagedRows staged_;
  LocalRunResult result_;
};

}  // namespace

LocalRunResult run_local(ActorSystem& system, std::shared_ptr<const TaskGraph> graph,
                         const LocalRunOptions& options, const std::atomic<bool>* stop) {
  auto collector = std::make_shared<Collector>();
  LocalPlanOptions plan_options;
  plan_options.run = options.run;
  plan_options.memory_bytes = options.memory_bytes;
  plan_options.scratch_directory = options.scratch_directory;
  plan_options.files = options.files;
  for (const auto& vertex : options.collect) plan_options.taps[vertex] = collector->tap(vertex);

  LocalRunActor::Hosts hosts;
  auto plan = LocalPlan::make(
      *graph, [&](TaskId id) { return hosts[id] = std::make_shared<ActorTaskHost>(system.io()); },
      plan_options, system.clock());
  if (!plan) return {.error = plan.error()};

  auto outcome = std::make_shared<Outcome>();
  auto run = system.spawn<LocalRunActor>("local run", std::make_shared<LocalPlan>(*std::move(plan)),
                                         hosts, options.commit, collector, outcome);
  bool cancelled = false;
  while (!outcome->wait()) {
    if (cancelled || stop == nullptr || !stop->load()) continue;
    cancelled = true;
    run.tell(CancelRun{}, Priority::high);
  }
  return outcome->take();
}

}  // namespace troupe
