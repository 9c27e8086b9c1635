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

ClusterView cluster_of(const std::vector<ClusterNode>& nodes) {
  ClusterView cluster;
  for (const ClusterNode& each : nodes) cluster.nodes.emplace(each.node, each);
  return cluster;
}

using Names = std::vector<std::string>;

/// Where the slots are; nowhere, where they do not fit.
Names places(std::uint32_t width, const ClusterView& cluster,
             const std::set<NodeProcess>& avoided = {}, const std::set<NodeId>& kept = {}) {
  Names all;
  if (!room_for(avoided, cluster, kept).fits(width)) return all;
  for (const NodeId& slot : place(width, cluster, avoided, kept)) all.push_back(slot.value());
  return all;
}

}  // namespace

TEST_CASE("slots go to the least loaded node for its size") {
  const ClusterView cluster = cluster_of({node("a", 4, 2), node("b", 2), node("c", 2)});
  CHECK(places(1, cluster) == Names{"b"});
  CHECK(places(4, cluster) == Names{"b", "c", "a", "b"});
}

TEST_CASE("a region waits until it fits as a whole") {
  const ClusterView cluster = cluster_of({node("a", 2, 1), node("b", 2, 2)});
  CHECK(places(1, cluster) != Names{});
  CHECK(places(2, cluster) == Names{});
}

TEST_CASE("a region wider than the cluster takes all of it, when all of it is free") {
  CHECK(places(3, cluster_of({node("a", 1), node("b", 1)})) == Names{"a", "b", "a"});
  CHECK(places(3, cluster_of({node("a", 1, 1), node("b", 1)})) == Names{});
}

TEST_CASE("a region goes where it has not failed, also where that means waiting") {
  const ClusterView cluster = cluster_of({node("a", 4), node("b", 1), node("c", 1, 1)});
  const std::set<NodeProcess> avoided{{NodeId("a"), Incarnation(1)}};
  CHECK(places(1, cluster, avoided) == Names{"b"});
  CHECK(places(2, cluster, avoided) == Names{});
  CHECK(places(1, cluster_of({node("a", 4)}), avoided) == Names{"a"});
}

TEST_CASE("a node begun again is another one: nothing has failed there") {
  ClusterView cluster = cluster_of({node("a", 4), node("b", 1, 1)});
  cluster.nodes.at(NodeId("a")).incarnation = Incarnation(2);
  const std::set<NodeProcess> avoided{{NodeId("a"), Incarnation(1)}};
  CHECK(places(1, cluster, avoided) == Names{"a"});
}

TEST_CASE("a node that rests is asked only where there is no better one") {
  ClusterView cluster = cluster_of({node("a", 4), node("b", 1)});
  cluster.nodes.at(NodeId("a")).resting = true;
  CHECK(places(3, cluster) == Names{"b", "b", "b"});
  const std::set<NodeProcess> b{{NodeId("b"), Incarnation(1)}};
  CHECK(places(1, cluster, b) == Names{"a"});
  CHECK_FALSE(has_good_node(cluster, b));
  CHECK(has_good_node(cluster, {}));
  cluster.nodes.at(NodeId("b")).resting = true;
  CHECK(places(1, cluster) == Names{"a"});
}

TEST_CASE("a suspected node gets nothing new") {
  ClusterView cluster = cluster_of({node("a", 4), node("b", 1)});
  cluster.nodes.at(NodeId("a")).placeable = false;
  CHECK(places(1, cluster) == Names{"b"});
  cluster.nodes.at(NodeId("b")).placeable = false;
  CHECK(places(1, cluster) == Names{});
}

TEST_CASE("what is kept for somebody counts as a part of the cluster, and nothing is free there") {
  const ClusterView cluster = cluster_of({node("a", 4), node("b", 2)});
  const std::set<NodeId> kept{NodeId("a")};
  CHECK(places(2, cluster, {}, kept) == Names{"b", "b"});
  CHECK(places(3, cluster, {}, kept) == Names{});
  CHECK(places(9, cluster, {}, kept) == Names{});
}
