// What the coordinator's driver promises whatever its hands are made of: one transaction at a time,
// whatever is decided meanwhile in the next one, answers of looks before the word that rows are
// durable, effects in order, and nothing at all after a write that failed. The machine in it is the
// real one; its runs have one task, on one node.
#include "runtime/coordinator/coordinator_driver.hpp"

#include "runtime/protocol/message_text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/sim_store.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

using namespace troupe;
using Until = CoordinatorDriver::Until;

namespace {

const NodeId n1{"n1"};
const ClusterId cluster{"c"};

/// Hands that do nothing by themselves: a test says when a transaction is over. What they are told
/// to do is noted, in order.
class Hands final : public CoordinatorHands {
 public:
  void decided(const Effects&) override {
    ++decisions;
    if (dies) dies();
  }
  void write(StoreSteps steps) override {
    CHECK(writing.empty());
    writing = std::move(steps);
    note("write");
  }
  void send(effect::Send sent) override {
    note(std::string("send ") + name_of(sent.command));
    if (const auto* adopt = std::get_if<Adopt>(&sent.command)) asked = adopt->token.seq;
    if (const auto* deploy = std::get_if<DeployTask>(&sent.command)) task = deploy->token;
    if (const auto* command = std::get_if<DoErrand>(&sent.command)) errand = *command;
  }
  void plan(effect::PlanTasks work) override {
    note("plan");
    planned.push_back(work.run);
  }
  void refused(const effect::RefuseReport&) override { note("refused"); }
  void run_ended(const effect::RunEnded& run) override { note(fmt::format("ended {}", run.run)); }
  void wake_at(std::optional<Instant> at) override {
    wakes_at = at;
    ++wakes;
  }
  void over(const Error& reason) override { note("over: " + reason.to_string()); }

  void note(std::string what) { done.push_back(std::move(what)); }
  /// What was done since this was asked last.
  std::vector<std::string> news() { return std::exchange(done, {}); }

  StoreSteps writing;
  std::vector<std::string> done;
  std::vector<RunId> planned;
  std::uint64_t asked = 0;
  Token task;
  DoErrand errand;
  std::optional<Instant> wakes_at;
  int wakes = 0;
  int decisions = 0;
  std::function<void()> dies;  ///< while it is told what was decided
};

/// A coordinator, a store that answers when it is told to, and what clients have heard.
struct Coordinator {
  void begin() { driver.begin(store.begin_term(), now); }
  /// The transaction that is under way is durable.
  void write() {
    const StoreSteps steps = std::exchange(hands.writing, {});
    REQUIRE_FALSE(steps.empty());
    driver.written(*store.carry_out(steps), now);
  }
  void write_all() {
    while (!hands.writing.empty()) write();
  }
  void refuse_write() {
    hands.writing.clear();
    driver.written(make_error(ErrorCode::unavailable, "the disk is full"), now);
  }
  void report(Report report) {
    driver.tell(coordinator_event::Received{n1, std::move(report)}, now);
  }
  void join(const NodeId& node = n1) {
    driver.tell(coordinator_event::Received{node, JoinCluster{cluster, node, Incarnation(1), Term(),
                                                              "tcp://" + node.value(), 1}},
                now);
  }
  void submit(const std::string& key = "") {
    Submission submission{JobName("job")};
    submission.plan = std::make_shared<const std::string>("plan");
    submission.key = key;
    driver.submit(std::move(submission), heard(), now);
  }
  CoordinatorDriver::Answer heard() {
    return [this](const Result<RunId>& answer) {
      answers.push_back(answer ? fmt::format("run {}", *answer) : answer.error().to_string());
      hands.note("answer " + answers.back());
    };
  }
  /// A run that is at work on the one node.
  void start_a_run() {
    begin();
    join();
    write_all();
    report(Inventory{Incarnation(1), Term(1), hands.asked, {}});
    submit();
    write_all();
    TaskGraph graph;
    graph.stages.push_back({StageId(0)});
    driver.tell(coordinator_event::Planned{RunId(1), std::move(graph)}, now);
    write_all();
    report(TaskReady{hands.task});
    write_all();
    static_cast<void>(hands.news());
  }
  void end_the_run() {
    report(TaskFinished{hands.task});
    write_all();
  }
  /// The node has removed what the run left.
  void tidy() {
    report(ErrandDone{hands.errand.token, hands.errand.number});
    write_all();
  }
  std::optional<CoordinatorDriver::Wait> wait(const std::string& who, Until until = Until::tidied) {
    return driver.await_end(RunId(1), until, [this, who](const Result<>& ended) {
      hands.note(who + (ended ? " knows" : " does not"));
    });
  }
  bool has_heard(const std::string& what) {
    const auto news = hands.news();
    return std::find(news.begin(), news.end(), what) != news.end();
  }

  sim::Store store{cluster};
  Hands hands;
  CoordinatorDriver driver{{}, hands};
  std::vector<std::string> answers;
  Instant now{1h};
};

using Done = std::vector<std::string>;

}  // namespace

TEST_CASE("what comes before the store is read waits for it, and keeps its order") {
  Coordinator coordinator;
  coordinator.join();
  coordinator.submit("key");
  coordinator.submit();
  CHECK(coordinator.hands.done.empty());
  coordinator.begin();
  coordinator.write_all();
  CHECK(coordinator.hands.news() == Done{"write", "send Joined", "send Adopt", "answer run 1",
                                         "plan", "write", "answer run 2", "plan"});
}

TEST_CASE("whatever is decided while a transaction is under way is the next one") {
  Coordinator coordinator;
  coordinator.begin();
  coordinator.submit();
  CHECK(coordinator.hands.news() == Done{"write"});
  for (int i = 0; i < 100; ++i) coordinator.submit();
  CHECK(coordinator.hands.news().empty());
  coordinator.write();
  CHECK(coordinator.hands.done.back() == "write");
  CHECK(coordinator.hands.writing.size() >= 100);
  CHECK(coordinator.answers == Done{"run 1"});
  coordinator.write_all();
  CHECK(coordinator.answers.size() == 101);
  CHECK(coordinator.driver.writes() < 5);
}

TEST_CASE("the answer of a look is told before rows of its transaction are durable") {
  // The second look stands before the row of the first in one transaction: it does not find that
  // row, and once the row is durable nobody but the store knows of it.
  Coordinator coordinator;
  coordinator.begin();
  coordinator.submit("key");
  coordinator.submit("key");
  coordinator.write();
  const StoreSteps& steps = coordinator.hands.writing;
  REQUIRE(steps.size() >= 2);
  CHECK(std::holds_alternative<effect::Look>(steps.front()));
  CHECK(std::holds_alternative<effect::Persist>(steps.back()));
  coordinator.write_all();
  CHECK(coordinator.answers == Done{"run 1", "run 1"});
  CHECK(coordinator.store.all_runs().size() == 1);
}

TEST_CASE("nothing leaves before its row, and then in the order in which it was decided") {
  Coordinator coordinator;
  coordinator.begin();
  coordinator.join();
  CHECK(coordinator.hands.news() == Done{"write"});
  coordinator.write();
  CHECK(coordinator.hands.news() == Done{"send Joined", "send Adopt"});
}

TEST_CASE("a write that fails ends it: nothing leaves any more, and who waits is told why") {
  Coordinator coordinator;
  coordinator.start_a_run();
  REQUIRE(coordinator.driver.await_end(RunId(1), Until::tidied, [&](const Result<>& ended) {
    coordinator.hands.note("wait: " + ended.error().to_string());
  }));
  coordinator.answers.clear();
  coordinator.submit();
  coordinator.report(TaskFinished{coordinator.hands.task});
  CHECK(coordinator.hands.news() == Done{"write"});
  const std::string why =
      "unavailable: the coordinator cannot write its metadata: the disk is full";
  coordinator.refuse_write();
  CHECK(coordinator.hands.news() == Done{"answer " + why, "wait: " + why, "over: " + why});
  const int wakes = coordinator.hands.wakes;
  coordinator.join(NodeId("n2"));
  coordinator.report(TaskFinished{coordinator.hands.task});
  coordinator.driver.tick(coordinator.now + 24h);
  CHECK(coordinator.hands.news().empty());
  CHECK(coordinator.hands.wakes == wakes);
  coordinator.submit();
  CHECK(coordinator.hands.news() == Done{"answer " + why});
}

TEST_CASE("a store that cannot be read ends it before it began") {
  Coordinator coordinator;
  coordinator.submit();
  coordinator.driver.begin(make_error(ErrorCode::corrupt, "no database"), coordinator.now);
  const std::string why = "corrupt: reading the metadata: no database";
  CHECK(coordinator.hands.news() == Done{"answer " + why, "over: " + why});
  coordinator.join();
  CHECK(coordinator.driver.machine() == nullptr);
}

TEST_CASE("metadata that is older than its cluster ends it, and what was decided after stays") {
  Coordinator coordinator;
  coordinator.begin();
  coordinator.driver.tell(coordinator_event::Received{n1, JoinCluster{cluster, n1, Incarnation(1),
                                                                      Term(9), "tcp://n1", 1}},
                          coordinator.now);
  REQUIRE(coordinator.hands.done.size() == 1);
  CHECK(coordinator.hands.done[0].starts_with("over: conflict: node n1 has seen term 9"));
  coordinator.join();
  CHECK(coordinator.hands.done.size() == 1);
}

TEST_CASE("a process that dies says nothing more, to nobody") {
  Coordinator coordinator;
  coordinator.begin();
  coordinator.submit();
  coordinator.driver.abandon();
  coordinator.refuse_write();
  coordinator.join();
  CHECK(coordinator.hands.news() == Done{"write"});
}

TEST_CASE("a process that dies while it hears of a decision hears of no other") {
  Coordinator coordinator;
  coordinator.join();
  coordinator.submit();
  coordinator.hands.dies = [&] {
    if (coordinator.hands.decisions == 2) coordinator.driver.abandon();
  };
  coordinator.begin();
  CHECK(coordinator.hands.decisions == 2);
  CHECK(coordinator.hands.news().empty());
}

TEST_CASE("who waits for the end of a run is told once it is durable, or nothing is left of it") {
  Coordinator coordinator;
  coordinator.start_a_run();
  REQUIRE(coordinator.wait("a"));
  REQUIRE(coordinator.wait("who only asks for its end", Until::ended));
  coordinator.end_the_run();
  const Done news = coordinator.hands.news();
  CHECK(news.front() == "write");
  const Done ended{"ended 1", "who only asks for its end knows", "send ReleaseRun",
                   "send DoErrand"};
  CHECK(std::search(news.begin(), news.end(), ended.begin(), ended.end()) != news.end());
  CHECK(std::count(news.begin(), news.end(), "a knows") == 0);
  CHECK_FALSE(coordinator.wait("who only asks now", Until::ended));
  CHECK(coordinator.hands.news() == Done{"who only asks now knows"});
  REQUIRE(coordinator.wait("b"));
  coordinator.tidy();
  CHECK(coordinator.hands.news() == Done{"a knows", "b knows", "write"});
  CHECK_FALSE(coordinator.wait("c"));
  CHECK(coordinator.hands.news() == Done{"c knows"});
  CHECK(coordinator.hands.wakes_at != coordinator.now + tidy_patience);
}

TEST_CASE("who waits no longer is told at once, and that once") {
  Coordinator coordinator;
  coordinator.start_a_run();
  const auto impatient = coordinator.wait("b");
  REQUIRE(impatient);
  coordinator.driver.wait_no_longer(*impatient);
  CHECK(coordinator.hands.news() == Done{"b knows"});
  coordinator.end_the_run();
  coordinator.tidy();
  coordinator.driver.wait_no_longer(*impatient);
  CHECK_FALSE(coordinator.has_heard("b knows"));
}

TEST_CASE("what a run left and cannot be removed now does not hold back that it has ended") {
  Coordinator coordinator;
  coordinator.start_a_run();
  REQUIRE(coordinator.wait("a"));
  coordinator.end_the_run();
  SECTION("it fails: it is tried again, and nobody waits for that") {
    const DoErrand& errand = coordinator.hands.errand;
    coordinator.report(
        ErrandFailed{errand.token, errand.number, make_error(ErrorCode::unavailable, "away")});
    CHECK(coordinator.has_heard("a knows"));
  }
  SECTION("it hangs: so long, and no longer") {
    const Instant ended = coordinator.now;
    CHECK(coordinator.hands.wakes_at == ended + tidy_patience);
    coordinator.now = ended + tidy_patience - 1ms;
    coordinator.driver.tick(coordinator.now);
    CHECK_FALSE(coordinator.has_heard("a knows"));
    coordinator.now = ended + tidy_patience;
    coordinator.driver.tick(coordinator.now);
    CHECK(coordinator.has_heard("a knows"));
    coordinator.tidy();
    CHECK_FALSE(coordinator.has_heard("a knows"));
  }
}

TEST_CASE("it is woken when something is due, and asks for that once") {
  Coordinator coordinator;
  coordinator.begin();
  CHECK_FALSE(coordinator.hands.wakes_at);
  CHECK(coordinator.hands.wakes == 0);
  coordinator.join();
  coordinator.write_all();

  // A new leader gives the node a lease to show up.
  Hands hands;
  CoordinatorDriver next({.node_lease = 10s}, hands);
  const Instant now = coordinator.now;
  next.begin(coordinator.store.begin_term(), now);
  REQUIRE(hands.wakes_at == now + 10s);
  next.cancel(
      RunId(7), "nobody", [](const Result<RunId>&) {}, now + 1s);
  CHECK(hands.wakes == 1);
  next.tick(now + 9s);  // too early: it asks again
  CHECK(hands.wakes == 2);
  CHECK(hands.wakes_at == now + 10s);
  CHECK(hands.writing.empty());
  next.tick(now + 10s);
  CHECK(hands.wakes == 2);  // nothing more is due
  CHECK(hands.done == Done{"write"});
}
