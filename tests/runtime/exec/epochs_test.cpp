// A barrier on its way through a task: the gate aligns it, the chain hands over what changed and
// lets go what it holds, output and sink have it behind all rows before it; a source counts the
// rows that its task has taken, and stays when it has come to its end.
#include "runtime/exec/feed_receiver.hpp"
#include "runtime/exec/input_gate.hpp"
#include "runtime/exec/operator_chain.hpp"
#include "runtime/exec/router.hpp"
#include "runtime/exec/sink_output.hpp"
#include "runtime/exec/splits_reader.hpp"
#include "tests/runtime/exec/fakes.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>

using namespace troupe;

namespace {

using Lines = std::vector<std::string>;

Barrier barrier(std::uint64_t epoch, std::uint64_t published = 0) {
  return {Epoch(epoch), Epoch(published)};
}

class StillClock : public Clock {
 public:
  Instant now() const override { return {}; }
  WallTime wall() const override { return {}; }
};
const StillClock clock_of_tests;

/// A gate with one timed input of so many channels, and the other ends of these.
struct Gated {
  explicit Gated(std::size_t channels) {
    std::vector<InputGate::Input> inputs(1);
    inputs.front().timed = true;
    for (std::size_t i = 0; i < channels; ++i) {
      Channel channel;
      senders.push_back(channel.sender(host));
      inputs.front().channels.push_back(channel.receiver(host));
    }
    gate = std::make_unique<InputGate>(std::move(inputs));
  }
  void send(std::size_t channel, StreamItem item) { senders[channel]->send(std::move(item), 0); }
  std::string next() {
    const auto event = gate->poll([](int) { return true; }).value();
    if (!event) return "nothing";
    if (const auto* rows = std::get_if<InputGate::Rows>(&*event)) {
      return std::to_string(values_of(rows->batch).front());
    }
    if (const auto* aligned = std::get_if<InputGate::Aligned>(&*event)) {
      return fmt::format("|{}", aligned->barrier.epoch);
    }
    if (const auto* advanced = std::get_if<InputGate::Advanced>(&*event)) {
      return fmt::format("@{}", advanced->to.time.time_since_epoch().count());
    }
    return "end";
  }

  const std::shared_ptr<ManualHost> host = std::make_shared<ManualHost>();
  std::vector<std::unique_ptr<ChannelSender>> senders;
  std::unique_ptr<InputGate> gate;
};

Watermark mark(std::int64_t time) { return {EventTime(EventTime::duration(time))}; }

/// Holds rows until it is flushed, one a call, and says how many it has seen.
class Holding : public Operator {
 public:
  Result<Step> process(int, const Batch& batch, Emitter&) override {
    for (const std::int64_t n : values_of(batch)) held_.push_back(n);
    return Step::done;
  }
  Result<Step> flush(Emitter& out) override {
    if (held_.empty()) return Step::done;
    out.emit(numbers({held_.front()}));
    held_.erase(held_.begin());
    return Step::again;
  }
  Result<StateRows> snapshot() override {
    CHECK(held_.empty());
    return StateRows{{numbers({1})}};
  }

 private:
  std::vector<std::int64_t> held_;
};

/// Passes rows on, and hands over how many came.
class Counting : public Operator {
 public:
  Result<Step> process(int, const Batch& batch, Emitter& out) override {
    rows_ += batch.rows();
    out.emit(batch);
    return Step::done;
  }
  Result<StateRows> snapshot() override { return StateRows{{numbers({rows_})}}; }

 private:
  std::int64_t rows_ = 0;
};

class Log : public TaskOutput {
 public:
  void emit(Batch batch, int) override {
    lines.push_back(std::to_string(values_of(batch).front()));
  }
  void emit_to(std::uint32_t, Batch batch) override { emit(std::move(batch), 0); }
  Result<bool> ready() override { return true; }
  bool closed() const override { return false; }
  void barrier(const Barrier& barrier) override {
    lines.push_back(fmt::format("|{}", barrier.epoch));
  }
  void finish() override {}
  Result<bool> finished() override { return true; }
  void abandon() override {}
  std::uint64_t bytes() const override { return 0; }

  Lines lines;
};

/// A feed of 2 splits with 3 batches of 4 numbers each.
struct Fed {
  explicit Fed(SplitPosition begin = {}) {
    auto reader = std::make_unique<SplitsReader>(
        SplitsSite{.source = std::make_shared<FakeSource>(3, 4),
                   .splits = {{"0", 1, -1}, {"1", 1, -1}},
                   .begin = std::make_shared<const SplitPosition>(begin)},
        clock_of_tests);
    receiver = std::make_unique<FeedReceiver>(
        std::make_shared<BatchFeed>(host, std::move(reader), nullptr, clock_of_tests), nullptr,
        true);
    receiver->begin(begin, EventTime::min());
  }
  /// The next that is there, after all reads that it can do ahead.
  std::optional<StreamItem> next() {
    auto item = receiver->receive().value();
    for (const auto& work : std::exchange(host->offloaded, {})) work();
    return item ? item : receiver->receive().value();
  }
  std::int64_t first() { return values_of(std::get<Batch>(next().value())).front(); }

  const std::shared_ptr<ManualHost> host = std::make_shared<ManualHost>();
  std::unique_ptr<FeedReceiver> receiver;
};

}  // namespace

TEST_CASE("what comes behind a barrier waits until all channels have delivered it") {
  Gated gated(2);
  gated.send(0, numbers({1}));
  gated.send(0, barrier(1));
  gated.send(0, numbers({2}));
  gated.send(1, numbers({3}));
  CHECK(gated.next() == "1");
  CHECK(gated.next() == "3");
  CHECK(gated.next() == "nothing");
  gated.send(1, numbers({4}));
  gated.send(1, barrier(1));
  gated.send(1, numbers({5}));
  CHECK(gated.next() == "4");
  CHECK(gated.next() == "|1");
  Lines rest{gated.next(), gated.next()};
  std::sort(rest.begin(), rest.end());
  CHECK(rest == Lines{"2", "5"});
}

TEST_CASE("a higher barrier ends the waiting for a lower one, which is never told") {
  Gated gated(2);
  gated.send(0, barrier(1));
  gated.send(0, numbers({1}));
  CHECK(gated.next() == "nothing");
  gated.send(1, barrier(2));
  CHECK(gated.next() == "1");
  gated.send(0, barrier(2));
  CHECK(gated.next() == "|2");
  gated.send(0, barrier(3));
  CHECK(gated.next() == "nothing");
  gated.send(1, barrier(3));
  CHECK(gated.next() == "|3");
}

TEST_CASE("a lower barrier holds up nobody who waits for a higher one") {
  Gated gated(2);
  gated.send(0, barrier(2));
  gated.send(1, barrier(1));
  gated.send(1, numbers({1}));
  CHECK(gated.next() == "1");
  gated.send(1, barrier(2));
  CHECK(gated.next() == "|2");
}

TEST_CASE("who has ended has delivered every barrier; the epoch is told before the end") {
  Gated gated(2);
  gated.send(0, barrier(1));
  CHECK(gated.next() == "nothing");
  gated.send(1, mark(5));
  gated.send(1, EndOfStream{});
  CHECK(gated.next() == "|1");
  gated.send(0, barrier(2));
  gated.send(0, EndOfStream{});
  CHECK(gated.next() == "|2");
  CHECK(gated.next() == "@9223372036854775807");
  CHECK(gated.next() == "end");
}

TEST_CASE("event time in front of a barrier is told before it, and goes on from where it was") {
  Gated gated(1);
  gated.gate->begin_at(EventTime(EventTime::duration(7)));
  CHECK(gated.next() == "@7");
  gated.send(0, mark(6));
  CHECK(gated.next() == "nothing");
  gated.send(0, mark(9));
  gated.send(0, barrier(1));
  CHECK(gated.next() == "@9");
  CHECK(gated.next() == "|1");
}

TEST_CASE("a barrier passes each operator after what that lets go, which the next one counts") {
  Log out;
  std::vector<OperatorChain::Link> links;
  links.push_back({std::make_unique<Holding>(), std::make_shared<VertexMeter>("holding"), {}});
  links.push_back({std::make_unique<Counting>(), std::make_shared<VertexMeter>("counting"), {}});
  OperatorChain chain(std::move(links), 1, out, clock_of_tests);
  REQUIRE(chain.open().ok());
  const auto work = [&] {
    while (chain.step().value()) {
    }
  };
  chain.offer(0, numbers({1, 2, 3}));
  work();
  CHECK_FALSE(chain.take_handed());
  chain.barrier(barrier(4, 3));
  CHECK_FALSE(chain.accepts());
  work();
  CHECK(out.lines == Lines{"1", "2", "3", "|4"});
  const auto handed = chain.take_handed();
  REQUIRE(handed);
  CHECK(handed->barrier == barrier(4, 3));
  REQUIRE(handed->rows.size() == 2);
  CHECK(values_of(handed->rows[1][0][0]) == std::vector<std::int64_t>{3});
  CHECK_FALSE(chain.take_handed());
}

TEST_CASE("a router sends a barrier behind the rows that waited") {
  const auto host = std::make_shared<ManualHost>();
  Channel channels[2];
  std::vector<Router::Edge> edges(1);
  edges[0].exchange = ExchangeKind::hash;
  edges[0].keys = {0};
  edges[0].timed = true;
  std::vector<std::unique_ptr<ChannelReceiver>> receivers;
  for (Channel& channel : channels) {
    edges[0].senders.push_back(channel.sender(host));
    receivers.push_back(channel.receiver(host));
  }
  Router router(std::move(edges));
  router.emit(number_range(0, 20), 0);
  router.barrier(barrier(2, 1));
  REQUIRE(router.ready().value());
  for (const auto& receiver : receivers) {
    CHECK(std::holds_alternative<Batch>(receiver->receive().value().value()));
    CHECK(std::get<Barrier>(receiver->receive().value().value()) == barrier(2, 1));
  }
}

TEST_CASE("a sink has prepared an epoch when all rows before its barrier are written") {
  const auto host = std::make_shared<ManualHost>();
  const auto sink = std::make_shared<FakeSink>();
  SinkOutput output(host, sink, {.tag = "t"}, 0, std::make_shared<VertexMeter>("out"),
                    clock_of_tests);
  const auto work = [&] {
    while (!host->offloaded.empty()) {
      for (const auto& one : std::exchange(host->offloaded, {})) one();
    }
  };
  const auto epochs = [](const std::vector<Committable>& staged) {
    std::vector<std::pair<std::uint64_t, std::int64_t>> all;
    for (const Committable& one : staged) all.emplace_back(one.epoch.value(), one.rows);
    return all;
  };
  using Epochs = std::vector<std::pair<std::uint64_t, std::int64_t>>;
  output.emit(numbers({1, 2}), 0);
  output.barrier(barrier(1));
  CHECK_FALSE(output.staged_by(Epoch(1)));
  work();
  CHECK(epochs(output.staged_by(Epoch(1)).value()) == Epochs{{1, 2}});
  // Epoch 1 was given up: what it had is in the next one.
  output.emit(numbers({3}), 0);
  output.barrier(barrier(2));
  CHECK_FALSE(output.staged_by(Epoch(2)));
  work();
  CHECK(epochs(output.staged_by(Epoch(1)).value()) == Epochs{{1, 2}});
  CHECK(epochs(output.staged_by(Epoch(2)).value()) == Epochs{{1, 2}, {2, 1}});
  output.barrier(barrier(3, 2));
  output.emit(numbers({4}), 0);
  output.finish();
  work();
  CHECK(output.finished().value());
  CHECK(epochs(output.staged()) == Epochs{{3, 0}, {4, 1}});
}

TEST_CASE("a position is that of the rows which the task has taken, not of those read ahead") {
  Fed fed;
  CHECK(fed.first() == 0);
  CHECK(fed.receiver->level().batches == 1);
  CHECK(fed.receiver->position() == SplitPosition{0, 4});
  fed.receiver->order(barrier(1));
  CHECK(std::get<Barrier>(fed.next().value()) == barrier(1));
  CHECK(fed.receiver->position() == SplitPosition{0, 4});
  CHECK(fed.first() == 4);
  CHECK(fed.first() == 8);
  CHECK(fed.first() == 1'000'000);
  CHECK(fed.receiver->position() == SplitPosition{1, 4});
}

TEST_CASE("a source goes on behind the rows that were taken, in the midst of a batch, too") {
  CHECK(Fed({0, 4}).first() == 4);
  CHECK(Fed({0, 6}).first() == 6);
  CHECK(Fed({0, 12}).first() == 1'000'000);
  CHECK(Fed({1, 11}).first() == 1'000'011);
  Fed ended({2, 0});
  CHECK(std::get<Watermark>(ended.next().value()).time == EventTime::max());
  CHECK(ended.receiver->exhausted());
}

TEST_CASE("a source at its end stays for barriers until it may end") {
  Fed fed({1, 8});
  CHECK(fed.first() == 1'000'008);
  CHECK_FALSE(fed.receiver->exhausted());
  CHECK(std::get<Watermark>(fed.next().value()).time == EventTime::max());
  CHECK(fed.receiver->exhausted());
  CHECK_FALSE(fed.next());
  fed.receiver->order(barrier(3));
  fed.receiver->order(barrier(2));
  CHECK(std::get<Barrier>(fed.next().value()) == barrier(3));
  CHECK(fed.receiver->position() == SplitPosition{2, 0});
  CHECK_FALSE(fed.next());
  fed.receiver->let_end();
  CHECK(std::holds_alternative<EndOfStream>(fed.next().value()));
}
