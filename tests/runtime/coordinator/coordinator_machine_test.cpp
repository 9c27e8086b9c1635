// What the coordinator believes of a report: only of a member, only of this history, and of lists
// only the answer to what it asked last. The rest of it is tried by `tests/sim`.
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
  void tell(const CoordinatorEvent& event) { carry(machine_.on(event, Instant(1h))); }
  void join() { report(JoinCluster{ClusterId("c"), n1, Incarnation(1), Term(2), "tcp://n1", 2}); }
  MemberState state() const { return machine_.members().members().at(n1).state; }

  std::uint64_t asked = 0;  ///< the number of the last Adopt
  int refused = 0;
  int halted = 0;

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
        if (const auto* adopt = std::get_if<Adopt>(&send->command)) asked = adopt->token.seq;
      }
      refused += std::holds_alternative<effect::RefuseReport>(effect);
      halted += std::holds_alternative<effect::Halt>(effect);
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
