#include "actors/link/link_service.hpp"

#include "schemas/channel.capnp.h"
#include "tests/support/catch.hpp"

#include <future>

using namespace troupe;

namespace {

LinkConfig config_of(const char* node) {
  LinkConfig config;
  config.session.cluster = ClusterName("c");
  config.session.self = NodeId(node);
  config.session.incarnation = Incarnation(1);
  config.session.heartbeat = 50ms;
  return config;
}

Frame grant(std::uint64_t bytes) {
  return Frame::make<schema::GrantCredit>({ClusterName("c"), NodeId("a"), Incarnation(1)}, "ear/7",
                                          [&](auto body) { body.setBytes(bytes); });
}

}  // namespace

TEST_CASE("two nodes hear each other's messages, and the goodbye") {
  // Over loopback sockets with CURVE; what is heard is handed to the test by promises.
  auto keys = shared_keys({NodeId("a"), NodeId("b")});
  Metrics metrics;
  ActorSystem system({.workers = 2});
  auto a = LinkService::open(config_of("a"), keys.at(NodeId("a")), metrics, system_clock()).value();
  auto b = LinkService::open(config_of("b"), keys.at(NodeId("b")), metrics, system_clock()).value();
  std::promise<void> up;
  std::promise<std::pair<NodeId, std::uint64_t>> heard;
  std::promise<DownReason> left;
  a->on_peers([&](const NodeId&, const PeerEvent& event) {
    if (std::holds_alternative<session_effect::Up>(event)) up.set_value();
  });
  b->on_frames("ear", [&](const NodeId& peer, const Frame& frame) {
    heard.set_value({peer, frame.as<schema::GrantCredit>().getBytes()});
  });
  b->on_peers([&](const NodeId&, const PeerEvent& event) {
    if (auto* down = std::get_if<session_effect::Down>(&event)) left.set_value(down->reason);
  });
  a->start(system);
  b->start(system);
  REQUIRE(a->connect(NodeId("b"), b->endpoint()).ok());
  auto is_up = up.get_future();
  REQUIRE(is_up.wait_for(5s) == std::future_status::ready);
  REQUIRE(a->send(NodeId("b"), grant(42)).ok());
  auto word = heard.get_future();
  REQUIRE(word.wait_for(5s) == std::future_status::ready);
  CHECK(word.get() == std::pair(NodeId("a"), std::uint64_t{42}));
  a->stop("enough");
  auto bye = left.get_future();
  REQUIRE(bye.wait_for(5s) == std::future_status::ready);
  CHECK(bye.get() == DownReason::goodbye);
}

TEST_CASE("a link that cannot be opened says why, and leaves no thread") {
  auto keys = shared_keys({NodeId("a")});
  Metrics metrics;
  auto config = config_of("a");
  config.bind = "tcp://256.0.0.1:1";
  auto link = LinkService::open(config, keys.at(NodeId("a")), metrics, system_clock());
  CHECK_FALSE(link);
}
