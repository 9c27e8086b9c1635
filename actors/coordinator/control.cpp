#include "actors/coordinator/control.hpp"

#include "actors/coordinator/coordinator_state.hpp"
#include "actors/coordinator/run_work.hpp"
#include "runtime/connectors/printed_rows.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace troupe {
namespace {

/// More subtasks of a stage than this a job must ask for.
constexpr std::uint32_t usual_parallelism_max = 256;
constexpr std::uint32_t jobs_read_at_once = 1000;

const char* level_word(log::Level level) { return log::to_string(level); }

EventView view_of(const StoredEvent& stored) {
  EventView view{stored.sequence, stored.at, {}, level_word(stored.event.level), stored.event.text};
  if (stored.event.run != RunId(0)) view.run = stored.event.run;
  return view;
}

JobView view_of(const JobSummary& job) {
  JobView view{job.job, job.hash, job.applied, job.last_run, ""};
  if (job.last_state) view.last_state = to_string(*job.last_state);
  return view;
}

/// Rows that readers see; before the commit there are none.
std::int64_t rows_committed(const RunImage& image) {
  return image.epoch == EpochState::committed ? rows_of(image.manifest) : 0;
}

/// Without its graph and its tasks: one line of a list.
RunView brief_view(const RunSummary& run) {
  const JobGraph no_graph;
  RunView view = view_of(RunFacts{.made = run.made,
                                  .state = run.state,
                                  .cause = run.cause,
                                  .job = no_graph,
                                  .topology = nullptr,
                                  .rows_committed = run.counts.rows_committed,
                                  .submitted = run.times.submitted,
                                  .started = run.times.started,
                                  .finished = run.times.finished});
  view.tasks = run.counts.tasks;
  view.tasks_finished = run.counts.tasks_finished;
  view.task_restarts = run.counts.task_restarts;
  return view;
}

/// A run that no machine works on any more, with its graph as it was planned.
Result<RunView> full_view(const StoredRun& stored, const OperatorRegistry& registry,
                          std::optional<Duration> recovered_in) {
  const JobGraph job = TRY(decode_plan(*stored.image.plan));
  // A run that failed before it was planned may have a plan that cannot be planned.
  auto tasks = plan_tasks(job, registry, stored.image.made.target);
  const auto topology = tasks ? TaskTopology::make(std::move(*tasks))
                              : Result<TaskTopology>(std::move(tasks).error());
  std::map<TaskId, TaskStatus> known = tasks_of(stored.image);
  if (topology) {
    // Also those that were never tried.
    for (const auto& [task, region] : topology->tasks()) known[task];
  }
  return view_of(RunFacts{.made = stored.image.made,
                          .state = stored.image.state,
                          .cause = stored.image.cause,
                          .job = job,
                          .topology = topology ? &*topology : nullptr,
                          .tasks = std::move(known),
                          .recovered_in = recovered_in,
                          .rows_committed = rows_committed(stored.image),
                          .submitted = stored.times.submitted,
                          .started = stored.times.started,
                          .finished = stored.times.finished});
}

}  // namespace

template <class T>
void CoordinatorActor::from_store(std::function<Result<T>(MetadataStore&)> read,
                                  Control::Answer<T> answer) {
  reads_->call([store = services_.store, read = std::move(read)] { return read(*store); },
               std::move(answer));
}

void CoordinatorActor::apply(JobGraph graph, SubmitOptions options,
                             Control::Answer<JobView> answer) {
  JobVersionRecord version{graph.name, plan_hash(graph),
                           std::make_shared<const std::string>(encode_plan(graph)),
                           std::move(options.descriptor_text), std::move(options.submitted_by)};
  const JobName job = version.job;
  writes_->call(
      [store = services_.store, version = std::move(version)] { return store->write({version}); },
      [store = services_.store, reads = reads_, job,
       answer = std::move(answer)](const Result<>& written) {
        if (!written) return answer(written.error());
        reads->call(
            [store, job]() -> Result<JobView> { return view_of(TRY(store->job(job)).summary); },
            answer);
      });
}

void CoordinatorActor::submit(JobGraph graph, SubmitOptions options,
                              Control::Answer<RunId> answer) {
  coordinator_event::Submit submit;
  submit.request = ++last_request_;
  Submission& made = submit.submission;
  made.job = graph.name;
  made.plan = std::make_shared<const std::string>(encode_plan(graph));
  made.hash = plan_hash(graph);
  made.descriptor = std::move(options.descriptor_text);
  made.by = std::move(options.submitted_by);
  made.key = std::move(options.idempotency_key);
  made.target = {graph.settings.parallelism.value_or(usual_parallelism()),
                 start_.keep_blocking_edges};
  made.tasks = tasks_of_graph(graph, services_.registry, made.target);
  made.settings = graph.settings;
  made.nonce = random_.next();
  requests_[submit.request] = std::move(answer);
  tell(std::move(submit));
}

std::uint32_t CoordinatorActor::usual_parallelism() const {
  if (start_.parallelism > 0) return start_.parallelism;
  std::uint32_t slots = 0;
  const ClusterView cluster = machine_->view();
  for (const ClusterNode& node : cluster.nodes) slots += node.slots;
  return slots > 0 ? std::min(slots, usual_parallelism_max) : start_.parallelism_alone;
}

void CoordinatorActor::start_job(JobName job, SubmitOptions options,
                                 Control::Answer<RunId> answer) {
  const CoordinatorRef me(self());
  from_store<StoredJob>(
      [job](MetadataStore& store) { return store.job(job); },
      [me, options = std::move(options), answer](Result<StoredJob> stored) mutable {
        if (!stored) return answer(stored.error());
        auto graph = decode_plan(*stored->plan);
        if (!graph) return answer(graph.error());
        options.descriptor_text = stored->descriptor;
        me.tell(ControlCall{[graph = std::move(*graph), options, answer](CoordinatorActor& actor) {
          actor.submit(graph, options, answer);
        }});
      });
}

void CoordinatorActor::cancel_run(RunId run, std::string reason, Control::Answer<RunView> answer) {
  if (!machine_->jobs().contains(run)) return show(run, std::move(answer));
  const CoordinatorRef me(self());
  const std::uint64_t request = ++last_request_;
  requests_[request] = [me, answer](Result<RunId> cancelled) {
    if (!cancelled) return answer(cancelled.error());
    me.tell(ControlCall{
        [run = *cancelled, answer](CoordinatorActor& actor) { actor.show(run, answer); }});
  };
  tell(coordinator_event::Cancel{request, run, std::move(reason)});
}

std::shared_ptr<const JobGraph> CoordinatorActor::job_graph(RunId run, const std::string& plan) {
  auto& graph = graphs_[run];
  if (!graph) {
    auto decoded = decode_plan(plan);
    graph = std::make_shared<const JobGraph>(decoded ? std::move(*decoded) : JobGraph());
  }
  return graph;
}

void CoordinatorActor::show(RunId run, Control::Answer<RunView> answer) {
  const auto found = machine_->jobs().find(run);
  RunNote note;
  if (const auto noted = notes_.find(run); noted != notes_.end()) note = noted->second;
  std::optional<RunView> live;
  if (found != machine_->jobs().end() && !ended(found->second->state())) {
    live = view_of_live(*found->second);
  }
  // The times are in the row alone, so the store is asked in either case.
  from_store<RunView>(
      [run, note, live = std::move(live),
       &registry = services_.registry](MetadataStore& store) -> Result<RunView> {
        if (live) {
          const RunSummary now = TRY(store.run_summary(run));
          RunView view = *live;
          view.submitted = now.times.submitted;
          view.started = now.times.started;
          if (!ended(now.state)) return view;
        }
        return full_view(TRY(store.run(run)), registry, note.recovered_in);
      },
      std::move(answer));
}

void CoordinatorActor::await_end(RunId run, Control::Answer<RunView> answer) {
  const auto found = machine_->jobs().find(run);
  if (found == machine_->jobs().end() || ended(found->second->state())) {
    return show(run, std::move(answer));
  }
  waiting_for_end_[run].push_back(std::move(answer));
}

RunView CoordinatorActor::view_of_live(const RunMachine& job) {
  return view_of(RunFacts{.made = job.made(),
                          .state = job.state(),
                          .cause = job.cause(),
                          .job = *job_graph(job.run(), *job.encoded_plan()),
                          .topology = job.topology(),
                          .tasks = job.tasks(),
                          .recovered_in = job.longest_recovery()});
}

void CoordinatorActor::runs(std::optional<JobName> job, std::optional<RunId> before,
                            std::uint32_t limit, Control::Answer<std::vector<RunView>> answer) {
  from_store<std::vector<RunView>>(
      [job = std::move(job), before, limit](MetadataStore& store) -> Result<std::vector<RunView>> {
        std::vector<RunView> views;
        for (const RunSummary& run : TRY(store.runs(job, before, limit))) {
          views.push_back(brief_view(run));
        }
        return views;
      },
      std::move(answer));
}

void CoordinatorActor::jobs(Control::Answer<std::vector<JobView>> answer) {
  from_store<std::vector<JobView>>(
      [](MetadataStore& store) -> Result<std::vector<JobView>> {
        std::vector<JobView> views;
        for (JobName after;;) {
          const std::vector<JobSummary> page = TRY(store.jobs(after, jobs_read_at_once));
          for (const JobSummary& job : page) views.push_back(view_of(job));
          if (page.size() < jobs_read_at_once) return views;
          after = page.back().job;
        }
      },
      std::move(answer));
}

void CoordinatorActor::nodes(Control::Answer<std::vector<NodeView>> answer) {
  const ClusterView cluster = machine_->view();
  std::vector<NodeView> views;
  for (const auto& [node, member] : machine_->members().members()) {
    NodeView view{.id = node,
                  .address = member.address,
                  .incarnation = member.incarnation,
                  .state = to_string(member.state),
                  .slots = member.slots};
    if (member.state == MemberState::live) {
      if (member.health.resting()) view.state = "resting";
      view.reason = member.health.reason();
    }
    if (const ClusterNode* live = cluster.find(node, member.incarnation)) {
      view.slots_used = live->used;
    }
    views.push_back(std::move(view));
  }
  answer(std::move(views));
}

void CoordinatorActor::events(std::optional<RunId> run, std::uint64_t sequence, std::uint32_t limit,
                              Control::Answer<std::vector<EventView>> answer) {
  from_store<std::vector<EventView>>(
      [=](MetadataStore& store) -> Result<std::vector<EventView>> {
        std::vector<EventView> views;
        for (const StoredEvent& stored : TRY(store.events(run, sequence, limit))) {
          views.push_back(view_of(stored));
        }
        return views;
      },
      std::move(answer));
}

void CoordinatorActor::output(RunId run, Control::Answer<std::vector<OutputView>> answer) {
  from_store<std::vector<OutputView>>(
      [run](MetadataStore& store) -> Result<std::vector<OutputView>> {
        const StoredRun stored = TRY(store.run(run));
        std::vector<OutputView> outputs;
        if (stored.image.epoch != EpochState::committed) return outputs;
        const JobGraph job = TRY(decode_plan(*stored.image.plan));
        for (const SinkPart& part : stored.image.manifest) {
          const JobVertex* vertex = job.find(part.vertex);
          if (vertex == nullptr || vertex->op != "print") continue;
          for (const Committable& committable : part.committables) {
            const PrintedRows printed = TRY(decode_printed(committable.detail));
            outputs.push_back({part.vertex, printed.title, printed.rows_in_all, printed.ipc});
          }
        }
        return outputs;
      },
      std::move(answer));
}

namespace {

/// An answer that goes out once: the one that is given, or that there is none.
template <class T>
class Once {
 public:
  explicit Once(Control::Answer<T> answer) : answer_(std::move(answer)) {}
  Once(const Once&) = delete;
  ~Once() {
    tell(fail(ErrorCode::unavailable,
              "the coordinator ended before it could answer, its log says why: try again"));
  }
  void tell(Result<T> result) {
    if (auto answer = std::exchange(answer_, nullptr)) answer(std::move(result));
  }

 private:
  Control::Answer<T> answer_;
};

/// Carries questions to the actor; keeps no state of its own.
class CoordinatorControl final : public Control {
 public:
  explicit CoordinatorControl(CoordinatorRef coordinator) : coordinator_(std::move(coordinator)) {}

  void apply(JobGraph graph, SubmitOptions options, Answer<JobView> answer) override {
    call([=, answer = certain(std::move(answer))](CoordinatorActor& actor) {
      actor.apply(graph, options, answer);
    });
  }
  void submit(JobGraph graph, SubmitOptions options, Answer<RunId> answer) override {
    call([=, answer = certain(std::move(answer))](CoordinatorActor& actor) {
      actor.submit(graph, options, answer);
    });
  }
  void start(JobName job, SubmitOptions options, Answer<RunId> answer) override {
    call([=, answer = certain(std::move(answer))](CoordinatorActor& actor) {
      actor.start_job(job, options, answer);
    });
  }
  void cancel(RunId run, std::string reason, Answer<RunView> answer) override {
    call([=, answer = certain(std::move(answer))](CoordinatorActor& actor) {
      actor.cancel_run(run, reason, answer);
    });
  }
  void show(RunId run, Answer<RunView> answer) override {
    call([=, answer = certain(std::move(answer))](CoordinatorActor& actor) {
      actor.show(run, answer);
    });
  }
  void await_end(RunId run, Answer<RunView> answer) override {
    call([=, answer = certain(std::move(answer))](CoordinatorActor& actor) {
      actor.await_end(run, answer);
    });
  }
  void runs(std::optional<JobName> job, std::optional<RunId> before, std::uint32_t limit,
            Answer<std::vector<RunView>> answer) override {
    call([=, answer = certain(std::move(answer))](CoordinatorActor& actor) {
      actor.runs(job, before, limit, answer);
    });
  }
  void jobs(Answer<std::vector<JobView>> answer) override {
    call([=, answer = certain(std::move(answer))](CoordinatorActor& actor) { actor.jobs(answer); });
  }
  void nodes(Answer<std::vector<NodeView>> answer) override {
    call(
        [=, answer = certain(std::move(answer))](CoordinatorActor& actor) { actor.nodes(answer); });
  }
  void events(std::optional<RunId> run, std::uint64_t sequence, std::uint32_t limit,
              Answer<std::vector<EventView>> answer) override {
    call([=, answer = certain(std::move(answer))](CoordinatorActor& actor) {
      actor.events(run, sequence, limit, answer);
    });
  }
  void output(RunId run, Answer<std::vector<OutputView>> answer) override {
    call([=, answer = certain(std::move(answer))](CoordinatorActor& actor) {
      actor.output(run, answer);
    });
  }

 private:
  /// An answer that is given even where nobody is left to give it.
  template <class T>
  static Answer<T> certain(Answer<T> answer) {
    return [once = std::make_shared<Once<T>>(std::move(answer))](Result<T> result) {
      once->tell(std::move(result));
    };
  }

  void call(std::function<void(CoordinatorActor&)> work) {
    coordinator_.tell(ControlCall{std::move(work)});
  }

  const CoordinatorRef coordinator_;
};

}  // namespace

std::unique_ptr<Control> make_control(CoordinatorRef coordinator) {
  return std::make_unique<CoordinatorControl>(std::move(coordinator));
}

}  // namespace troupe
