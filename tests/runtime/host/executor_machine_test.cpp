// An executor obeys what is current and reports until it is heard: each line of the machine's
// drawing, and each fence, as one story.
#include "runtime/host/executor_machine.hpp"

#include "tests/support/catch.hpp"

#include <algorithm>

using namespace troupe;
using namespace troupe::executor_event;

namespace {

const TaskId task{StageId(1), 0};

template <class T, class Effects>
std::vector<T> all(const Effects& effects) {
  std::vector<T> found;
  for (const auto& effect : effects) {
    if (const auto* each = std::get_if<T>(&effect)) found.push_back(*each);
  }
  return found;
}

/// A member of cluster "c", as incarnation 5, told by a leader of term 3.
class Executor {
 public:
  Executor() : machine_({NodeId("n"), Incarnation(5), ClusterId("c"), "tcp://n", 2}) { join(3); }

  ExecutorEffects tell(const ExecutorEvent& event) { return machine_.on(event, Instant(1h)); }
  ExecutorEffects command(Command command) { return tell(Received{std::move(command)}); }
  void join(std::uint64_t term) {
    tell(SessionUp{});
    command(Joined{ClusterId("c"), Term(term), machine_.incarnation()});
    REQUIRE(machine_.joined());
  }
  Token token(std::uint64_t attempt, std::uint64_t term = 3) const {
    return {ClusterId("c"),         Term(term), RunId(7), Attempt(1), task, Attempt(attempt),
            machine_.incarnation(), 1};
  }
  AttemptKey key(std::uint64_t attempt) const { return {RunId(7), task, Attempt(attempt)}; }
  ExecutorEffects deploy(std::uint64_t attempt) {
    DeployTask deploy;
    deploy.token = token(attempt);
    return command(deploy);
  }
  void run(std::uint64_t attempt) {
    REQUIRE(all<executor_effect::OpenTask>(deploy(attempt)).size() == 1);
    tell(TaskOpened{key(attempt)});
    const auto started = command(StartTask{token(attempt)});
    REQUIRE(all<executor_effect::RunTask>(started).size() == 1);
  }
  HeldState state(std::uint64_t attempt) const {
    for (const HeldTask& held : machine_.held()) {
      if (key_of(held) == key(attempt)) return held.state;
    }
    FAIL("attempt " << attempt << " is not held");
    return {};
  }
  std::size_t held() const { return machine_.held().size(); }
  const ExecutorMachine& machine() const { return machine_; }

 private:
  ExecutorMachine machine_;
};

/// The one report of this kind.
template <class R>
R reported(const ExecutorEffects& effects) {
  std::vector<R> found;
  for (const auto& send : all<executor_effect::Send>(effects)) {
    if (const auto* report = std::get_if<R>(&send.report)) found.push_back(*report);
  }
  REQUIRE(found.size() == 1);
  return found.front();
}

void check_refused(const ExecutorEffects& effects, CommandRefusal refusal) {
  REQUIRE(effects.size() == 1);
  REQUIRE(std::holds_alternative<executor_effect::RefuseCommand>(effects.front()));
  INFO(to_string(std::get<executor_effect::RefuseCommand>(effects.front()).refusal));
  CHECK(std::get<executor_effect::RefuseCommand>(effects.front()).refusal == refusal);
}

}  // namespace

TEST_CASE("a session begins with a request to join, which names all that was seen") {
  Executor node;
  node.join(4);
  const auto join = reported<JoinCluster>(node.tell(SessionUp{}));
  CHECK(join.cluster == ClusterId("c"));
  CHECK(join.incarnation == Incarnation(5));
  CHECK(join.term_seen == Term(4));
  CHECK(join.slots == 2);
  CHECK_FALSE(node.machine().joined());
}

TEST_CASE("a task goes from deployed to finished, and is acknowledged once") {
  Executor node;
  node.deploy(1);
  CHECK(node.state(1) == HeldState::deploying);
  CHECK(reported<TaskReady>(node.tell(TaskOpened{node.key(1)})).token.attempt == Attempt(1));
  CHECK(node.state(1) == HeldState::ready);
  node.command(StartTask{node.token(1)});
  CHECK(node.state(1) == HeldState::running);
  CHECK(node.command(StartTask{node.token(1)}).empty());  // said again after a failover
  TaskFinished done;
  done.sink = "out";
  const auto finished = reported<TaskFinished>(node.tell(TaskDone{node.key(1), done}));
  CHECK(finished.sink == "out");
  CHECK(finished.token.run == RunId(7));
  CHECK(node.state(1) == HeldState::finished);
  // Kept until the run is released, but not said again once it was heard.
  node.command(AckReport{node.token(1)});
  CHECK(node.command(Adopt{node.token(0)}).size() == 1);
  CHECK(all<executor_effect::DropOutputs>(node.command(ReleaseRun{node.token(0)})).size() == 1);
  CHECK(node.held() == 0);
}

TEST_CASE("an end that was not acknowledged is said again in every session") {
  Executor node;
  node.run(1);
  node.tell(TaskDone{node.key(1), {}});
  for (int session = 0; session < 3; ++session) {
    node.tell(SessionDown{});
    node.join(3);
    Adopt adopt{node.token(0)};
    adopt.token.seq = 40 + static_cast<std::uint64_t>(session);
    const ExecutorEffects answer = node.command(adopt);
    const auto list = reported<Inventory>(answer);
    CHECK(list.adopt_seq == adopt.token.seq);
    CHECK(list.term_seen == Term(3));
    REQUIRE(list.held.size() == 1);
    CHECK(list.held[0].state == HeldState::finished);
    CHECK(reported<TaskFinished>(answer).token.attempt == Attempt(1));
  }
}

TEST_CASE("neither a lost session nor a new leader stops a task") {
  Executor node;
  node.run(1);
  CHECK(node.tell(SessionDown{}).empty());
  CHECK(node.state(1) == HeldState::running);
  CHECK(node.tell(TaskMoved{node.key(1), {}}).empty());  // nobody to tell
  node.join(9);
  CHECK(node.state(1) == HeldState::running);
}

TEST_CASE("a command of another cluster, term or incarnation changes nothing") {
  Executor node;
  node.run(1);
  node.join(5);
  CancelTask cancel{node.token(1, 5), "stop"};
  SECTION("cluster") {
    cancel.token.cluster = ClusterId("other");
    check_refused(node.command(cancel), CommandRefusal::wrong_cluster);
  }
  SECTION("term") {
    cancel.token.term = Term(4);
    check_refused(node.command(cancel), CommandRefusal::stale_term);
  }
  SECTION("incarnation") {
    cancel.token.incarnation = Incarnation(4);
    check_refused(node.command(cancel), CommandRefusal::stale_incarnation);
  }
  SECTION("before it has joined") {
    node.tell(SessionUp{});
    check_refused(node.command(cancel), CommandRefusal::not_joined);
  }
  SECTION("a welcome of an earlier leader") {
    node.tell(SessionUp{});
    check_refused(node.command(Joined{ClusterId("c"), Term(4), Incarnation(5)}),
                  CommandRefusal::stale_term);
  }
  CHECK(node.state(1) == HeldState::running);
  CHECK(node.machine().term_seen() == Term(5));
}

TEST_CASE("a higher term in a command is remembered: the leader before it is over") {
  Executor node;
  node.run(1);
  node.command(Adopt{node.token(0, 8)});
  CHECK(node.machine().term_seen() == Term(8));
  check_refused(node.command(CancelTask{node.token(1, 3), "late"}), CommandRefusal::stale_term);
}

TEST_CASE("attempts of a task only grow: a newer one stops the older, an older is refused") {
  Executor node;
  node.run(2);
  const ExecutorEffects effects = node.deploy(4);
  REQUIRE(all<executor_effect::StopTask>(effects).size() == 1);
  CHECK(all<executor_effect::StopTask>(effects)[0].key == node.key(2));
  check_refused(node.deploy(3), CommandRefusal::stale_attempt);
  check_refused(node.deploy(4), CommandRefusal::stale_attempt);
  CHECK(reported<TaskStopped>(node.tell(TaskGone{node.key(2)})).token.attempt == Attempt(2));
  CHECK(node.held() == 1);
}

TEST_CASE("an attempt that was cancelled before it came is never opened") {
  Executor node;
  CHECK(reported<TaskStopped>(node.command(CancelTask{node.token(6), "over"})).token.attempt ==
        Attempt(6));
  check_refused(node.deploy(6), CommandRefusal::stale_attempt);
  CHECK(node.held() == 0);
}

TEST_CASE("a released run does not come back, whatever was still under way") {
  Executor node;
  node.run(1);
  CHECK(all<executor_effect::StopTask>(node.command(ReleaseRun{node.token(0)})).size() == 1);
  check_refused(node.deploy(2), CommandRefusal::ended_run);
  node.tell(TaskGone{node.key(1)});
  CHECK(node.held() == 0);
}

TEST_CASE("a task that is being stopped says nothing but that it stopped") {
  Executor node;
  node.run(1);
  node.command(CancelTask{node.token(1), "over"});
  CHECK(node.state(1) == HeldState::running);  // as far as anybody else is concerned
  CHECK(node.command(CancelTask{node.token(1), "over"}).empty());
  CHECK(node.tell(TaskDone{node.key(1), {}}).empty());
  CHECK(node.tell(TaskBroke{node.key(1), {}}).empty());
  CHECK(reported<TaskStopped>(node.tell(TaskGone{node.key(1)})).token.attempt == Attempt(1));
}

TEST_CASE("a failed attempt is forgotten when its failure was heard") {
  Executor node;
  node.run(1);
  TaskFailed failed;
  failed.failure = FailureClass::resource;
  CHECK(reported<TaskFailed>(node.tell(TaskBroke{node.key(1), failed})).failure ==
        FailureClass::resource);
  CHECK(node.state(1) == HeldState::failed);
  CHECK(all<executor_effect::DropOutputs>(node.command(AckReport{node.token(1)})).size() == 1);
  CHECK(node.held() == 0);
}

TEST_CASE("a start for what is not here, or not open yet, is refused and told") {
  Executor node;
  check_refused(node.command(StartTask{node.token(1)}), CommandRefusal::unknown_task);
  node.deploy(1);
  check_refused(node.command(StartTask{node.token(1)}), CommandRefusal::unknown_task);
}

TEST_CASE("whoever is refused is told as which incarnation it may come back") {
  Executor node;
  node.tell(SessionUp{});
  const auto expelled = all<executor_effect::Expelled>(
      node.command(JoinRefused{Term(3), Incarnation(5), Incarnation(8), "it is over"}));
  REQUIRE(expelled.size() == 1);
  CHECK(expelled[0].highest == Incarnation(8));
  // Said to another incarnation, or by an earlier leader: not to us.
  check_refused(node.command(JoinRefused{Term(3), Incarnation(4), Incarnation(8), ""}),
                CommandRefusal::stale_incarnation);
  check_refused(node.command(JoinRefused{Term(2), Incarnation(5), Incarnation(8), ""}),
                CommandRefusal::stale_incarnation);
}

namespace {

/// The commands by which an errand is asked for, in two parts.
std::vector<DoErrand> errand(const Executor& node, std::uint64_t number, std::uint64_t seq,
                             std::uint64_t term = 3) {
  Errand wanted;
  wanted.run_uid = RunUid("uid");
  wanted.plan = std::make_shared<const std::string>("plan");
  wanted.vertex = "out";
  wanted.committables = {{"rows", 1}};
  const std::string content = encode_errand(wanted);
  DoErrand first{node.token(0, term), number, 0, 2, content.substr(0, 16)};
  DoErrand second{node.token(0, term), number, 1, 2, content.substr(16)};
  first.token.seq = seq;
  second.token.seq = seq + 1;
  return {first, second};
}
const ErrandKey commit_of_out{RunId(7), "out"};

}  // namespace

TEST_CASE("an errand begins with its last part, and its answer names what was asked") {
  Executor node;
  const auto commands = errand(node, 9, 10);
  CHECK(node.command(commands[0]).empty());
  const auto begun = all<executor_effect::RunErrand>(node.command(commands[1]));
  REQUIRE(begun.size() == 1);
  CHECK(begun[0].key == commit_of_out);
  CHECK(begun[0].errand.committables == std::vector<Committable>{{"rows", 1}});
  const auto done = reported<ErrandDone>(node.tell(ErrandOver{commit_of_out, {}}));
  CHECK(done.number == 9);
  CHECK(done.token.run == RunId(7));
  CHECK(done.token.term == Term(3));
  CHECK(node.machine().errands() == 0);
}

TEST_CASE("an errand that failed is told with its error, in full") {
  Executor node;
  for (const DoErrand& command : errand(node, 9, 10)) node.command(command);
  const Error error = make_error(ErrorCode::unavailable, "the storage is away");
  const auto failed = reported<ErrandFailed>(node.tell(ErrandOver{commit_of_out, error}));
  CHECK(failed.number == 9);
  CHECK(failed.error == error);
}

TEST_CASE("who asks for an errand that is being done is answered when it was done once more") {
  Executor node;
  for (const DoErrand& command : errand(node, 9, 10)) node.command(command);
  node.join(4);
  for (const DoErrand& command : errand(node, 2, 5, 4)) {
    CHECK(all<executor_effect::RunErrand>(node.command(command)).empty());
  }
  // Rows that came after it had looked would stay: so it looks again.
  const auto over = node.tell(ErrandOver{commit_of_out, {}});
  REQUIRE(over.size() == 1);
  CHECK(all<executor_effect::RunErrand>(over).front().errand.vertex == "out");
  const auto done = reported<ErrandDone>(node.tell(ErrandOver{commit_of_out, {}}));
  CHECK(done.number == 2);
  CHECK(done.token.term == Term(4));
  CHECK(node.tell(ErrandOver{commit_of_out, {}}).empty());
}

TEST_CASE("a command of an errand that was heard before, or lacks its first part, is refused") {
  Executor node;
  const auto commands = errand(node, 9, 10);
  check_refused(node.command(commands[1]), CommandRefusal::stale_errand);
  node.command(commands[0]);
  check_refused(node.command(commands[0]), CommandRefusal::stale_errand);
  CHECK(all<executor_effect::RunErrand>(node.command(commands[1])).size() == 1);
  node.tell(ErrandOver{commit_of_out, {}});
  check_refused(node.command(commands[0]), CommandRefusal::stale_errand);
  check_refused(node.command(commands[1]), CommandRefusal::stale_errand);
  // What came of another session is no part of this one's.
  node.command(errand(node, 10, 20)[0]);
  node.join(3);
  check_refused(node.command(errand(node, 10, 20)[1]), CommandRefusal::stale_errand);
}
