// What a router sends arrives, once and at whom its exchange says; what an input gate hands on is
// all that came, in the order that was asked for. Both over real channels, on hosts that the test
// wakes.
#include "runtime/exec/input_gate.hpp"
#include "runtime/exec/router.hpp"
#include "tests/runtime/exec/fakes.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <numeric>
#include <set>

using namespace troupe;

namespace {

using Values = std::vector<std::int64_t>;

const std::shared_ptr<ManualHost> host = std::make_shared<ManualHost>();

/// A router with one edge, and the other ends of its channels.
struct Routed {
  explicit Routed(ExchangeKind exchange, std::size_t receivers_wanted,
                  ChannelLimits limits = {1000, 1 << 30}) {
    Router::Edge edge;
    edge.exchange = exchange;
    if (exchange == ExchangeKind::hash) edge.keys = {0};
    for (std::size_t i = 0; i < receivers_wanted; ++i) {
      channels.emplace_back(limits);
      edge.senders.push_back(channels.back().sender(host));
      receivers.push_back(channels.back().receiver(host));
    }
    std::vector<Router::Edge> edges;
    edges.push_back(std::move(edge));
    router = std::make_unique<Router>(std::move(edges));
  }

  /// What receiver `i` has got so far; -1 stands for the end.
  Values taken(std::size_t i) {
    Values all;
    while (auto item = receivers[i]->receive().value()) {
      if (std::holds_alternative<EndOfStream>(*item)) {
        all.push_back(-1);
        break;
      }
      const Values some = values_of(std::get<Batch>(*item));
      all.insert(all.end(), some.begin(), some.end());
    }
    return all;
  }
  void finish() {
    router->finish();
    REQUIRE(router->finished().value());
  }

  std::vector<Channel> channels;
  std::vector<std::unique_ptr<ChannelReceiver>> receivers;
  std::unique_ptr<Router> router;
};

/// An input gate with one input, and the other ends of its channels.
struct Gated {
  Gated(std::size_t channels_wanted, bool ordered, bool set_aside = false,
        std::shared_ptr<MemoryBudget> memory = {}, ChannelLimits limits = {2, 1 << 20}) {
    InputGate::Input input;
    input.ordered = ordered;
    input.set_aside = set_aside;
    for (std::size_t i = 0; i < channels_wanted; ++i) {
      Channel channel(limits);
      senders.push_back(channel.sender(host));
      input.channels.push_back(channel.receiver(host));
    }
    std::vector<InputGate::Input> inputs;
    inputs.push_back(std::move(input));
    gate = std::make_unique<InputGate>(std::move(inputs), std::move(memory));
  }
  void send(std::size_t channel, std::int64_t n) {
    const Batch batch = numbers({n});
    REQUIRE(senders[channel]->has_room(batch.bytes()));
    senders[channel]->send(batch, batch.bytes());
  }
  void end(std::size_t channel) { senders[channel]->send(EndOfStream{}, 0); }
  /// The next value; -1 at the end, nothing where it has to wait.
  std::optional<std::int64_t> next() {
    const auto event = gate->poll([](int) { return true; }).value();
    if (!event) return {};
    if (const auto* rows = std::get_if<InputGate::Rows>(&*event)) return values_of(rows->batch)[0];
    return -1;
  }

  std::vector<std::unique_ptr<ChannelSender>> senders;
  std::unique_ptr<InputGate> gate;
};

}  // namespace

TEST_CASE("a hash exchange sends every row to the one who owns its key, and equal keys together") {
  Routed routed(ExchangeKind::hash, 3);
  for (int round = 0; round < 2; ++round) {
    for (std::int64_t from = 0; from < 3000; from += 100) {
      routed.router->emit(number_range(from, 100), 0);
    }
  }
  routed.finish();
  Values everything;
  std::set<std::int64_t> owned;
  for (std::size_t i = 0; i < 3; ++i) {
    Values values = routed.taken(i);
    REQUIRE(values.back() == -1);
    values.pop_back();
    CHECK(values.size() > 1000);
    const std::set<std::int64_t> mine(values.begin(), values.end());
    CHECK(mine.size() * 2 == values.size());
    for (const std::int64_t value : mine) CHECK(owned.insert(value).second);
    everything.insert(everything.end(), values.begin(), values.end());
  }
  CHECK(everything.size() == 6000);
  CHECK(owned.size() == 3000);
}

TEST_CASE("a broadcast reaches everybody, a rebalance takes turns, a gather has one receiver") {
  Routed all(ExchangeKind::broadcast, 2);
  all.router->emit(numbers({1, 2}), 0);
  all.finish();
  for (std::size_t i : {0, 1}) CHECK(all.taken(i) == Values{1, 2, -1});

  Routed turns(ExchangeKind::rebalance, 2);
  for (std::int64_t n : {1, 2, 3}) turns.router->emit(numbers({n}), 0);
  turns.finish();
  CHECK(turns.taken(0) == Values{1, 3, -1});
  CHECK(turns.taken(1) == Values{2, -1});

  Routed one(ExchangeKind::gather, 2);
  CHECK_THROWS_AS(one.router->emit(numbers({1}), 0), Defect);
}

TEST_CASE("a range exchange sends where its operator says, and nowhere else") {
  Routed routed(ExchangeKind::range, 3);
  routed.router->emit_to(2, numbers({7}));
  routed.router->emit_to(0, numbers({1}));
  CHECK_THROWS_AS(routed.router->emit_to(3, numbers({9})), Defect);
  CHECK_FALSE(routed.router->ready().value() == false);
  routed.finish();
  CHECK(routed.taken(0) == Values{1, -1});
  CHECK(routed.taken(1) == Values{-1});
  CHECK(routed.taken(2) == Values{7, -1});
}

TEST_CASE("rows go by their port, and empty batches nowhere") {
  Routed routed(ExchangeKind::forward, 1);
  routed.router->emit(numbers({1}), 1);
  routed.router->emit(numbers({}), 0);
  routed.router->emit(numbers({2}), 0);
  routed.finish();
  CHECK(routed.taken(0) == Values{2, -1});
}

TEST_CASE("a full channel holds its router up until it is read, and nothing is lost") {
  Routed routed(ExchangeKind::forward, 1, {2, 1 << 30});
  for (std::int64_t n = 0; n < 5; ++n) routed.router->emit(numbers({n}), 0);
  CHECK_FALSE(routed.router->ready().value());
  routed.router->finish();
  Values all;
  for (int step = 0; step < 10 && !routed.router->finished().value(); ++step) {
    const Values some = routed.taken(0);
    all.insert(all.end(), some.begin(), some.end());
  }
  const Values rest = routed.taken(0);
  all.insert(all.end(), rest.begin(), rest.end());
  CHECK(all == Values{0, 1, 2, 3, 4, -1});
}

TEST_CASE("one receiver that wants no more does not stop the others; all of them end the work") {
  Routed routed(ExchangeKind::broadcast, 2, {1, 1 << 30});
  routed.receivers[0]->close();
  CHECK_FALSE(routed.router->closed());
  routed.router->emit(numbers({1}), 0);
  routed.router->emit(numbers({2}), 0);
  CHECK_FALSE(routed.router->ready().value());
  CHECK(routed.taken(1) == Values{1});
  CHECK(routed.router->ready().value());
  CHECK(routed.taken(1) == Values{2});
  routed.receivers[1]->close();
  CHECK(routed.router->closed());
}

TEST_CASE("an unordered input takes turns, and ends when all its channels have") {
  Gated gated(2, false);
  CHECK_FALSE(gated.next());
  for (std::int64_t n : {1, 2}) gated.send(0, n);
  gated.send(1, 10);
  CHECK(gated.next() == 1);
  CHECK(gated.next() == 10);
  CHECK(gated.next() == 2);
  gated.end(0);
  CHECK_FALSE(gated.next());
  gated.send(1, 11);
  gated.end(1);
  CHECK(gated.next() == 11);
  CHECK(gated.next() == -1);
  CHECK_FALSE(gated.next());
}

TEST_CASE("an ordered input is read producer by producer") {
  Gated gated(2, true);
  gated.send(1, 10);
  CHECK_FALSE(gated.next());
  gated.send(0, 1);
  CHECK(gated.next() == 1);
  CHECK_FALSE(gated.next());
  gated.end(0);
  CHECK(gated.next() == 10);
  gated.end(1);
  CHECK(gated.next() == -1);
}

TEST_CASE("rows of a later producer that is stuck are set aside, within the run's memory") {
  const auto memory = std::make_shared<MemoryBudget>(1 << 20);
  Gated gated(2, true, true, memory, {1, 1 << 20});
  for (std::int64_t n : {10, 11, 12}) {
    gated.send(1, n);
    CHECK_FALSE(
        gated.senders[1]->has_room(1));  // begins to wait, and is read although not its turn
    CHECK_FALSE(gated.next());
  }
  CHECK(memory->used() > 0);
  gated.end(1);
  gated.send(0, 1);
  gated.end(0);
  for (std::int64_t n : {1, 10, 11, 12, -1}) CHECK(gated.next() == n);
  CHECK(memory->used() == 0);
}

TEST_CASE("what does not fit into the run's memory is not set aside: the task fails and says so") {
  const auto memory = std::make_shared<MemoryBudget>(1);
  Gated gated(2, true, true, memory, {1, 1 << 20});
  gated.send(1, 10);
  CHECK_FALSE(gated.senders[1]->has_room(1));
  const auto event = gated.gate->poll([](int) { return true; });
  REQUIRE_FALSE(event.ok());
  CHECK(event.error().code == ErrorCode::unavailable);
}

TEST_CASE("a gate that closes gives back what it set aside and lets every producer go on") {
  const auto memory = std::make_shared<MemoryBudget>(1 << 20);
  Gated gated(2, true, true, memory, {1, 1 << 20});
  gated.send(1, 10);
  CHECK_FALSE(gated.senders[1]->has_room(1));
  CHECK_FALSE(gated.next());
  REQUIRE(memory->used() > 0);
  gated.gate->close();
  CHECK(memory->used() == 0);
  for (const auto& sender : gated.senders) CHECK(sender->closed());
}

TEST_CASE("an input that is not wanted is not read") {
  Gated gated(1, false);
  gated.send(0, 1);
  CHECK_FALSE(gated.gate->poll([](int) { return false; }).value().has_value());
  CHECK(gated.next() == 1);
}
