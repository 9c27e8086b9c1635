#include "actors/link/proxies.hpp"

#include "actors/system/stepped_actor_system.hpp"
#include "schemas/channel.capnp.h"
#include "tests/support/catch.hpp"

using namespace troupe;

namespace {

struct Credit {
  std::uint64_t bytes = 0;
};

/// Writes down what would leave the node.
class NotedWire : public PeerWire {
 public:
  Result<> send(const NodeId& peer, Frame frame) override {
    sent.emplace_back(peer.value(), frame.as<schema::GrantCredit>().getBytes());
    return {};
  }
  Result<> send_data(const NodeId&, DataFrame) override { return {}; }
  Result<> connect(const NodeId&, const std::string&, bool) override { return {}; }

  std::vector<std::pair<std::string, std::uint64_t>> sent;
};

/// Remembers whose end it was told.
class Watcher : public ActorOf<Watcher, ActorHandle> {
 public:
  explicit Watcher(std::vector<Down>& downs) : downs_(downs) {}
  void on(const ActorHandle& other) {
    watch(other, [this](const Down& down) { downs_.push_back(down); });
  }

 private:
  std::vector<Down>& downs_;
};

/// A node that knows a peer "b", and an actor of it that watches.
struct OneNode {
  Ref<Credit> ear(std::uint64_t incarnation) {
    return Ref<Credit>(
        proxies.make(NodeId("b"), Incarnation(incarnation), "ear", [](const Message& message) {
          return Frame::make<schema::GrantCredit>(
              {ClusterName("c"), NodeId("a"), Incarnation(1)}, "ear",
              [&](auto body) { body.setBytes(message.get<Credit>()->bytes); });
        }));
  }
  void up(std::uint64_t incarnation) {
    proxies.on_peer(NodeId("b"), session_effect::Up{Incarnation(incarnation)});
  }
  void down(DownReason reason, const std::string& text) {
    proxies.on_peer(NodeId("b"), session_effect::Down{reason, text, Incarnation(7)});
    system.run();
  }
  void watch(const Ref<Credit>& other) {
    watcher.tell(other.handle());
    system.run();
  }

  NotedWire wire;
  std::vector<Down> downs;
  SteppedActorSystem system{1};
  Proxies proxies{system, wire};
  Watcher::Ref watcher = system.spawn<Watcher>("watcher", downs);
};

}  // namespace

TEST_CASE("what a proxy is told leaves as frames, in order") {
  OneNode node;
  node.up(7);
  const auto ear = node.ear(7);
  for (const std::uint64_t bytes : {1, 2, 3}) ear.tell(Credit{bytes});
  CHECK(node.wire.sent == decltype(node.wire.sent){{"b", 1}, {"b", 2}, {"b", 3}});
}

TEST_CASE("the death of a node is the Down of its actors, once, with the reason") {
  // Two watchers of one node's actors; a third begins to watch when all is over.
  OneNode node;
  node.up(7);
  const auto one = node.ear(7), two = node.ear(7);
  node.watch(one);
  node.watch(two);
  CHECK(node.downs.empty());

  node.down(DownReason::lease_expired, "not heard for 2 s");
  REQUIRE(node.downs.size() == 2);
  CHECK(node.downs[0].name == "b/ear");
  REQUIRE(node.downs[0].error);
  CHECK(node.downs[0].error->message == "not heard for 2 s");

  node.down(DownReason::goodbye, "again");
  CHECK(node.downs.size() == 2);
  node.watch(one);
  CHECK(node.downs.size() == 3);
  one.tell(Credit{1});
  CHECK(node.wire.sent.empty());
}

TEST_CASE("a connection that closes and comes back ends no proxy") {
  OneNode node;
  node.up(7);
  const auto ear = node.ear(7);
  node.watch(ear);
  node.proxies.on_peer(NodeId("b"), session_effect::Closed{});
  node.proxies.on_peer(NodeId("b"), session_effect::Resumed{});
  node.system.run();
  CHECK(node.downs.empty());
  ear.tell(Credit{5});
  CHECK(node.wire.sent.size() == 1);
}

TEST_CASE("a proxy never speaks in another conversation than its own") {
  // A node restarts as another incarnation before its old conversation was found to be over.
  OneNode node;
  node.up(7);
  const auto old = node.ear(7);
  node.watch(old);
  node.up(8);
  node.system.run();
  CHECK(node.downs.size() == 1);
  old.tell(Credit{1});
  CHECK(node.wire.sent.empty());

  const auto stale = node.ear(7);
  CHECK(stale.handle().ended());
  const auto current = node.ear(8);
  current.tell(Credit{2});
  CHECK(node.wire.sent.size() == 1);
}
