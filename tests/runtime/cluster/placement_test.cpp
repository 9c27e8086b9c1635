// Placement spreads regions over the least loaded nodes, waits for slots, and goes beyond them only
// where the whole cluster is smaller than the region.
#include "runtime/cluster/placement.hpp"

#include "tests/support/catch.hpp"

using namespace troupe;

namespace {

ClusterNode node(const std::string& name, std::uint32_t slots, std::uint32_t used = 0) {
  ClusterNode made{NodeId(name), Incarnation(1), "", slots, used};
  made.placeable = true;
  return made;
}

std::vector<std::string> names(const std::optional<std::vector<NodeId>>& slots) {
  std::vector<std::string> all;
  for (const NodeId& slot : slots.value()) all.push_back(slot.value());
  return all;
}

}  // namespace

TEST_CASE("slots go to the least loaded node for its size") {
  const ClusterView cluster{{node("a", 4, 2), node("b", 2), node("c", 2)}};
  CHECK(names(place(1, cluster)) == std::vector<std::string>{"b"});
  CHECK(names(place(4, cluster)) == std::vector<std::string>{"b", "c", "a", "b"});
}

TEST_CASE("a region waits until it fits as a whole") {
  const ClusterView cluster{{node("a", 2, 1), node("b", 2, 2)}};
  CHECK(place(1, cluster).has_value());
  CHECK_FALSE(place(2, cluster).has_value());
}

TEST_CASE("a region wider than the cluster takes all of it, when all of it is free") {
  CHECK(names(place(3, {{node("a", 1), node("b", 1)}})) == std::vector<std::string>{"a", "b", "a"});
  CHECK_FALSE(place(3, {{node("a", 1, 1), node("b", 1)}}).has_value());
}

TEST_CASE("a region goes where it has not failed, also where that means waiting") {
  const ClusterView cluster{{node("a", 4), node("b", 1), node("c", 1, 1)}};
  const std::set<NodeProcess> avoided{{NodeId("a"), Incarnation(1)}};
  CHECK(names(place(1, cluster, avoided)) == std::vector<std::string>{"b"});
  CHECK_FALSE(place(2, cluster, avoided).has_value());
  CHECK(names(place(1, {{node("a", 4)}}, avoided)) == std::vector<std::string>{"a"});
}

TEST_CASE("a node begun again is another one: nothing has failed there") {
  ClusterView cluster{{node("a", 4), node("b", 1, 1)}};
  cluster.nodes[0].incarnation = Incarnation(2);
  const std::set<NodeProcess> avoided{{NodeId("a"), Incarnation(1)}};
  CHECK(names(place(1, cluster, avoided)) == std::vector<std::string>{"a"});
}

TEST_CASE("a node that rests is asked only where there is no better one") {
  ClusterView cluster{{node("a", 4), node("b", 1)}};
  cluster.nodes[0].resting = true;
  CHECK(names(place(3, cluster)) == std::vector<std::string>{"b", "b", "b"});
  const std::set<NodeProcess> b{{NodeId("b"), Incarnation(1)}};
  CHECK(names(place(1, cluster, b)) == std::vector<std::string>{"a"});
  CHECK_FALSE(has_good_node(cluster, b));
  CHECK(has_good_node(cluster, {}));
  cluster.nodes[1].resting = true;
  CHECK(names(place(1, cluster)) == std::vector<std::string>{"a"});
}

TEST_CASE("a suspected node gets nothing new") {
  ClusterView cluster{{node("a", 4), node("b", 1)}};
  cluster.nodes[0].placeable = false;
  CHECK(names(place(1, cluster)) == std::vector<std::string>{"b"});
  cluster.nodes[1].placeable = false;
  CHECK_FALSE(place(1, cluster).has_value());
}
