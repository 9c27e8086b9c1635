// What a reader tells of the rows it needs reaches who reads them from a source: when all readers
// have said so, never half of it, and whoever waits for it is woken; what one of several readers
// needs is not left out.
#include "runtime/exec/any_needed.hpp"
#include "runtime/exec/channel.hpp"
#include "runtime/exec/router.hpp"
#include "tests/runtime/exec/fakes.hpp"
#include "tests/support/catch.hpp"

#include <set>

using namespace troupe;

namespace {

class OneOf final : public ValueTest {
 public:
  explicit OneOf(std::set<std::int64_t> values) : values_(std::move(values)) {}
  void narrow(std::span<const std::int64_t> values, std::uint8_t* keep) const override {
    for (std::size_t i = 0; i < values.size(); ++i) keep[i] &= values_.count(values[i]) ? 1 : 0;
  }

 private:
  const std::set<std::int64_t> values_;
};

NeededValue one_of(int column, std::set<std::int64_t> values) {
  return {column, std::make_shared<OneOf>(std::move(values))};
}

std::vector<std::int64_t> passing(const NeededValues& needed) {
  std::vector<std::int64_t> found;
  for (std::int64_t value = 0; value < 10; ++value) {
    std::uint8_t keep = 1;
    for (const NeededValue& one : needed) one.test->narrow(std::span(&value, 1), &keep);
    if (keep) found.push_back(value);
  }
  return found;
}

using Values = std::vector<std::int64_t>;

/// A router with one edge to two receivers.
struct Routed {
  Routed() {
    Router::Edge edge;
    edge.exchange = ExchangeKind::hash;
    edge.keys = {0};
    for (int i = 0; i < 2; ++i) {
      Channel channel;
      edge.senders.push_back(channel.sender(host));
      receivers.push_back(channel.receiver(host));
    }
    std::vector<Router::Edge> edges;
    edges.push_back(std::move(edge));
    router = std::make_unique<Router>(std::move(edges));
  }
  std::shared_ptr<ManualHost> host = std::make_shared<ManualHost>();
  std::vector<std::unique_ptr<ChannelReceiver>> receivers;
  std::unique_ptr<Router> router;
};

}  // namespace

TEST_CASE("a receiver that promises nothing needs every row, at once") {
  Routed routed;
  routed.router->listen();
  REQUIRE(routed.router->needed());
  CHECK(routed.router->needed()->empty());
}

TEST_CASE("who listens waits for all receivers that have promised, and is woken") {
  Routed routed;
  for (auto& receiver : routed.receivers) {
    receiver->promise();
    CHECK_FALSE(receiver->listened());
  }
  routed.router->listen();
  for (auto& receiver : routed.receivers) CHECK(receiver->listened());
  CHECK_FALSE(routed.router->needed());
  routed.receivers[0]->tell({one_of(2, {1, 4})});
  CHECK(std::exchange(routed.host->woken, false));
  CHECK_FALSE(routed.router->needed());
  routed.receivers[1]->tell({one_of(2, {4, 7})});
  CHECK(routed.host->woken);
  const auto needed = routed.router->needed();
  REQUIRE(needed);
  REQUIRE(needed->size() == 1);
  CHECK(needed->front().column == 2);
  CHECK(passing(*needed) == Values{1, 4, 7});
}

TEST_CASE("a receiver that goes away is not waited for, and needs nothing") {
  Routed routed;
  for (auto& receiver : routed.receivers) receiver->promise();
  routed.receivers[0]->close();
  CHECK_FALSE(routed.router->needed());
  routed.receivers[1]->tell({one_of(0, {3})});
  CHECK(passing(routed.router->needed().value()) == Values{3});
  routed.receivers[1]->close();
  CHECK(routed.router->needed());
}

TEST_CASE("of several readers all that one needs is needed, by the columns that all tell of") {
  CHECK(any_needed({}).empty());
  CHECK(any_needed({{one_of(0, {1})}, {}}).empty());
  const NeededValues both =
      any_needed({{one_of(0, {1}), one_of(1, {5})}, {one_of(1, {6})}, {one_of(1, {5, 8})}});
  REQUIRE(both.size() == 1);
  CHECK(both.front().column == 1);
  CHECK(passing(both) == Values{5, 6, 8});
  const std::vector<NeededValues> many(readers_max + 1, {one_of(0, {1})});
  CHECK(any_needed(many).empty());
}
