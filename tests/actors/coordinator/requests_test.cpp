// Every request has its answer, once: from the machine or from the store, at once or when what it
// waits for has happened or will not happen any more.
#include "actors/coordinator/coordinator_actor.hpp"
#include "actors/system/stepped_actor_system.hpp"
#include "runtime/connectors/connectors.hpp"
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

/// A coordinator without nodes, so that runs go on for ever, and a client of it.
struct Cluster {
  Cluster() {
    register_connectors(registry);
    coordinator = spawn_coordinator(system, {},
                                    {store, system.io(), registry, metrics,
                                     [](const NodeId&, Incarnation) { return ExecutorPort(); }});
    control = make_control(coordinator);
  }

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

  SteppedActorSystem system;
  OperatorRegistry registry{system_files()};
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

TEST_CASE("mistakes and notes of a descriptor are answers, and start nothing") {
  Cluster cluster;
  const auto broken = cluster.answer(FromDescriptor<SubmitRun>{.descriptor = "kind: Job\n"});
  CHECK_FALSE(broken.done);
  CHECK_FALSE(broken.mistakes.empty());
  CHECK(cluster.answer(ListRuns{}).runs.empty());
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
