// Who is a member, as which incarnation, and since when not: each rule of membership as one story.
#include "runtime/cluster/cluster_machine.hpp"

#include "tests/support/catch.hpp"

using namespace troupe;
using namespace troupe::cluster_event;

namespace {

const NodeId n1{"n1"};
const Instant begin{1h};
constexpr Duration lease = 10s;

NodeRecord recorded(std::uint64_t incarnation, bool ended = false) {
  return {n1, Incarnation(incarnation), "tcp://n1", 2, ended};
}

class Cluster {
 public:
  explicit Cluster(const std::map<NodeId, NodeRecord>& nodes = {})
      : machine_(ClusterId("c"), Term(3), nodes, lease, begin) {}

  ClusterChange tell(const ClusterEvent& event) { return machine_.on(event, now); }
  ClusterChange join(std::uint64_t incarnation, const std::string& cluster = "c") {
    return tell(Join{{ClusterId(cluster), n1, Incarnation(incarnation), Term(2), "tcp://n1:7", 4}});
  }
  void live(std::uint64_t incarnation) {
    join(incarnation);
    tell(Listed{n1, Incarnation(incarnation)});
    REQUIRE(state() == MemberState::live);
  }
  MemberState state() const { return machine_.members().at(n1).state; }
  const ClusterMachine& machine() const { return machine_; }

  Instant now = begin;

 private:
  ClusterMachine machine_;
};

template <class C>
const C* sent(const ClusterChange& change) {
  for (const Effect& effect : change.effects) {
    const auto* send = std::get_if<effect::Send>(&effect);
    if (send == nullptr) continue;
    if (const auto* command = std::get_if<C>(&send->command)) return command;
  }
  return nullptr;
}

/// The node's row that this change writes, or nothing.
const NodeRecord* row(const ClusterChange& change) {
  for (const Effect& effect : change.effects) {
    const auto* persist = std::get_if<effect::Persist>(&effect);
    if (persist == nullptr) continue;
    for (const Record& record : persist->records) {
      if (const auto* node = std::get_if<NodeRecord>(&record)) return node;
    }
  }
  return nullptr;
}

}  // namespace

TEST_CASE("a node that joins is recorded before it is told, and asked what it holds") {
  Cluster cluster;
  const ClusterChange change = cluster.join(1);
  REQUIRE(change.effects.size() == 4);  // its row, the event, and the two commands
  REQUIRE(row(change) != nullptr);
  CHECK(std::holds_alternative<effect::Persist>(change.effects[0]));
  CHECK(std::holds_alternative<effect::Persist>(change.effects[1]));
  CHECK(row(change)->incarnation == Incarnation(1));
  CHECK(row(change)->address == "tcp://n1:7");
  CHECK(row(change)->slots == 4);
  REQUIRE(sent<Joined>(change) != nullptr);
  CHECK(sent<Joined>(change)->term == Term(3));
  CHECK(sent<Adopt>(change) != nullptr);
  CHECK(cluster.state() == MemberState::adopting);
  cluster.tell(Listed{n1, Incarnation(1)});
  CHECK(cluster.state() == MemberState::live);
}

TEST_CASE("a list of another incarnation makes nobody live") {
  Cluster cluster;
  cluster.join(2);
  cluster.tell(Listed{n1, Incarnation(1)});
  CHECK(cluster.state() == MemberState::adopting);
}

TEST_CASE("a closed connection makes a node suspect until it resumes; nothing is lost by it") {
  Cluster cluster;
  cluster.live(1);
  CHECK(cluster.tell(Closed{n1}).lost.empty());
  CHECK(cluster.state() == MemberState::suspect);
  cluster.tell(Resumed{n1});
  CHECK(cluster.state() == MemberState::live);
}

TEST_CASE("a node that is suspected before it has listed is not live when it resumes") {
  Cluster cluster;
  cluster.join(1);
  cluster.tell(Closed{n1});
  cluster.tell(Resumed{n1});
  CHECK(cluster.state() == MemberState::adopting);
  cluster.tell(Closed{n1});
  cluster.tell(Listed{n1, Incarnation(1)});  // was on its way
  CHECK(cluster.state() == MemberState::suspect);
  cluster.tell(Resumed{n1});
  CHECK(cluster.state() == MemberState::live);
}

TEST_CASE("a session that is down loses the node once; the incarnation may come back") {
  Cluster cluster;
  cluster.live(1);
  const ClusterChange down = cluster.tell(Down{n1, Incarnation(1), "left"});
  REQUIRE(down.lost.size() == 1);
  CHECK(down.lost[0].incarnation == Incarnation(1));
  CHECK(row(down) == nullptr);
  CHECK(cluster.tell(Down{n1, Incarnation(1), "left"}).lost.empty());
  CHECK(sent<Joined>(cluster.join(1)) != nullptr);
}

TEST_CASE("an incarnation whose lease ended is over for good, also in the rows") {
  Cluster cluster;
  cluster.live(1);
  const ClusterChange over = cluster.tell(LeaseEnded{n1, Incarnation(1)});
  CHECK(over.lost.size() == 1);
  REQUIRE(row(over) != nullptr);
  CHECK(row(over)->ended);
  const ClusterChange again = cluster.join(1);
  REQUIRE(sent<JoinRefused>(again) != nullptr);
  CHECK(sent<JoinRefused>(again)->highest == Incarnation(1));
  CHECK(sent<Joined>(again) == nullptr);
  CHECK(sent<Joined>(cluster.join(2)) != nullptr);
  // A new leader knows it from the row.
  Cluster next({{n1, recorded(1, true)}});
  CHECK(sent<JoinRefused>(next.join(1)) != nullptr);
}

TEST_CASE("the end of a lease of an earlier incarnation says nothing about the present one") {
  Cluster cluster;
  cluster.live(1);
  cluster.live(2);
  CHECK(cluster.tell(LeaseEnded{n1, Incarnation(1)}).lost.empty());
  CHECK(cluster.tell(Down{n1, Incarnation(1), "late"}).lost.empty());
  CHECK(cluster.state() == MemberState::live);
}

TEST_CASE("a higher incarnation of the same name replaces the one before; a lower one is over") {
  Cluster cluster;
  cluster.live(4);
  const ClusterChange replaced = cluster.join(5);
  REQUIRE(replaced.lost.size() == 1);
  CHECK(replaced.lost[0].incarnation == Incarnation(4));
  const ClusterChange older = cluster.join(4);
  REQUIRE(sent<JoinRefused>(older) != nullptr);
  CHECK(sent<JoinRefused>(older)->highest == Incarnation(5));
  CHECK(cluster.state() == MemberState::adopting);
}

TEST_CASE("a new leader gives recorded nodes one lease to show up, and not a moment less") {
  Cluster cluster({{n1, recorded(6)}});
  CHECK(cluster.state() == MemberState::silent);
  CHECK(cluster.machine().next_deadline() == begin + lease);
  // The end of a session that it never had with us proves nothing.
  CHECK(cluster.tell(Down{n1, Incarnation(6), "connection closed"}).lost.empty());
  cluster.now = begin + lease - 1ns;
  CHECK(cluster.tell(Tick{}).lost.empty());
  cluster.now = begin + lease;
  const ClusterChange gone = cluster.tell(Tick{});
  CHECK(gone.lost.size() == 1);
  REQUIRE(row(gone) != nullptr);
  CHECK(row(gone)->ended);
  CHECK_FALSE(cluster.machine().waiting_for_silent());
}

TEST_CASE("a node of another cluster must begin anew; one that knows of none is let in") {
  Cluster cluster;
  const ClusterChange other = cluster.join(1, "other");
  REQUIRE(sent<JoinRefused>(other) != nullptr);
  CHECK(sent<JoinRefused>(other)->highest == Incarnation(1));
  CHECK(row(other) == nullptr);
  CHECK(sent<Joined>(cluster.join(2, "")) != nullptr);
}

TEST_CASE("a cluster has a limit, which known nodes do not count twice against") {
  std::map<NodeId, NodeRecord> nodes;
  for (std::size_t i = 0; i < cluster_nodes_max; ++i) {
    const NodeId name(i == 0 ? "n1" : fmt::format("m{}", i));
    nodes[name] = {name, Incarnation(1), "", 1};
  }
  Cluster full(nodes);
  CHECK(sent<Joined>(full.join(2)) != nullptr);
  const ClusterChange one_more =
      full.tell(Join{{ClusterId("c"), NodeId("new"), Incarnation(1), Term(), "", 1}});
  CHECK(sent<JoinRefused>(one_more) != nullptr);
}

TEST_CASE("a node where work fails by its own fault rests, and is asked again in time") {
  Cluster cluster;
  cluster.live(1);
  const auto health = [&]() -> const NodeHealth& {
    return cluster.machine().members().at(n1).health;
  };
  for (std::size_t i = 0; i < node_faults_max; ++i) {
    CHECK_FALSE(health().resting());
    cluster.tell(NodeFault{n1, Incarnation(1), "disk full"});
  }
  CHECK(health().resting());
  REQUIRE(cluster.machine().next_deadline() == begin + node_rest_min);
  CHECK_FALSE(cluster.machine().waiting_for_silent());
  cluster.now += node_rest_min;
  cluster.tell(Tick{});
  CHECK(health().on_trial());
  CHECK(*cluster.machine().next_deadline() > cluster.now);
}

TEST_CASE("faults of another incarnation say nothing, and a new one is trusted") {
  Cluster cluster;
  cluster.live(2);
  for (int i = 0; i < 5; ++i) cluster.tell(NodeFault{n1, Incarnation(1), "disk full"});
  CHECK_FALSE(cluster.machine().members().at(n1).health.resting());
  for (int i = 0; i < 5; ++i) cluster.tell(NodeFault{n1, Incarnation(2), "disk full"});
  CHECK(cluster.machine().members().at(n1).health.resting());
  cluster.live(3);
  CHECK_FALSE(cluster.machine().members().at(n1).health.resting());
}
