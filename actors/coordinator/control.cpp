#include "runtime/control/control.hpp"

#include "actors/coordinator/compile.hpp"
#include "actors/coordinator/coordinator_state.hpp"
#include "runtime/connectors/printed_rows.hpp"
#include "runtime/coordinator/resumption.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace troupe {
namespace {

/// More subtasks of a stage than this a job must ask for.
constexpr std::uint32_t usual_parallelism_max = 256;
constexpr std::uint32_t jobs_read_at_once = 1000;
/// How often a request that waits for events looks again.
constexpr Duration look_for_events_every = 100ms;
/// Longer waits are this long.
constexpr std::chrono::seconds wait_max = 24h * 365;

EventView view_of(const StoredEvent& stored) {
  EventView view{stored.sequence, stored.at, stored.event.level, stored.event.text, {}};
  if (stored.event.run != RunId(0)) view.run = stored.event.run;
  return view;
}

JobView view_of(const JobSummary& job) {
  return {job.job, job.hash, job.last_state, job.applied, job.last_run};
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

/// The last one; none: it takes no checkpoints.
std::optional<Epoch> committed_epoch(const RunImage& run) {
  if (!run.made.checkpoint) return std::nullopt;
  Epoch last;
  for (const EpochImage& epoch : run.epochs) {
    if (epoch.state == EpochState::committed) last = epoch.epoch;
  }
  return last;
}

/// A run that no machine works on any more, with its graph as it was planned.
Result<RunView> full_view(const StoredRun& stored, Planner& planner,
                          std::optional<Duration> recovered_in) {
  // A run that failed before it was planned may have a plan that cannot be planned.
  const auto derived = planner.derive(*stored.image.plan, stored.image.made.target);
  const auto topology =
      derived ? TaskTopology::make((*derived)->tasks) : Result<TaskTopology>(derived.error());
  const JobGraph job = derived ? (*derived)->job : TRY(decode_plan(*stored.image.plan));
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
                          .rows_committed = stored.image.rows_committed,
                          .submitted = stored.times.submitted,
                          .started = stored.times.started,
                          .finished = stored.times.finished,
                          .epoch = committed_epoch(stored.image)});
}

/// What of a member of the cluster people want to see.
NodeState node_state(const Member& member) {
  switch (member.state) {
    case MemberState::silent:
      return NodeState::silent;
    case MemberState::adopting:
      return NodeState::adopting;
    case MemberState::live:
      return member.health.resting() ? NodeState::resting : NodeState::live;
    case MemberState::suspect:
      return NodeState::suspect;
    case MemberState::gone:
      return NodeState::gone;
  }
  return NodeState::gone;
}

}  // namespace

void CoordinatorActor::on(const Asked& asked) {
  if (driver_.machine() == nullptr) {
    early_asked_.push_back(asked);
    return;
  }
  std::visit(
      [&]<class R>(const R& request) {
        handle(request, AnswerTo<R>([answer = asked.answer](Result<typename R::Answer> result) {
                 if (!result) return answer(std::move(result).error());
                 answer(AnyAnswer(*std::move(result)));
               }));
      },
      asked.request);
}

template <class R>
void CoordinatorActor::ask(const CoordinatorRef& coordinator, R request, AnswerTo<R> answer) {
  coordinator.tell(Asked{AnyRequest(std::move(request)), any_answer<R>(std::move(answer))});
}

template <class T>
void CoordinatorActor::from_store(std::function<Result<T>(MetadataStore&)> read,
                                  std::function<void(Result<T>)> then) {
  reads_->call([store = services_.store, read = std::move(read)] { return read(*store); },
               std::move(then));
}

template <class R>
void CoordinatorActor::handle(const FromDescriptor<R>& asked, AnswerTo<FromDescriptor<R>> answer) {
  const CoordinatorRef me(self());
  const auto go_on = [me, asked, answer](Result<CompiledDescriptor> compiled) {
    if (!compiled) return answer(std::move(compiled).error());
    typename FromDescriptor<R>::Answer checked{.mistakes = std::move(compiled->mistakes),
                                               .notes = std::move(compiled->notes)};
    if (!compiled->graph) return answer(std::move(checked));
    R request = asked.request;
    request.graph = std::move(*compiled->graph);
    if constexpr (requires { request.descriptor_text; }) {
      request.descriptor_text = asked.descriptor;
    }
    ask<R>(me, std::move(request),
           [checked = std::move(checked), answer](Result<typename R::Answer> done) mutable {
             if (!done) return answer(std::move(done).error());
             checked.done = *std::move(done);
             answer(std::move(checked));
           });
  };
  system().io().call(
      [asked, &registry = services_.planner.registry()] {
        return compile(asked.file, asked.descriptor, asked.params, registry);
      },
      go_on);
}

void CoordinatorActor::handle(const ValidateJob& asked, AnswerTo<ValidateJob> answer) {
  answer(Validity{.plan_hash = plan_hash(asked.graph)});
}

void CoordinatorActor::handle(const ApplyJob& asked, AnswerTo<ApplyJob> answer) {
  JobVersionRecord version{asked.graph.name, plan_hash(asked.graph),
                           std::make_shared<const std::string>(encode_plan(asked.graph)),
                           asked.descriptor_text, asked.submitted_by};
  const JobName job = asked.graph.name;
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

void CoordinatorActor::handle(const SubmitRun& asked, AnswerTo<SubmitRun> answer) {
  const JobGraph& graph = asked.graph;
  Submission made;
  made.job = graph.name;
  made.plan = std::make_shared<const std::string>(encode_plan(graph));
  made.hash = plan_hash(graph);
  made.descriptor = asked.descriptor_text;
  made.by = asked.submitted_by;
  made.key = asked.idempotency_key;
  made.target = {graph.settings.parallelism.value_or(usual_parallelism()),
                 start_.keep_blocking_edges};
  made.settings = graph.settings;
  made.nonce = random_.next();
  const CoordinatorRef me(self());
  system().io().call(
      [made = std::move(made), &planner = services_.planner]() mutable -> Result<Submission> {
        made.tasks = planner.count_tasks(*made.plan, made.target);
        return std::move(made);
      },
      [me, answer = std::move(answer)](Result<Submission> counted) {
        if (!counted) return answer(std::move(counted).error());
        me.tell(TasksCounted{*std::move(counted), answer});
      });
}

void CoordinatorActor::on(const TasksCounted& counted) {
  driver_.submit(
      counted.made,
      [answer = counted.answer](Result<RunId> run) {
        if (!run) return answer(std::move(run).error());
        answer(RunStarted{*run});
      },
      clock().now());
}

std::uint32_t CoordinatorActor::usual_parallelism() const {
  if (start_.parallelism > 0) return start_.parallelism;
  std::uint32_t slots = 0;
  for (const auto& [name, node] : machine().view().nodes) slots += node.slots;
  return slots > 0 ? std::min(slots, usual_parallelism_max) : start_.parallelism_alone;
}

void CoordinatorActor::handle(const StartJob& asked, AnswerTo<StartJob> answer) {
  const CoordinatorRef me(self());
  from_store<StoredJob>([job = asked.job](MetadataStore& store) { return store.job(job); },
                        [me, asked, answer](Result<StoredJob> stored) {
                          if (!stored) return answer(stored.error());
                          auto graph = decode_plan(*stored->plan);
                          if (!graph) return answer(graph.error());
                          ask(me,
                              SubmitRun{.graph = *std::move(graph),
                                        .idempotency_key = asked.idempotency_key,
                                        .descriptor_text = stored->descriptor,
                                        .submitted_by = asked.submitted_by},
                              answer);
                        });
}

void CoordinatorActor::handle(const CancelRun& asked, AnswerTo<CancelRun> answer) {
  if (!machine().runs().contains(asked.run)) return handle(ShowRun{asked.run}, std::move(answer));
  const CoordinatorRef me(self());
  driver_.cancel(
      asked.run, asked.reason,
      [me, answer = std::move(answer)](Result<RunId> cancelled) {
        if (!cancelled) return answer(std::move(cancelled).error());
        ask(me, ShowRun{*cancelled}, answer);
      },
      clock().now());
}

void CoordinatorActor::handle(const StopRun& asked, AnswerTo<StopRun> answer) {
  const CoordinatorRef me(self());
  driver_.stop(
      asked.run, asked.reason,
      [me, run = asked.run, answer = std::move(answer)](Result<RunId> stopped) {
        ask(me, ShowRun{run}, [answer, stopped](Result<RunView> view) {
          // One that was stopped before is as it was asked to be.
          const bool done = stopped || (view && view->state == RunState::suspended);
          if (view && !done) return answer(stopped.error());
          answer(std::move(view));
        });
      },
      clock().now());
}

void CoordinatorActor::handle(const ResumeRun& asked, AnswerTo<ResumeRun> answer) {
  const CoordinatorRef me(self());
  const std::uint64_t nonce = random_.next();
  from_store<Submission>(
      [asked, nonce, &planner = services_.planner](MetadataStore& store) -> Result<Submission> {
        StoredRun run = TRY(store.run(asked.run));
        const StoredJob job = TRY(store.job(run.image.made.job));
        Submission next = TRY(
            resumption(std::make_shared<const RunImage>(std::move(run.image)), job.plan, planner));
        next.descriptor = job.descriptor;
        next.by = asked.submitted_by;
        next.nonce = nonce;
        return next;
      },
      [me, answer = std::move(answer)](Result<Submission> next) {
        if (!next) return answer(std::move(next).error());
        me.tell(TasksCounted{*std::move(next), answer});
      });
}

std::shared_ptr<const JobGraph> CoordinatorActor::job_graph(RunId run, const std::string& plan) {
  auto& graph = graphs_[run];
  if (!graph) {
    auto decoded = decode_plan(plan);
    graph = std::make_shared<const JobGraph>(decoded ? std::move(*decoded) : JobGraph());
  }
  return graph;
}

void CoordinatorActor::handle(const ShowRun& asked, AnswerTo<ShowRun> answer) {
  const RunId run = asked.run;
  const auto found = machine().runs().find(run);
  RunNote note;
  if (const auto noted = notes_.find(run); noted != notes_.end()) note = noted->second;
  std::optional<RunView> live;
  if (found != machine().runs().end() && !ended(found->second->state())) {
    live = view_of_live(*found->second);
  }
  // The times are in the row alone, so the store is asked in either case.
  from_store<RunView>(
      [run, note, live = std::move(live),
       &planner = services_.planner](MetadataStore& store) -> Result<RunView> {
        if (live) {
          const RunSummary now = TRY(store.run_summary(run));
          RunView view = *live;
          view.submitted = now.times.submitted;
          view.started = now.times.started;
          if (!ended(now.state)) return view;
        }
        return full_view(TRY(store.run(run)), planner, note.recovered_in);
      },
      std::move(answer));
}

void CoordinatorActor::handle(const AwaitEnd& asked, AnswerTo<AwaitEnd> answer) {
  using Until = CoordinatorDriver::Until;
  const auto wait =
      driver_.await_end(asked.run, asked.tidied ? Until::tidied : Until::ended,
                        [this, run = asked.run, answer = std::move(answer)](const Result<>& ended) {
                          if (!ended) return answer(ended.error());
                          handle(ShowRun{run}, answer);
                        });
  if (!wait || asked.wait == forever) return;
  after(std::min(asked.wait, wait_max), [this, wait] { driver_.wait_no_longer(*wait); });
}

std::string CoordinatorActor::waits(const RunMachine& job) const {
  const auto errand = machine().errands().commit_waits(job.run());
  if (errand) return in_words(*errand, clock().now());
  if (job.lacks_copies()) {
    return "no checkpoint is taken: its state must be on two nodes, and there is one";
  }
  const CommitWait* failed = job.commit_waits();
  return failed == nullptr ? "" : in_words(*failed, clock().now());
}

RunView CoordinatorActor::view_of_live(const RunMachine& job) {
  std::optional<Epoch> epoch;
  std::optional<Duration> age;
  if (job.made().checkpoint) {
    epoch = job.epochs().committed();
    if (const auto at = job.committed_at()) age = clock().now() - *at;
  }
  return view_of(RunFacts{.made = job.made(),
                          .state = job.state(),
                          .cause = job.cause(),
                          .job = *job_graph(job.run(), *job.encoded_plan()),
                          .topology = job.topology(),
                          .tasks = job.tasks(),
                          .recovered_in = job.longest_recovery(),
                          .epoch = epoch,
                          .epoch_age = age,
                          .now = clock().wall(),
                          .waits = waits(job)});
}

void CoordinatorActor::handle(const ListRuns& asked, AnswerTo<ListRuns> answer) {
  from_store<RunPage>(
      [asked](MetadataStore& store) -> Result<RunPage> {
        const auto job = asked.job == JobName() ? std::nullopt : std::optional(asked.job);
        const auto before = asked.before == RunId() ? std::nullopt : std::optional(asked.before);
        const std::uint32_t shown = std::clamp(asked.limit, 1u, runs_per_page_max);
        // One more than is shown tells whether there are more.
        auto stored = TRY(store.runs(job, before, shown + 1));
        RunPage page;
        if (stored.size() > shown) {
          stored.resize(shown);
          page.next = stored.back().made.run;
        }
        for (const RunSummary& run : stored) page.runs.push_back(brief_view(run));
        return page;
      },
      std::move(answer));
}

void CoordinatorActor::handle(const ListJobs&, AnswerTo<ListJobs> answer) {
  from_store<JobList>(
      [](MetadataStore& store) -> Result<JobList> {
        JobList list;
        for (JobName after;;) {
          const std::vector<JobSummary> page = TRY(store.jobs(after, jobs_read_at_once));
          for (const JobSummary& job : page) list.jobs.push_back(view_of(job));
          if (page.size() < jobs_read_at_once) return list;
          after = page.back().job;
        }
      },
      std::move(answer));
}

void CoordinatorActor::handle(const ListNodes&, AnswerTo<ListNodes> answer) {
  const ClusterView& cluster = machine().view();
  NodeList list;
  for (const auto& [node, member] : machine().members().members()) {
    NodeView view{.id = node,
                  .address = member.address,
                  .incarnation = member.incarnation,
                  .state = node_state(member),
                  .slots = member.slots};
    if (member.state == MemberState::live) view.reason = member.health.reason();
    if (const ClusterNode* live = cluster.find(node, member.incarnation)) {
      view.slots_used = live->used;
    }
    list.nodes.push_back(std::move(view));
  }
  answer(std::move(list));
}

void CoordinatorActor::handle(const ListEvents& asked, AnswerTo<ListEvents> answer) {
  look_for_events({asked, clock().now() + std::min(asked.wait, wait_max), 0, std::move(answer)});
}

void CoordinatorActor::look_for_events(EventsAwaited awaited) {
  awaited.writes = driver_.writes();
  const CoordinatorRef me(self());
  const auto read = [asked = awaited.asked](MetadataStore& store) -> Result<EventList> {
    EventList list;
    for (const auto& stored : TRY(store.events(asked.run, asked.after, events_per_answer))) {
      list.events.push_back(view_of(stored));
    }
    return list;
  };
  from_store<EventList>(read, [me, awaited = std::move(awaited)](Result<EventList> found) {
    const bool waits = found && found->events.empty() && awaited.asked.wait > 0s;
    if (!waits) return awaited.answer(std::move(found));
    me.tell(awaited);
  });
}

void CoordinatorActor::on(const EventsAwaited& awaited) {
  after(look_for_events_every, [this, awaited] {
    if (clock().now() >= awaited.until) return awaited.answer(EventList());
    if (awaited.writes == driver_.writes()) return on(awaited);  // nothing can have happened
    look_for_events(awaited);
  });
}

namespace {

double in_seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

CheckpointView view_of(const StoredEpoch& epoch) {
  CheckpointView view{.epoch = epoch.epoch,
                      .state = epoch.state,
                      .started = epoch.started,
                      .published = epoch.published,
                      .committed = epoch.committed,
                      .state_bytes = epoch.state_bytes,
                      .rows = epoch.rows,
                      .reason = epoch.why};
  if (epoch.phases) {
    view.aligned_s = in_seconds(epoch.phases->aligned);
    view.written_s = in_seconds(epoch.phases->written);
    view.acknowledged_s = in_seconds(epoch.phases->acknowledged);
    view.copied_s = in_seconds(epoch.phases->copied);
  }
  if (epoch.published && epoch.committed) {
    view.commit_s = in_seconds(*epoch.committed - *epoch.published);
  }
  return view;
}

}  // namespace

void CoordinatorActor::handle(const ListCheckpoints& asked, AnswerTo<ListCheckpoints> answer) {
  from_store<CheckpointList>(
      [asked](MetadataStore& store) -> Result<CheckpointList> {
        TRY(store.run_summary(asked.run));
        const std::uint32_t shown = std::clamp(asked.limit, 1u, checkpoints_per_answer_max);
        CheckpointList list;
        for (const StoredEpoch& epoch : TRY(store.epochs(asked.run, shown))) {
          list.checkpoints.push_back(view_of(epoch));
        }
        return list;
      },
      std::move(answer));
}

namespace {

Result<> add_printed(const EpochImage& epoch, const JobGraph& job, OutputList& list) {
  if (!epoch.manifest) return {};
  for (const SinkPart& part : epoch.manifest->sinks) {
    const JobVertex* vertex = job.find(part.vertex);
    if (vertex == nullptr || (vertex->op != "print" && vertex->op != "checksum")) continue;
    for (const Committable& committable : part.committables) {
      const PrintedRows printed = TRY(decode_printed(committable.detail));
      list.outputs.push_back({part.vertex, printed.title, printed.rows_in_all, printed.ipc});
    }
  }
  return {};
}

}  // namespace

void CoordinatorActor::handle(const ReadOutput& asked, AnswerTo<ReadOutput> answer) {
  from_store<OutputList>(
      [run = asked.run](MetadataStore& store) -> Result<OutputList> {
        const StoredRun stored = TRY(store.run(run));
        OutputList list;
        const JobGraph job = TRY(decode_plan(*stored.image.plan));
        for (const EpochImage& epoch : stored.image.epochs) {
          if (epoch.state == EpochState::committed) TRY(add_printed(epoch, job, list));
        }
        return list;
      },
      std::move(answer));
}

namespace {

/// An answer that goes out once: the one that is given, or that there is none.
class Once {
 public:
  explicit Once(AnyAnswerTo answer) : answer_(std::move(answer)) {}
  Once(const Once&) = delete;
  ~Once() {
    tell(make_error(ErrorCode::unavailable,
                    "the coordinator ended before it could answer, its log says why: try again"));
  }
  void tell(Result<AnyAnswer> result) {
    if (auto answer = std::exchange(answer_, nullptr)) answer(std::move(result));
  }

 private:
  AnyAnswerTo answer_;
};

/// Carries requests to the actor; keeps no state of its own.
class CoordinatorControl final : public Control {
 public:
  explicit CoordinatorControl(CoordinatorRef coordinator) : coordinator_(std::move(coordinator)) {}

  /// The answer is given even where nobody is left to give it.
  void take(AnyRequest request, AnyAnswerTo answer) override {
    coordinator_.tell(Asked{std::move(request),
                            [once = std::make_shared<Once>(std::move(answer))](
                                Result<AnyAnswer> result) { once->tell(std::move(result)); }});
  }

 private:
  const CoordinatorRef coordinator_;
};

}  // namespace

std::unique_ptr<Control> make_control(CoordinatorRef coordinator) {
  return std::make_unique<CoordinatorControl>(std::move(coordinator));
}

}  // namespace troupe
