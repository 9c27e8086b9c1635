// Every request has its answer, once: from the machine or from the store, at once or when what it
// waits for has happened or will not happen any more.
#include "actors/coordinator/coordinator_actor.hpp"
#include "actors/system/actor.hpp"
#include "actors/system/stepped_actor_system.hpp"
#include "runtime/connectors/connectors.hpp"
#include "runtime/connectors/printed_rows.hpp"
#include "runtime/operator/operator_kind.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/sim_store.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

using namespace troupe;

namespace {

const std::string one_row = R"(apiVersion: troupe/v1
kind: Job
metadata: {name: one}
dataflow:
  row: {op: values, with: {rows: [{a: 1}]}}
  show: {op: print, from: row}
)";

template <class T>
using Answers = std::shared_ptr<std::vector<Result<T>>>;

/// What a node was told last.
struct Told {
  std::optional<Adopt> adopted;
  std::optional<DeployTask> deployed;
  std::optional<DoErrand> errand;
};

/// The executor of a node that does nothing of what it is told.
class Idler : public ActorOf<Idler, Command> {
 public:
  explicit Idler(Told& told) : told_(told) {}
  void on(const Command& command) {
    if (const auto* adopt = std::get_if<Adopt>(&command)) told_.adopted = *adopt;
    if (const auto* deploy = std::get_if<DeployTask>(&command)) told_.deployed = *deploy;
    if (const auto* errand = std::get_if<DoErrand>(&command)) told_.errand = *errand;
  }

 private:
  Told& told_;
};

const NodeId the_node("n");

/// A coordinator without nodes, or with one that does nothing, so that runs go on for ever; and a
/// client of it.
struct Cluster {
  Cluster() {
    register_connectors(registry);
    const auto idler = system.spawn<Idler>("executor", told);
    coordinator = spawn_coordinator(
        system, {}, {store, system.io(), planner, metrics, [idler](const NodeId&, Incarnation) {
                       return ExecutorPort(idler.handle());
                     }});
    control = make_control(coordinator);
  }

  void tell(CoordinatorEvent event) {
    coordinator.tell(CoordinatorTold{std::move(event)});
    system.run();
  }
  void hear(Report report) { tell(coordinator_event::Received{the_node, std::move(report)}); }

  /// What comes of a request; nothing yet where nothing has come.
  template <class R>
  Answers<typename R::Answer> ask(R request) {
    auto answers = std::make_shared<std::vector<Result<typename R::Answer>>>();
    control->ask(std::move(request),
                 AnswerTo<R>([answers](auto result) { answers->push_back(std::move(result)); }));
    system.run();
    return answers;
  }
  template <class R>
  typename R::Answer answer(R request) {
    const auto answers = ask(std::move(request));
    REQUIRE(answers->size() == 1);
    if (!answers->front()) FAIL(answers->front().error().to_string());
    return *answers->front();
  }
  void advance(Duration duration) {
    for (Duration gone{}; gone < duration; gone += 100ms) {
      system.advance(100ms);
      system.run();
    }
  }
  RunId submit(const std::string& key = "") {
    const auto answered = answer(
        FromDescriptor<SubmitRun>{.descriptor = one_row, .request = {.idempotency_key = key}});
    REQUIRE(answered.done);
    return answered.done->run;
  }

  /// Its node is there, and takes work.
  void join() {
    hear(JoinCluster{ClusterId("c"), the_node, Incarnation(1), Term(), "tcp://n:1", 2});
    REQUIRE(told.adopted);
    const Token& token = told.adopted->token;
    hear(Inventory{Incarnation(1), token.term, token.seq, {}});
  }
  /// All its tasks are done, one at a time, and its output is to be committed.
  void finish_tasks() {
    while (const auto deploy = std::exchange(told.deployed, {})) {
      hear(TaskReady{deploy->token});
      TaskFinished finished{deploy->token};
      finished.sink = "show";
      finished.committables = {{encode_printed({"Rows", 1, "bytes"}), 1}};
      hear(finished);
    }
  }

  Told told;
  SteppedActorSystem system;
  OperatorRegistry registry{system_files()};
  Planner planner{registry};
  Metrics metrics;
  std::shared_ptr<sim::Store> store = std::make_shared<sim::Store>(ClusterId("c"));
  CoordinatorRef coordinator;
  std::unique_ptr<Control> control;
};

}  // namespace

TEST_CASE("a descriptor is stored and run as the graph that it describes") {
  Cluster cluster;
  const auto valid = cluster.answer(FromDescriptor<ValidateJob>{.descriptor = one_row});
  REQUIRE(valid.done);
  const auto applied = cluster.answer(FromDescriptor<ApplyJob>{.descriptor = one_row});
  REQUIRE(applied.done);
  CHECK(applied.done->name == JobName("one"));
  CHECK(applied.done->version == valid.done->plan_hash);
  CHECK_FALSE(applied.done->last_run);

  const RunId once = cluster.submit();
  const RunStarted stored = cluster.answer(StartJob{.job = JobName("one")});
  CHECK(stored.run == once.next());
  for (const RunId run : {once, stored.run}) {
    const RunView view = cluster.answer(ShowRun{run});
    CHECK(view.plan_hash == valid.done->plan_hash);
    CHECK(view.job == JobName("one"));
    CHECK(view.state == RunState::running);
  }
  const JobList jobs = cluster.answer(ListJobs{});
  REQUIRE(jobs.jobs.size() == 1);
  CHECK(jobs.jobs[0].version == valid.done->plan_hash);
}

TEST_CASE("what a user wrote is kept with the version of his job, and who he is") {
  Cluster cluster;
  const auto check_kept = [&](const std::string& by) {
    REQUIRE(cluster.store->versions().size() == 1);
    const JobVersionRecord& kept = cluster.store->versions().begin()->second;
    CHECK(kept.descriptor == one_row);
    CHECK(kept.by == by);
  };
  cluster.answer(
      FromDescriptor<ApplyJob>{.descriptor = one_row, .request = {.submitted_by = "ada"}});
  check_kept("ada");
  cluster.answer(
      FromDescriptor<SubmitRun>{.descriptor = one_row, .request = {.submitted_by = "bob"}});
  check_kept("bob");
  cluster.answer(StartJob{.job = JobName("one"), .submitted_by = "cy"});
  check_kept("cy");
}

TEST_CASE("mistakes of a descriptor are answers that name its file, and start nothing") {
  Cluster cluster;
  const auto broken =
      cluster.answer(FromDescriptor<SubmitRun>{.descriptor = "kind: Job\n", .file = "my.yaml"});
  CHECK_FALSE(broken.done);
  REQUIRE_FALSE(broken.mistakes.empty());
  CHECK(broken.mistakes[0].file == "my.yaml");
  CHECK(cluster.answer(ListRuns{}).runs.empty());
}

TEST_CASE("notes of a descriptor stand beside its answer") {
  Cluster cluster;
  const auto relative = cluster.answer(FromDescriptor<ValidateJob>{
      .descriptor = one_row + "  file: {op: write.csv, from: row, with: {path: out.csv}}\n"});
  CHECK(relative.done);
  REQUIRE(relative.notes.size() == 1);
  CHECK(relative.notes[0].starts_with("file.with.path: 'out.csv' is relative"));
}

TEST_CASE("a descriptor is read with the parameters that are given for it") {
  Cluster cluster;
  const std::string asks = "params:\n  n: {type: int}\n";
  CHECK_FALSE(cluster.answer(FromDescriptor<ValidateJob>{.descriptor = one_row + asks}).done);
  CHECK(
      cluster
          .answer(FromDescriptor<ValidateJob>{.descriptor = one_row + asks, .params = {{"n", "5"}}})
          .done);
}

TEST_CASE("the same key starts a run once, by a descriptor or by a stored job") {
  Cluster cluster;
  cluster.answer(FromDescriptor<ApplyJob>{.descriptor = one_row});
  const RunId run = cluster.submit("k");
  CHECK(cluster.submit("k") == run);
  CHECK(cluster.answer(StartJob{.job = JobName("one"), .idempotency_key = "k"}).run == run);
  CHECK(cluster.submit("other") == run.next());
}

TEST_CASE("runs are told page by page, the newest first") {
  Cluster cluster;
  std::vector<RunId> made;
  for (int i = 0; i < 5; ++i) made.push_back(cluster.submit());
  std::vector<RunId> told;
  ListRuns asked{.limit = 2};
  for (int page_number = 0;; ++page_number) {
    REQUIRE(page_number < 3);
    const RunPage page = cluster.answer(asked);
    for (const RunView& run : page.runs) told.push_back(run.id);
    CHECK(page.next.has_value() == (page_number < 2));
    if (!page.next) break;
    CHECK(*page.next == told.back());
    asked.before = *page.next;
  }
  std::reverse(made.begin(), made.end());
  CHECK(told == made);
  CHECK(cluster.answer(ListRuns{.job = JobName("another")}).runs.empty());
  CHECK(cluster.answer(ListRuns{.limit = 0}).runs.size() == 1);
}

TEST_CASE("an answer has its bound, whatever it is asked for") {
  Cluster cluster;
  RunRecord run = cluster.store->run(cluster.submit()).value().image.made;
  std::vector<Record> more;
  for (std::uint32_t i = 0; i < runs_per_page_max; ++i) {
    run.run = run.run.next();
    more.emplace_back(run);
  }
  for (std::uint32_t i = 0; i <= events_per_answer; ++i) more.emplace_back(EventRecord{run.run});
  REQUIRE(cluster.store->write(std::move(more)));
  const RunPage page = cluster.answer(ListRuns{.limit = 1'000'000});
  CHECK(page.runs.size() == runs_per_page_max);
  CHECK(page.next == RunId(2));
  CHECK(cluster.answer(ListEvents{.run = run.run}).events.size() == events_per_answer);
}

TEST_CASE("a node is told as it is") {
  Cluster cluster;
  const auto node = [&] {
    const NodeList list = cluster.answer(ListNodes{});
    REQUIRE(list.nodes.size() == 1);
    return list.nodes[0];
  };
  CHECK(cluster.answer(ListNodes{}).nodes.empty());
  cluster.hear(JoinCluster{ClusterId("c"), the_node, Incarnation(1), Term(), "tcp://n:1", 2});
  CHECK(node().state == NodeState::adopting);
  REQUIRE(cluster.told.adopted);
  const Token& token = cluster.told.adopted->token;
  cluster.hear(Inventory{Incarnation(1), token.term, token.seq, {}});
  CHECK(node().state == NodeState::live);
  CHECK(node().id == the_node);
  CHECK(node().address == "tcp://n:1");
  CHECK(node().incarnation == Incarnation(1));
  CHECK(node().reason.empty());
  CHECK(node().slots == 2);
  CHECK(node().slots_used == 0);

  cluster.submit();
  CHECK(node().slots_used == 1);
  for (std::size_t i = 0; i < node_faults_max; ++i) {
    cluster.tell(
        ClusterEvent(cluster_event::NodeFault{the_node, Incarnation(1), "its disk is full"}));
  }
  CHECK(node().state == NodeState::resting);
  CHECK(node().reason == "its disk is full");
  cluster.tell(ClusterEvent(cluster_event::Closed{the_node}));
  CHECK(node().state == NodeState::suspect);
}

TEST_CASE("of the outputs of a run those of print are told, when they are committed") {
  Cluster cluster;
  const RunId run = cluster.submit();
  cluster.answer(CancelRun{run, "a test"});
  const Committable printed{encode_printed({"Rows", 3, "bytes"}), 2};
  // Of the first epoch, which was aborted with the run, nothing is told.
  std::optional<EpochState> before;
  const auto epoch_is = [&](EpochState state) {
    REQUIRE(cluster.store->write({EpochRecord{run, Epoch(2), before, state}}));
    before = state;
  };
  epoch_is(EpochState::started);
  REQUIRE(cluster.store->write(
      {ManifestRecord{run, Epoch(2), {{{"show", {printed}}, {"row", {printed}}}, {}}}}));
  epoch_is(EpochState::published);
  CHECK(cluster.answer(ReadOutput{run}).outputs.empty());
  CHECK(cluster.answer(ShowRun{run}).rows_committed == 0);
  epoch_is(EpochState::committed);
  CHECK(cluster.answer(ShowRun{run}).rows_committed == 4);
  const OutputList list = cluster.answer(ReadOutput{run});
  REQUIRE(list.outputs.size() == 1);
  CHECK(list.outputs[0].vertex == "show");
  CHECK(list.outputs[0].title == "Rows");
  CHECK(list.outputs[0].rows_in_all == 3);
  CHECK(list.outputs[0].ipc.bytes == "bytes");
}

TEST_CASE("what there is not is not found") {
  Cluster cluster;
  const auto not_found = [](const auto& answers) {
    return answers->size() == 1 && !answers->front() &&
           answers->front().error().code == ErrorCode::not_found;
  };
  CHECK(not_found(cluster.ask(ShowRun{RunId(9)})));
  CHECK(not_found(cluster.ask(CancelRun{RunId(9)})));
  CHECK(not_found(cluster.ask(AwaitEnd{RunId(9)})));
  CHECK(not_found(cluster.ask(ReadOutput{RunId(9)})));
  CHECK(not_found(cluster.ask(StartJob{.job = JobName("no")})));
}

TEST_CASE("a run whose commit waits says for what, for how long, and goes on by itself") {
  Cluster cluster;
  cluster.join();
  const RunId run = cluster.submit();
  cluster.finish_tasks();
  const auto end = cluster.ask(AwaitEnd{run});
  const auto tidied = cluster.ask(AwaitEnd{.run = run, .tidied = true});
  const auto now = [&] { return cluster.answer(ShowRun{run}); };
  const auto answers = [&](auto with) {
    const auto errand = std::exchange(cluster.told.errand, {});
    REQUIRE(errand);
    CHECK(errand->token.run == run);
    with.token = errand->token;
    with.number = errand->number;
    cluster.hear(with);
  };
  ErrandFailed away;
  away.error = make_error(ErrorCode::unavailable, "the directory '/mnt' is not there");
  CHECK(now().state == RunState::finishing);
  CHECK(now().reason.empty());

  // The storage is away, twice.
  answers(away);
  cluster.advance(commit_retry_min);
  answers(away);
  CHECK(now().state == RunState::finishing);
  CHECK(now().reason ==
        "committing 'show' has failed for 0 s, 2 times, and is tried until it is done: "
        "unavailable: the directory '/mnt' is not there");

  // Nobody answers.
  cluster.advance(2 * commit_retry_min);
  REQUIRE(cluster.told.errand);
  cluster.advance(errand_patience_min);
  CHECK(now().reason ==
        "the commit of 'show' has waited for 60 s: executor n has not answered, and was asked "
        "again or another one was");

  // Nobody is there.
  cluster.tell(ClusterEvent(cluster_event::Down{the_node, Incarnation(1), "its machine is off"}));
  cluster.advance(20s);
  CHECK(now().reason == "the commit of 'show' has waited for 80 s for an executor");
  CHECK(now().state == RunState::finishing);
  CHECK(end->empty());

  // All is well again.
  cluster.hear(JoinCluster{ClusterId("c"), the_node, Incarnation(2), Term(), "tcp://n:1", 2});
  const Token adopt = cluster.told.adopted->token;
  cluster.told.errand.reset();
  cluster.hear(Inventory{Incarnation(2), adopt.term, adopt.seq, {}});
  answers(ErrandDone());
  CHECK(now().state == RunState::succeeded);
  CHECK(now().reason.empty());
  REQUIRE(end->size() == 1);
  CHECK(end->front().value().state == RunState::succeeded);
  CHECK(tidied->empty());
  answers(ErrandDone());  // what it left is removed
  REQUIRE(tidied->size() == 1);
  bool said = false;
  for (const EventView& event : cluster.answer(ListEvents{.run = run}).events) {
    said = said || event.text.find("'show' is committed, 8") != std::string::npos;
  }
  CHECK(said);
}

TEST_CASE("who waits for the end of a run is answered when it ends") {
  Cluster cluster;
  const RunId run = cluster.submit();
  const auto for_ever = cluster.ask(AwaitEnd{run});
  const auto patient = cluster.ask(AwaitEnd{run, 60s});
  cluster.advance(59s);
  CHECK(for_ever->empty());
  CHECK(patient->empty());
  CHECK(cluster.answer(CancelRun{run, "a test"}).state == RunState::cancelled);
  cluster.advance(10s);
  for (const auto& answers : {for_ever, patient}) {
    REQUIRE(answers->size() == 1);
    CHECK(answers->front().value().state == RunState::cancelled);
  }
  CHECK(cluster.answer(AwaitEnd{run}).state == RunState::cancelled);
}

TEST_CASE("who waits for a run that does not end is told how it is") {
  Cluster cluster;
  const RunId run = cluster.submit();
  const auto patient = cluster.ask(AwaitEnd{run, 2s});
  cluster.advance(1900ms);
  CHECK(patient->empty());
  cluster.advance(200ms);
  REQUIRE(patient->size() == 1);
  CHECK(patient->front().value().state == RunState::running);
  cluster.answer(CancelRun{run, "a test"});
  CHECK(patient->size() == 1);
}

TEST_CASE("a wait beyond all bounds is a long one") {
  Cluster cluster;
  const auto end = cluster.ask(AwaitEnd{cluster.submit(), forever - 1s});
  const auto events = cluster.ask(ListEvents{.after = 1000, .wait = forever});
  cluster.advance(10s);
  CHECK(end->empty());
  CHECK(events->empty());
}

TEST_CASE("who waits for events is answered when there is one") {
  Cluster cluster;
  const RunId run = cluster.submit();
  const EventList before = cluster.answer(ListEvents{.run = run});
  REQUIRE_FALSE(before.events.empty());
  const std::uint64_t last = before.events.back().sequence;
  const auto waiting = cluster.ask(ListEvents{.run = run, .after = last, .wait = 60s});
  cluster.advance(1s);
  cluster.submit();  // an event of another run is none of this one
  cluster.advance(1s);
  CHECK(waiting->empty());
  cluster.answer(CancelRun{run, "a test"});
  cluster.advance(200ms);
  REQUIRE(waiting->size() == 1);
  REQUIRE_FALSE(waiting->front().value().events.empty());
  CHECK(waiting->front().value().events.front().sequence > last);
  CHECK(waiting->front().value().events.front().run == run);
  CHECK(waiting->front().value().events.front().text.find("cancelled by a test") !=
        std::string::npos);
}

TEST_CASE("who waits for events that do not come is answered with none") {
  Cluster cluster;
  const auto waiting = cluster.ask(ListEvents{.after = 1000, .wait = 2s});
  cluster.advance(1900ms);
  CHECK(waiting->empty());
  cluster.advance(300ms);
  REQUIRE(waiting->size() == 1);
  CHECK(waiting->front().value().events.empty());
  CHECK(cluster.answer(ListEvents{.after = 1000}).events.empty());
}

TEST_CASE("a coordinator that ends answers all who wait, once") {
  Cluster cluster;
  const RunId run = cluster.submit();
  const auto end = cluster.ask(AwaitEnd{run});
  const auto events = cluster.ask(ListEvents{.after = 1000, .wait = 60s});
  cluster.coordinator.handle().stop();
  cluster.system.run();
  const auto late = cluster.ask(ListNodes{});
  const auto unavailable = [](const auto& answers) {
    return answers->size() == 1 && !answers->front() &&
           answers->front().error().code == ErrorCode::unavailable;
  };
  CHECK(unavailable(end));
  CHECK(unavailable(events));
  CHECK(unavailable(late));
}
