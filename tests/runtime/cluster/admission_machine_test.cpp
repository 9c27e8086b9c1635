// Slots are granted in the order of submission among those that fit; who is first in line is passed
// a bounded number of times; the ledger is always the sum of what is granted. Rules one by one,
// then random histories beside what is obviously true of them.
#include "runtime/cluster/admission_machine.hpp"

#include "runtime/os/random.hpp"
#include "tests/support/catch.hpp"

#include <numeric>

using namespace troupe;

namespace {

Claim claim(std::uint64_t run, std::size_t region = 0) { return {RunId(run), region}; }

ClusterNode member(const std::string& name, std::uint32_t slots, std::uint64_t incarnation = 1) {
  ClusterNode node{NodeId(name), Incarnation(incarnation), "", slots};
  node.placeable = node.listed = true;
  return node;
}

struct Admission {
  explicit Admission(const std::vector<ClusterNode>& nodes) {
    for (const ClusterNode& node : nodes) machine.on(admission_event::NodeChanged{node});
  }
  void need(const Claim& who, std::uint32_t slots, std::set<NodeProcess> avoided = {}) {
    machine.on(effect::Need{who, slots, std::move(avoided)});
  }
  void free(const Claim& who) { machine.on(effect::Free{who}); }
  /// "1: a b | 4: a": who is granted what, by run, since it was last asked.
  std::string granted() {
    std::string text;
    while (const auto grant = machine.next_grant()) {
      if (!text.empty()) text += " | ";
      text += fmt::format("{}: {}", grant->claim.run, fmt::join(grant->nodes, " "));
    }
    return text;
  }
  std::uint32_t used(const std::string& node) const {
    return machine.view().nodes.at(NodeId(node)).used;
  }

  AdmissionMachine machine;
};

}  // namespace

TEST_CASE("who came first is served first, and who is freed serves the next") {
  Admission admission({member("a", 1), member("b", 1)});
  for (const std::uint64_t run : {3u, 1u, 2u, 4u}) admission.need(claim(run), 1);
  CHECK(admission.granted() == "1: a | 2: b");
  CHECK(admission.granted() == "");
  admission.free(claim(2));
  CHECK(admission.granted() == "3: b");
  CHECK(admission.machine.waiting() == 1);
}

TEST_CASE("a claim is granted as a whole; a narrow one may pass a wide one meanwhile") {
  Admission admission({member("a", 3)});
  admission.need(claim(1), 2);
  CHECK(admission.granted() == "1: a a");
  admission.need(claim(2), 3);
  admission.need(claim(3), 1);
  CHECK(admission.granted() == "3: a");
  admission.free(claim(1));
  CHECK(admission.granted() == "");
  admission.free(claim(3));
  CHECK(admission.granted() == "2: a a a");
}

TEST_CASE("a wide claim does not starve: it is passed as often as there are slots, and no more") {
  Admission admission({member("a", 2), member("b", 2)});
  admission.need(claim(1), 1);
  CHECK(admission.granted() == "1: a");
  admission.need(claim(2), 4);
  for (std::uint64_t run = 3; run <= 10; ++run) admission.need(claim(run), 1);
  CHECK(admission.granted() == "3: b | 4: a | 5: b");
  admission.free(claim(3));
  CHECK(admission.granted() == "6: b");
  for (const std::uint64_t run : {4u, 5u, 6u}) {
    admission.free(claim(run));
    CHECK(admission.granted() == "");
  }
  admission.free(claim(1));
  CHECK(admission.granted() == "2: a b a b");
  admission.free(claim(2));
  CHECK(admission.granted() == "7: a | 8: b | 9: a | 10: b");
}

TEST_CASE("slots that the first in line may not use are not kept for it") {
  Admission admission({member("a", 1), member("b", 1)});
  admission.need(claim(1), 1, {{NodeId("b"), Incarnation(1)}});
  CHECK(admission.granted() == "1: a");
  admission.need(claim(2), 1, {{NodeId("b"), Incarnation(1)}});
  for (std::uint64_t run = 3; run < 10; ++run) {
    admission.need(claim(run), 1);
    CHECK(admission.granted() == fmt::format("{}: b", run));
    admission.free(claim(run));
  }
  admission.need(claim(10), 1);
  CHECK(admission.granted() == "10: b");
  admission.need(claim(11), 1);
  admission.free(claim(1));
  CHECK(admission.granted() == "2: a");
}

TEST_CASE("a claim that is wider than the cluster waits until all of it is free") {
  Admission admission({member("a", 1), member("b", 1)});
  admission.need(claim(1), 1);
  CHECK(admission.granted() == "1: a");
  admission.need(claim(2), 3);
  CHECK(admission.granted() == "");
  admission.free(claim(1));
  CHECK(admission.granted() == "2: a b a");
  CHECK(admission.used("a") == 2);
}

TEST_CASE("what is asked again replaces what was asked; what is not needed any more is not given") {
  Admission admission({member("a", 1), member("b", 1)});
  admission.need(claim(1), 2);
  admission.need(claim(2), 2);
  admission.need(claim(3), 1);
  CHECK(admission.granted() == "1: a b");
  admission.need(claim(3), 1, {{NodeId("a"), Incarnation(1)}});
  admission.free(claim(2));
  admission.free(claim(1));
  CHECK(admission.granted() == "3: b");
}

TEST_CASE("nothing is granted where there is no node, and what waits is granted when one comes") {
  Admission admission({});
  admission.need(claim(1), 2);
  CHECK(admission.granted() == "");
  admission.machine.on(admission_event::NodeChanged{member("a", 4)});
  CHECK(admission.granted() == "1: a a");
}

TEST_CASE("a node that is gone is granted no more; its slots count until their runs free them") {
  Admission admission({member("a", 2), member("b", 2)});
  admission.need(claim(1), 1);
  CHECK(admission.granted() == "1: a");
  admission.machine.on(admission_event::NodeGone{NodeId("a")});
  admission.need(claim(2), 2);
  CHECK(admission.granted() == "2: b b");
  admission.machine.on(admission_event::NodeChanged{member("a", 2, 2)});
  CHECK(admission.used("a") == 1);
  admission.free(claim(1));
  CHECK(admission.used("a") == 0);
}

TEST_CASE("what an earlier leader gave is held without being asked for") {
  Admission admission({member("a", 2)});
  admission.machine.on(effect::Hold{claim(1), {NodeId("a")}});
  CHECK(admission.used("a") == 1);
  admission.need(claim(2), 2);
  CHECK(admission.granted() == "");
  admission.free(claim(1));
  CHECK(admission.granted() == "2: a a");
}

TEST_CASE("whoever holds slots cannot ask for more, nor be given any twice") {
  Admission admission({member("a", 2)});
  admission.need(claim(1), 1);
  CHECK(admission.granted() == "1: a");
  CHECK_THROWS(admission.need(claim(1), 1));
  CHECK_THROWS(admission.machine.on(effect::Hold{claim(1), {NodeId("a")}}));
}

TEST_CASE(
    "over random histories the ledger is right, nobody fits and waits, everybody's turn comes") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    std::vector<ClusterNode> nodes;
    for (std::uint64_t i = 0; i < 1 + random.below(4); ++i) {
      nodes.push_back(
          member(fmt::format("n{}", i), 1 + static_cast<std::uint32_t>(random.below(4))));
    }
    Admission admission(nodes);
    std::map<Claim, std::uint32_t> waiting;
    std::set<Claim> running;
    const auto settle = [&] {
      while (const auto grant = admission.machine.next_grant()) {
        REQUIRE(waiting.at(grant->claim) == grant->nodes.size());
        waiting.erase(grant->claim);
        running.insert(grant->claim);
      }
      std::map<NodeId, std::uint32_t> used;
      for (const auto& [who, slots] : admission.machine.held()) {
        for (const NodeId& node : slots) ++used[node];
      }
      for (const auto& [name, node] : admission.machine.view().nodes) {
        REQUIRE(node.used == used[name]);
      }
      // The first in line waits for nothing but room.
      if (!waiting.empty()) {
        REQUIRE_FALSE(room_for({}, admission.machine.view()).fits(waiting.begin()->second));
      }
    };
    for (std::uint64_t step = 1; step < 200; ++step) {
      if (random.chance(3, 5)) {
        const auto width =
            static_cast<std::uint32_t>(1 + random.below(random.chance(1, 5) ? 20 : 3));
        waiting[claim(step)] = width;
        admission.need(claim(step), width);
      } else if (!running.empty()) {
        const auto ends =
            std::next(running.begin(), static_cast<std::ptrdiff_t>(random.below(running.size())));
        admission.free(*ends);
        running.erase(ends);
      }
      settle();
    }
    while (!running.empty()) {
      admission.free(*running.begin());
      running.erase(running.begin());
      settle();
    }
    REQUIRE(waiting.empty());
  }
}
