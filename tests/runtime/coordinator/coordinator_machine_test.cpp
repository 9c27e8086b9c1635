// What the coordinator believes of a report: only of a member, only of this history, and of lists
// only the answer to what it asked last. Who hears of it: the run that it is for, and who is given
// what became free. The rest of it is tried by `tests/sim`.
#include "runtime/coordinator/coordinator_machine.hpp"

#include "tests/support/catch.hpp"

using namespace troupe;

namespace {

const NodeId n1{"n1"};

/// A coordinator whose disk is quick: what is to be persisted is durable at once.
class Coordinator {
 public:
  explicit Coordinator(Term term = Term(4)) : machine_(config, image(term), Instant(1h)) {
    carry(machine_.start(Instant(1h)));
  }

  void report(Report report, const NodeId& from = n1) {
    tell(coordinator_event::Received{from, std::move(report)});
  }
  void tell(const CoordinatorEvent& event) {
    const Effects effects = machine_.on(event, Instant(1h));
    heard.insert(machine_.touched().begin(), machine_.touched().end());
    carry(effects);
  }
  void join() { report(JoinCluster{ClusterId("c"), n1, Incarnation(1), Term(2), "tcp://n1", 2}); }
  void bring_slots(std::uint32_t slots) {
    report(JoinCluster{ClusterId("c"), n1, Incarnation(1), Term(2), "tcp://n1", slots});
    report(Inventory{Incarnation(1), Term(4), asked, {}});
  }
  /// Runs of one task each; what they are to do, they do as far as running it.
  void submit(int runs) {
    for (int i = 0; i < runs; ++i) tell(coordinator_event::Submit{0, {JobName("job")}});
  }
  void finish(std::uint64_t run) {
    report(TaskFinished{started.at(RunId(run))});
    started.erase(RunId(run));
  }
  std::size_t queued() const {
    std::size_t count = 0;
    for (const auto& [id, run] : machine_.runs()) count += run->state() == RunState::queued;
    return count;
  }
  MemberState state() const { return machine_.members().members().at(n1).state; }

  std::uint64_t asked = 0;  ///< the number of the last Adopt
  int refused = 0;
  int halted = 0;
  std::map<RunId, Token> started;
  std::set<RunId> heard;  ///< runs that were told something

 private:
  static constexpr CoordinatorConfig config{10s};
  static ClusterImage image(Term term) {
    ClusterImage image;
    image.cluster = ClusterId("c");
    image.term = term;
    return image;
  }
  void carry(const Effects& effects) {
    for (const Effect& effect : effects) {
      if (const auto* persist = std::get_if<effect::Persist>(&effect)) {
        tell(coordinator_event::Persisted{persist->ticket});
      }
      if (const auto* send = std::get_if<effect::Send>(&effect)) {
        obey(send->command);
      }
      if (const auto* plan = std::get_if<effect::PlanTasks>(&effect)) {
        TaskGraph graph;
        graph.stages.push_back({StageId(0)});
        tell(coordinator_event::Planned{plan->run, std::move(graph)});
      }
      refused += std::holds_alternative<effect::RefuseReport>(effect);
      halted += std::holds_alternative<effect::Halt>(effect);
    }
  }
  void obey(const Command& command) {
    if (const auto* adopt = std::get_if<Adopt>(&command)) asked = adopt->token.seq;
    if (const auto* deploy = std::get_if<DeployTask>(&command)) report(TaskReady{deploy->token});
    if (const auto* start = std::get_if<StartTask>(&command)) {
      started[start->token.run] = start->token;
    }
  }

  CoordinatorMachine machine_;
};

Inventory inventory(Term term, std::uint64_t answers) {
  return {Incarnation(1), term, answers, {}};
}

}  // namespace

TEST_CASE("a list counts if it answers the last question") {
  Coordinator coordinator;
  coordinator.join();
  REQUIRE(coordinator.asked > 0);
  CHECK(coordinator.state() == MemberState::adopting);
  coordinator.report(inventory(Term(4), coordinator.asked));
  CHECK(coordinator.state() == MemberState::live);
  CHECK(coordinator.refused == 0);
}

TEST_CASE("a list that answers an earlier question is refused: it lacks what came since") {
  Coordinator coordinator;
  coordinator.join();
  const std::uint64_t first = coordinator.asked;
  coordinator.join();  // a new session
  REQUIRE(coordinator.asked > first);
  coordinator.report(inventory(Term(4), first));
  CHECK(coordinator.state() == MemberState::adopting);
  CHECK(coordinator.refused == 1);
  coordinator.report(inventory(Term(4), coordinator.asked));
  CHECK(coordinator.state() == MemberState::live);
}

TEST_CASE("an earlier leader's question may have had the same number") {
  Coordinator coordinator;
  coordinator.join();
  coordinator.report(inventory(Term(3), coordinator.asked));
  CHECK(coordinator.state() == MemberState::adopting);
  CHECK(coordinator.refused == 1);
}

TEST_CASE("whoever knows a later history than the metadata halts the coordinator") {
  Coordinator coordinator;
  SECTION("a term, when it joins") {
    coordinator.report(JoinCluster{ClusterId("c"), n1, Incarnation(1), Term(5), "tcp://n1", 2});
  }
  SECTION("a term, in its list") {
    coordinator.join();
    coordinator.report(inventory(Term(5), coordinator.asked));
  }
  SECTION("a run, in its list") {
    coordinator.join();
    Inventory list = inventory(Term(4), coordinator.asked);
    list.held.push_back({});
    list.held.back().run = RunId(9);
    coordinator.report(list);
  }
  CHECK(coordinator.halted == 1);
  // Halted is halted.
  coordinator.join();
  CHECK(coordinator.halted == 1);
}

TEST_CASE("terms of another cluster's metadata halt nobody: its node drops what it holds") {
  Coordinator coordinator;
  coordinator.report(JoinCluster{ClusterId("before"), n1, Incarnation(1), Term(5), "tcp://n1", 2});
  CHECK(coordinator.halted == 0);
  coordinator.report(JoinCluster{ClusterId(), n1, Incarnation(2), Term(), "tcp://n1", 2});
  CHECK(coordinator.state() == MemberState::adopting);
}

TEST_CASE("a report under another name, of a stranger, or of another cluster is refused") {
  Coordinator coordinator;
  coordinator.report(JoinCluster{ClusterId("c"), NodeId("n2"), Incarnation(1), Term(), "", 2});
  CHECK(coordinator.refused == 1);
  coordinator.report(inventory(Term(4), 1));
  CHECK(coordinator.refused == 2);
  coordinator.join();
  TaskReady ready;
  ready.token.incarnation = Incarnation(1);
  ready.token.cluster = ClusterId("other");
  coordinator.report(ready);
  CHECK(coordinator.refused == 3);
  ready.token.cluster = ClusterId("c");
  ready.token.incarnation = Incarnation(2);
  coordinator.report(ready);
  CHECK(coordinator.refused == 4);
}

TEST_CASE("a report is heard by its run alone; what becomes free, by who waits and now fits") {
  Coordinator coordinator;
  coordinator.bring_slots(2);
  coordinator.submit(6);
  REQUIRE(coordinator.started.size() == 2);
  coordinator.heard.clear();
  coordinator.report(TaskProgress{coordinator.started.at(RunId(2))});
  CHECK(coordinator.heard == std::set<RunId>{RunId(2)});
  coordinator.heard.clear();
  coordinator.finish(1);
  CHECK(coordinator.heard == std::set<RunId>{RunId(1), RunId(3)});
  CHECK(coordinator.started.contains(RunId(3)));
}

TEST_CASE("slots alone limit how many runs are at work; so many are planned ahead of theirs") {
  Coordinator coordinator;
  const auto slots = static_cast<int>(runs_ahead_max) + 40;
  coordinator.bring_slots(static_cast<std::uint32_t>(slots));
  coordinator.submit(slots);
  CHECK(coordinator.started.size() == static_cast<std::size_t>(slots));
  coordinator.submit(static_cast<int>(runs_ahead_max) + 5);
  CHECK(coordinator.queued() == 5);
  coordinator.finish(1);
  CHECK(coordinator.queued() == 4);
  CHECK(coordinator.started.contains(RunId(static_cast<std::uint64_t>(slots) + 1)));
}
