// What an executor does about its attempts, in order: each test is a story of calls, told by the
// hands of the driver as one line a call.
#include "runtime/host/executor_driver.hpp"

#include "runtime/base/node_fault.hpp"
#include "runtime/exec/router.hpp"
#include "tests/runtime/exec/fakes.hpp"
#include "tests/runtime/host/stepped_run.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;

namespace {

using Lines = std::vector<std::string>;

const TaskId task{StageId(1), 0};

AttemptKey key(std::uint64_t attempt) { return {RunId(7), task, Attempt(attempt)}; }

/// Writes down what it is asked for.
class Hands : public ExecutorHands {
 public:
  void send(Report report) override {
    if (const auto* failed = std::get_if<TaskFailed>(&report)) last_failure = *failed;
    if (const auto* finished = std::get_if<TaskFinished>(&report)) last_finished = *finished;
    if (const auto* held = std::get_if<Inventory>(&report)) last_inventory = *held;
    const char* names[] = {"JoinCluster",  "TaskReady",  "TaskSnapshotted", "SourcesEnded",
                           "TaskFinished", "TaskFailed", "TaskStopped",     "TaskProgress",
                           "Inventory",    "ErrandDone", "ErrandFailed"};
    say("send {}", names[report.index()]);
  }
  void fetch(std::uint64_t number, SnapshotOrder order) override {
    say("fetch {}: {} of {}, as {}", number, order.files.at(0).file.name, order.run, order.tag);
    last_order = std::move(order);
  }
  void stop_fetch(std::uint64_t number) override { say("stop fetch {}", number); }
  void build(const DeployTask& deploy) override {
    say("build {}", deploy.token.attempt);
    last_built = deploy;
  }
  void open(const AttemptKey& key, const Deployment&, const JobName& job) override {
    say("open {} of {}", key.attempt, job);
  }
  void run(const AttemptKey& key) override { say("run {}", key.attempt); }
  void stop(const AttemptKey& key) override { say("stop {}", key.attempt); }
  void over(const AttemptKey& key, const Deployment* deployment, AttemptOutcome outcome) override {
    say("over {} {}{}", key.attempt, to_string(outcome), deployment == nullptr ? ", unbuilt" : "");
  }
  void moved(const AttemptKey& key, const TaskCounters&) override { say("moved {}", key.attempt); }
  void errand(const ErrandKey& key, Errand errand) override {
    say("errand {} '{}' of {}", to_string(errand.kind), key.vertex, key.run);
  }
  void drop(const std::string& path) override { say("drop {}", path); }
  void forget(RunId run) override { say("forget {}", run); }
  void refused(const executor_effect::RefuseCommand& refused) override {
    say("refused {}", to_string(refused.refusal));
  }
  void expelled(const executor_effect::Expelled& expelled) override {
    say("expelled: {}", expelled.reason);
  }

  Lines told() { return std::exchange(lines_, {}); }
  SnapshotOrder last_order;
  DeployTask last_built;
  Inventory last_inventory;
  TaskFailed last_failure;
  TaskFinished last_finished;

 private:
  template <class... Args>
  void say(fmt::format_string<Args...> text, Args&&... args) {
    lines_.push_back(fmt::format(text, std::forward<Args>(args)...));
  }
  Lines lines_;
};

Token token(std::uint64_t attempt, std::uint64_t term = 3) {
  return {ClusterId("c"), Term(term),       RunId(7),       Attempt(1),
          task,           Attempt(attempt), Incarnation(5), 1};
}

DeployTask deploy(std::uint64_t attempt) {
  DeployTask made;
  made.token = token(attempt);
  made.job = JobName("job");
  return made;
}

/// A member of cluster "c", as incarnation 5, told by a leader of term 3.
struct Executor {
  Executor() {
    driver.begin();
    join();
    hands.told();
  }
  void join() {
    driver.session_up();
    driver.obey(Joined{ClusterId("c"), Term(3), Incarnation(5)});
  }
  void open(std::uint64_t attempt) {
    driver.obey(deploy(attempt));
    driver.built(key(attempt), {});
    driver.obey(StartTask{token(attempt)});
    REQUIRE(hands.told().back() == fmt::format("run {}", attempt));
  }

  Hands hands;
  StillClock clock;
  KeptFiles kept{system_files(), "/kept"};
  SnapshotStore snapshots{system_files(), "/state"};
  ExecutorDriver driver{
      {NodeId("n"), Incarnation(5), ClusterId("c"), "tcp://n", 2}, kept, snapshots, hands, clock};
};

}  // namespace

TEST_CASE("what is told before the directory is empty is heard afterwards, in its order") {
  Hands hands;
  StillClock clock;
  KeptFiles kept(system_files(), "/kept");
  SnapshotStore snapshots(system_files(), "/state");
  ExecutorDriver driver({NodeId("n"), Incarnation(5), ClusterId("c"), "tcp://n", 2}, kept,
                        snapshots, hands, clock);
  driver.session_up();
  driver.obey(Joined{ClusterId("c"), Term(3), Incarnation(5)});
  driver.obey(deploy(1));
  driver.obey(ReleaseRun{token(0)});
  CHECK(hands.told().empty());
  driver.begin();
  CHECK(hands.told() == Lines{"send JoinCluster", "build 1"});
  driver.built(key(1), {});
  CHECK(hands.told() == Lines{"over 1 stopped, unbuilt", "drop /kept/run-7/r7-t1.0-a1",
                              "send TaskStopped", "forget 7", "drop /kept/run-7"});
}

TEST_CASE("a task is built, opened, run and reported with what it has staged") {
  Executor node;
  node.driver.obey(deploy(1));
  CHECK(node.hands.told() == Lines{"build 1"});
  Deployment deployment;
  deployment.sink = "out";
  node.driver.built(key(1), deployment);
  CHECK(node.hands.told() == Lines{"open 1 of job", "send TaskReady"});
  node.driver.obey(StartTask{token(1)});
  CHECK(node.hands.told() == Lines{"run 1"});
  node.driver.ended({key(1), {}, {{"file", 3}}});
  CHECK(node.hands.told() == Lines{"over 1 finished", "send TaskFinished"});
  CHECK(node.hands.last_finished.sink == "out");
  CHECK(node.hands.last_finished.committables == std::vector<Committable>{{"file", 3}});
  CHECK(node.driver.attempts() == 0);
}

TEST_CASE("a failure is told by its class; one of a channel is its peer's, with what is lost") {
  Executor node;
  node.driver.obey(deploy(1));
  node.hands.told();
  node.driver.not_built(key(1), make_error(ErrorCode::invalid_argument, "no such plan"));
  CHECK(node.hands.told() == Lines{"over 1 not_built, unbuilt", "send TaskFailed"});
  CHECK(node.hands.last_failure.failure == FailureClass::user_error);

  node.open(2);
  node.driver.ended({key(2), node_fault(make_error(ErrorCode::unavailable, "disk full"))});
  CHECK(node.hands.told() == Lines{"over 2 failed", "send TaskFailed"});
  CHECK(node.hands.last_failure.failure == FailureClass::node_fault);
  CHECK(node.hands.last_failure.lost_inputs.empty());

  node.driver.obey(deploy(3));
  Deployment broken;
  const TaskPeer lost{{StageId(0), 1}, Attempt(4), NodeId("m")};
  broken.failures->lost_inputs = {lost};
  broken.failures->peer_lost = true;
  node.driver.built(key(3), broken);
  node.driver.obey(StartTask{token(3)});
  node.driver.ended({key(3), make_error(ErrorCode::not_found, "it is gone")});
  CHECK(node.hands.last_failure.failure == FailureClass::node_lost);
  CHECK(node.hands.last_failure.lost_inputs == std::vector<TaskPeer>{lost});
}

TEST_CASE("a task that is stopped is gone when nothing of it is left, and so are its files") {
  Executor node;
  node.open(1);
  node.driver.obey(CancelTask{token(1), "superseded"});
  CHECK(node.hands.told() == Lines{"stop 1"});
  SECTION("cancelled in time") {
    node.driver.ended({key(1), make_error(ErrorCode::cancelled, "cancelled")});
  }
  SECTION("or done just before: nobody wants it any more") { node.driver.ended({key(1)}); }
  CHECK(node.hands.told() ==
        Lines{"over 1 stopped", "drop /kept/run-7/r7-t1.0-a1", "send TaskStopped", "forget 7"});
}

TEST_CASE("a task that is stopped while it is built never opens") {
  Executor node;
  node.driver.obey(deploy(1));
  node.driver.obey(CancelTask{token(1), "superseded"});
  CHECK(node.hands.told() == Lines{"build 1"});
  SECTION("built") { node.driver.built(key(1), {}); }
  SECTION("not built") { node.driver.not_built(key(1), make_error(ErrorCode::internal, "no")); }
  CHECK(node.hands.told() == Lines{"over 1 stopped, unbuilt", "drop /kept/run-7/r7-t1.0-a1",
                                   "send TaskStopped", "forget 7"});
}

TEST_CASE("what a finished attempt keeps goes when it is cancelled") {
  Executor node;
  node.open(1);
  node.driver.ended({key(1)});
  node.hands.told();
  node.driver.obey(CancelTask{token(1), "superseded"});
  CHECK(node.hands.told() == Lines{"drop /kept/run-7/r7-t1.0-a1", "send TaskStopped", "forget 7"});
}

TEST_CASE("a run is forgotten with its last attempt, and its directory when it is released") {
  Executor node;
  node.open(1);
  SECTION("not by a release of a leader that is over") {
    node.driver.obey(ReleaseRun{token(0, 2)});
    CHECK(node.hands.told() == Lines{"refused stale_term"});
    node.driver.obey(CancelTask{token(1), ""});
    node.driver.ended({key(1)});
    CHECK(node.hands.told().back() == "forget 7");
  }
  SECTION("and not before its attempts have ended") {
    node.driver.obey(ReleaseRun{token(0)});
    CHECK(node.hands.told() == Lines{"stop 1"});
    node.driver.ended({key(1)});
    CHECK(node.hands.told() == Lines{"over 1 stopped", "drop /kept/run-7/r7-t1.0-a1",
                                     "send TaskStopped", "forget 7", "drop /kept/run-7"});
  }
  SECTION("at once where none is left") {
    node.driver.ended({key(1)});
    node.hands.told();
    node.driver.obey(ReleaseRun{token(0)});
    CHECK(node.hands.told() ==
          Lines{"drop /kept/run-7/r7-t1.0-a1", "forget 7", "drop /kept/run-7"});
  }
  SECTION("the directory of one that was forgotten before goes then") {
    node.driver.obey(CancelTask{token(1), ""});
    node.driver.ended({key(1)});
    node.hands.told();
    node.driver.obey(ReleaseRun{token(0)});
    CHECK(node.hands.told() == Lines{"drop /kept/run-7"});
  }
  SECTION("a run whose tasks have all stopped may come again: its directory stays") {
    node.driver.obey(CancelTask{token(1), ""});
    node.driver.ended({key(1)});
    CHECK(node.hands.told().back() == "forget 7");
    node.open(2);
    node.driver.ended({key(2), make_error(ErrorCode::internal, "no")});
    node.driver.obey(AckReport{token(2)});
    CHECK(node.hands.told() ==
          Lines{"over 2 failed", "send TaskFailed", "drop /kept/run-7/r7-t1.0-a2", "forget 7"});
  }
  SECTION("nor while another attempt of it is held") {
    node.open(2);
    node.driver.obey(CancelTask{token(1), ""});
    node.driver.ended({key(1)});
    CHECK(node.hands.told().back() == "send TaskStopped");
  }
}

TEST_CASE("progress is that of tasks that are open and not being stopped") {
  Executor node;
  const auto make = [] {
    Task::Parts parts;
    parts.host = std::make_shared<ManualHost>();
    parts.gate = std::make_unique<InputGate>(std::vector<InputGate::Input>(1));
    parts.output = std::make_shared<Router>(std::vector<Router::Edge>());
    Deployment deployment;
    deployment.task = std::make_shared<Task>(std::move(parts), system_clock());
    return deployment;
  };
  node.driver.obey(deploy(1));
  node.hands.told();
  node.driver.report_progress();
  CHECK(node.hands.told().empty());
  node.driver.built(key(1), make());
  node.driver.obey(StartTask{token(1)});
  node.hands.told();
  node.driver.report_progress();
  CHECK(node.hands.told() == Lines{"moved 1", "send TaskProgress"});
  node.driver.obey(CancelTask{token(1), ""});
  node.hands.told();
  node.driver.report_progress();
  CHECK(node.hands.told().empty());
}

namespace {

StoredSnapshot stored(const std::string& name) { return {{name}, {NodeId("m")}}; }

/// Of a task that goes on from epoch 4.
DeployTask restoring(std::uint64_t attempt) {
  DeployTask made = deploy(attempt);
  made.run_uid = RunUid("uid");
  made.epochs.takes_part = true;
  made.epochs.restore = Epoch(4);
  made.epochs.files = {stored("file")};
  made.nodes = {{NodeId("m"), Incarnation(2), "tcp://m"}};
  return made;
}

void ask_to_copy(Executor& node, std::uint64_t number) {
  Errand copy;
  copy.kind = ErrandKind::copy_snapshots;
  copy.run_uid = RunUid("uid");
  copy.copy = 3;
  copy.files = {stored("file")};
  DoErrand command{token(0), number, 0, 1, encode_errand(copy)};
  command.token.seq = number;
  node.driver.obey(command);
}

}  // namespace

TEST_CASE("a task that goes on from an epoch is built when its state files are here") {
  Executor node;
  node.driver.obey(restoring(1));
  CHECK(node.hands.told() == Lines{"fetch 1: file of uid, as 5-1"});
  CHECK(node.hands.last_order.nodes.front().address == "tcp://m");
  StoredSnapshot here = stored("file");
  here.nodes.push_back(NodeId("n"));
  node.driver.fetched(1, std::vector{here});
  CHECK(node.hands.told() == Lines{"build 1"});
  // So what it acknowledges next names this node, too.
  CHECK(node.hands.last_built.epochs.files == std::vector{here});
  CHECK(node.hands.last_built.epochs.restore == Epoch(4));
  node.driver.built(key(1), {});
  CHECK(node.hands.told() == Lines{"open 1 of job", "send TaskReady"});
}

TEST_CASE("why state files cannot be had decides what becomes of their task") {
  Executor node;
  node.driver.obey(restoring(1));
  node.hands.told();
  const Error away = make_error(ErrorCode::unavailable, "node m is away");
  const Error lost = make_error(ErrorCode::corrupt, "no good copy is left of 'file'");
  const auto [why, failure] =
      GENERATE_COPY(table<Error, FailureClass>({{away, FailureClass::node_lost},
                                                {lost, FailureClass::state_lost},
                                                {node_fault(lost), FailureClass::node_fault},
                                                {node_fault(away), FailureClass::node_fault}}));
  node.driver.fetched(1, why);
  CHECK(node.hands.told() == Lines{"over 1 not_built, unbuilt", "send TaskFailed"});
  CHECK(node.hands.last_failure.failure == failure);
  CHECK(node.hands.last_failure.error.code == why.code);
  CHECK(node.hands.last_failure.error.message ==
        "task 1.0 cannot go on from epoch 4 of its run: " + why.message);
}

TEST_CASE("a task that is stopped while its state files come is never built") {
  Executor node;
  node.driver.obey(restoring(1));
  node.driver.obey(CancelTask{token(1), "superseded"});
  CHECK(node.hands.told() == Lines{"fetch 1: file of uid, as 5-1", "stop fetch 1"});
  SECTION("in time") { node.driver.fetched(1, make_error(ErrorCode::cancelled, "cancelled")); }
  SECTION("or when they were here") { node.driver.fetched(1, std::vector{stored("file")}); }
  CHECK(node.hands.told() == Lines{"over 1 stopped, unbuilt", "drop /kept/run-7/r7-t1.0-a1",
                                   "send TaskStopped", "forget 7"});
}

TEST_CASE("an errand that copies is a fetch, and its answer what came of it") {
  Executor node;
  ask_to_copy(node, 1);
  CHECK(node.hands.told() == Lines{"fetch 1: file of uid, as 5-1"});
  SECTION("done") {
    node.driver.fetched(1, std::vector{stored("file")});
    CHECK(node.hands.told() == Lines{"send ErrandDone"});
  }
  SECTION("not done") {
    node.driver.fetched(1, make_error(ErrorCode::unavailable, "node m is away"));
    CHECK(node.hands.told() == Lines{"send ErrandFailed"});
  }
}

TEST_CASE("state files go when their run is over for good, and when nobody could write another") {
  Executor node;
  ReleaseRun release{token(0), RunUid("uid"), true};
  SECTION("where nothing of it is left, at once") {
    node.driver.obey(release);
    CHECK(node.hands.told() == Lines{"drop /kept/run-7", "drop /state/uid"});
  }
  SECTION("not those of a run that somebody may go on from") {
    release.for_good = false;
    node.driver.obey(release);
    CHECK(node.hands.told() == Lines{"drop /kept/run-7"});
  }
  SECTION("not before its last task has ended") {
    node.open(1);
    node.driver.obey(release);
    CHECK(node.hands.told() == Lines{"stop 1"});
    node.driver.ended({key(1)});
    CHECK(node.hands.told() == Lines{"over 1 stopped", "drop /kept/run-7/r7-t1.0-a1",
                                     "send TaskStopped", "forget 7", "drop /kept/run-7",
                                     "drop /state/uid"});
  }
  SECTION("not before what copies them has ended, which is stopped") {
    ask_to_copy(node, 1);
    node.hands.told();
    node.driver.obey(release);
    CHECK(node.hands.told() == Lines{"stop fetch 1"});
    node.driver.fetched(1, make_error(ErrorCode::cancelled, "cancelled"));
    CHECK(node.hands.told() == Lines{"send ErrandFailed", "drop /kept/run-7", "drop /state/uid"});
  }
  SECTION("never those of all runs, whatever is said") {
    release.lineage = RunUid(GENERATE("", ".", "..", "uid/.."));
    node.driver.obey(release);
    CHECK(node.hands.told() == Lines{"drop /kept/run-7"});
  }
}

TEST_CASE("files that nobody needs are dropped by name, and what is no name is left alone") {
  Executor node;
  node.driver.obey(DropSnapshots{token(0), RunUid("uid"), {"one", "../two", "", "three"}});
  CHECK(node.hands.told() == Lines{"drop /state/uid/one", "drop /state/uid/three"});
  node.driver.obey(DropSnapshots{token(0, 2), RunUid("uid"), {"one"}});
  CHECK(node.hands.told() == Lines{"refused stale_term"});
}

TEST_CASE("every list of what is held says of which runs there are state files") {
  Hands hands;
  StillClock clock;
  KeptFiles kept(system_files(), "/kept");
  SnapshotStore snapshots(system_files(), "/state");
  ExecutorDriver driver({NodeId("n"), Incarnation(5), ClusterId("c"), "tcp://n", 2}, kept,
                        snapshots, hands, clock);
  driver.session_up();
  driver.begin({RunUid("old"), RunUid("older")});
  driver.obey(Joined{ClusterId("c"), Term(3), Incarnation(5)});
  const auto listed = [&] {
    driver.obey(Adopt{token(0)});
    return hands.last_inventory.snapshots;
  };
  CHECK(listed() == std::vector{RunUid("old"), RunUid("older")});
  DeployTask stream = restoring(1);
  stream.epochs.files.clear();
  driver.obey(stream);
  DeployTask shared = restoring(2);
  shared.run_uid = RunUid("shared");
  shared.epochs.directory = "/shared";
  driver.obey(shared);
  CHECK(listed() == std::vector{RunUid("old"), RunUid("older"), RunUid("uid")});
  ReleaseRun release{token(0), RunUid("older"), true};
  release.token.run = RunId(3);
  driver.obey(release);
  release.lineage = RunUid("old");
  release.for_good = false;
  driver.obey(release);
  CHECK(listed() == std::vector{RunUid("old"), RunUid("uid")});
}

TEST_CASE("whoever is refused is told so, and the session's end is the machine's to know") {
  Executor node;
  node.driver.session_down();
  node.driver.obey(deploy(1));
  CHECK(node.hands.told() == Lines{"refused not_joined"});
  node.join();
  node.driver.obey(JoinRefused{Term(3), Incarnation(5), Incarnation(8), "it was fenced"});
  CHECK(node.hands.told() == Lines{"send JoinCluster", "expelled: it was fenced"});
}
