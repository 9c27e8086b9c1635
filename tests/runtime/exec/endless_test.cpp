// Sources that go on: a reader that has nothing yet is asked again when it says, and holds no
// thread; a rate is a schedule, which is caught up with; small batches, and positions behind what
// has left; who has no rows for long holds no time back; rows that wait leave when there is nothing
// to do.
#include "runtime/exec/feed_receiver.hpp"
#include "runtime/exec/input_gate.hpp"
#include "runtime/exec/pace.hpp"
#include "runtime/exec/router.hpp"
#include "runtime/exec/splits_reader.hpp"
#include "tests/runtime/exec/fakes.hpp"
#include "tests/support/catch.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <utility>

using namespace troupe;

namespace {

class MovedClock : public Clock {
 public:
  Instant now() const override { return time; }
  WallTime wall() const override { return {}; }
  Instant time{};
};

/// Numbers 10 k, 10 k + 1... of split k, `rows` of them; as a sequence, split k is there once
/// `ready` is greater than k, and after `last` there is none.
class Growing : public Source {
 public:
  Result<std::vector<Split>> splits(std::uint32_t) override { return std::vector<Split>(); }
  std::unique_ptr<SplitSequence> sequence(const SubtaskOf& self,
                                          const SplitPosition& from) override {
    begun_with.push_back(from);
    return std::make_unique<Sequence>(*this, from.split * self.parallelism + self.subtask,
                                      self.parallelism);
  }
  Result<std::unique_ptr<BatchReader>> open(const Split& split) override {
    return std::unique_ptr<BatchReader>(
        std::make_unique<Reader>(std::stoll(split.detail) * 100'000, rows, made));
  }

  std::size_t ready = 100;
  std::size_t last = 100;
  std::int64_t rows = 10;
  std::int64_t made = 0;  ///< rows that readers had to make
  std::vector<SplitPosition> begun_with;

 private:
  class Sequence : public SplitSequence {
   public:
    Sequence(Growing& source, std::size_t next, std::size_t step)
        : source_(source), next_(next), step_(step) {}
    Result<Next> next() override {
      if (next_ > source_.last) return Next(NoMore{});
      if (next_ >= source_.ready) return Next(NotYet{7ms});
      const std::size_t number = std::exchange(next_, next_ + step_);
      mark_ = fmt::format("#{}", number);
      return Next(Split{std::to_string(number)});
    }
    std::string mark() const override { return mark_; }

   private:
    Growing& source_;
    std::size_t next_;
    const std::size_t step_;
    std::string mark_;
  };

  class Reader : public BatchReader {
   public:
    Reader(std::int64_t at, std::int64_t rows, std::int64_t& made)
        : at_(at), end_(at + rows), made_(made) {}
    Result<Batch> next() override {
      if (at_ == end_) return Batch();
      made_ += end_ - at_;
      return number_range(std::exchange(at_, end_), end_ - at_);
    }
    std::int64_t skip(std::int64_t rows) override {
      at_ += rows;
      return rows;
    }

   private:
    std::int64_t at_;
    const std::int64_t end_;
    std::int64_t& made_;
  };
};

struct Read {
  explicit Read(SplitsSite site) : reader(with_source(std::move(site), source), clock) {}

  /// The first number and how many rows, "wait 7ms", or "end".
  std::string next() {
    const Batch batch = reader.next().value();
    if (!batch) return "end";
    if (batch.rows() == 0) return fmt::format("wait {}ms", reader.pause() / 1ms);
    return fmt::format("{}+{}", values_of(batch).front(), batch.rows());
  }
  static SplitsSite with_source(SplitsSite site, std::shared_ptr<Source> source) {
    site.source = std::move(source);
    site.stream = true;
    return site;
  }

  const std::shared_ptr<Growing> source = std::make_shared<Growing>();
  MovedClock clock;
  SplitsReader reader;
};

std::shared_ptr<const SplitPosition> from(SplitPosition position) {
  return std::make_shared<const SplitPosition>(std::move(position));
}

/// Reads what it is told: rows with these times, or a pause.
class Scripted : public BatchReader {
 public:
  Result<Batch> next() override {
    reads += 1;
    if (times.empty()) return number_range(0, 0);
    const auto type = arrow::timestamp(arrow::TimeUnit::MICRO);
    const auto column = numbers(std::exchange(times, {})).columns()->column(0)->View(type);
    return Batch(arrow::RecordBatch::Make(arrow::schema({arrow::field(time_column, type)}),
                                          (*column)->length(), {*column}));
  }
  Duration pause() const override { return 5ms; }

  std::vector<std::int64_t> times;
  int reads = 0;
};

/// A source's end of a gate, idle after 20 ms.
struct Fed {
  Fed() {
    auto reader = std::make_unique<Scripted>();
    script = reader.get();
    feed = std::make_shared<BatchFeed>(host, std::move(reader), nullptr, clock);
    const auto schema = arrow::schema({arrow::field("n", arrow::int64())});
    event_time = std::make_shared<const EventTimePlan>(
        EventTimePlan{Expression::bind("n", schema).value(), EventTime::duration(0), 20ms});
    receiver = std::make_unique<FeedReceiver>(feed, event_time, true);
  }
  std::string next() {
    auto item = receiver->receive().value();
    for (const auto& work : std::exchange(host->offloaded, {})) work();
    if (!item) item = receiver->receive().value();
    if (!item) return "nothing";
    if (std::holds_alternative<Batch>(*item)) return "rows";
    const auto& mark = std::get<Watermark>(*item);
    const bool begun = mark.time != EventTime::min();
    return fmt::format("@{}{}", begun ? mark.time.time_since_epoch().count() : 0,
                       mark.idle ? " idle" : "");
  }

  const std::shared_ptr<ManualHost> host = std::make_shared<ManualHost>();
  MovedClock clock;
  Scripted* script = nullptr;
  std::shared_ptr<BatchFeed> feed;
  std::shared_ptr<const EventTimePlan> event_time;
  std::unique_ptr<FeedReceiver> receiver;
};

}  // namespace

TEST_CASE("a pace is a schedule: what could not leave when it was due follows at once") {
  Pace pace(1000);
  Instant now{};
  CHECK(pace.due(now) == 1);
  pace.take(1);
  CHECK(pace.due(now) == 0);
  CHECK(pace.pause(now) == Pace::step);
  now += 2500ms;
  CHECK(pace.due(now) == 2500);
  pace.take(500);
  CHECK(pace.due(now) == 2000);
  Pace slow(0.5);
  slow.due(now);
  slow.take(1);
  CHECK(slow.pause(now) == 2s);
  CHECK(slow.pause(now + 1500ms) == 500ms);
}

TEST_CASE("a subtask reads every so many-th split, and waits for one that is not there yet") {
  Read read({.self = {1, 3}});
  read.source->ready = 5;
  CHECK(read.next() == "100000+10");
  CHECK(read.next() == "400000+10");
  CHECK(read.reader.position() == SplitPosition{1, 10, "#4"});
  CHECK(read.next() == "wait 7ms");
  CHECK(read.reader.position() == SplitPosition{2, 0, "#4"});
  read.source->ready = 8;
  CHECK(read.next() == "700000+10");
  read.source->last = 9;
  CHECK(read.next() == "end");
  CHECK(read.reader.position() == SplitPosition{3, 0, "#7"});
}

TEST_CASE("a restart asks its source for the split at hand, and makes no row again") {
  Read read({.self = {1, 3}, .begin = from({1, 7, "#4"})});
  CHECK(read.next() == "400007+3");
  CHECK(read.source->begun_with == std::vector<SplitPosition>{{1, 7, "#4"}});
  CHECK(read.source->made == 3);
  CHECK(read.reader.position() == SplitPosition{1, 10, "#4"});
}

TEST_CASE("batches of a stream are small, and positions are behind what has left") {
  Read read({});
  read.source->rows = 20'000;
  CHECK(read.next() == "0+8192");
  CHECK(read.reader.position().rows == 8192);
  CHECK(read.next() == "8192+8192");
  CHECK(read.next() == "16384+3616");
  CHECK(read.reader.position().rows == 20'000);
}

TEST_CASE("with a rate each subtask gives its part when it is due") {
  Read read({.self = {0, 2}, .rate = 1000});
  read.source->rows = 100;
  CHECK(read.next() == "0+1");
  CHECK(read.next() == "wait 2ms");
  read.clock.time += 10ms;
  CHECK(read.next() == "1+5");
  CHECK(read.reader.position() == SplitPosition{0, 6, "#0"});
  read.clock.time += 1s;
  CHECK(read.next() == "6+94");
  CHECK(read.next() == "200000+100");
  // A new life begins a new schedule.
  Read again({.self = {0, 2}, .rate = 1000, .begin = from({0, 6, "#0"})});
  again.clock.time = read.clock.time + 1h;
  CHECK(again.next() == "6+1");
}

TEST_CASE(
    "a feed whose reader has nothing yet asks it again when it says, and wakes its task then") {
  Fed fed;
  CHECK(fed.next() == "nothing");
  CHECK(fed.script->reads == 1);
  CHECK(fed.host->timer == Instant{} + 5ms);
  CHECK(fed.next() == "nothing");  // woken by somebody else
  CHECK(fed.script->reads == 1);
  CHECK(fed.host->offloaded.empty());
  fed.clock.time += 5ms;
  fed.script->times = {7};
  CHECK(fed.next() == "rows");
  CHECK(fed.next() == "@7");
}

TEST_CASE(
    "a source without rows for long says that it is idle, and that it is back before its rows") {
  Fed fed;
  fed.script->times = {7};
  CHECK(fed.next() == "rows");
  CHECK(fed.next() == "@7");
  fed.host->timer.reset();
  fed.clock.time += 19ms;
  CHECK(fed.next() == "nothing");
  CHECK(fed.host->timer == Instant{} + 20ms);
  fed.clock.time += 5ms;
  CHECK(fed.next() == "@7 idle");
  CHECK(fed.next() == "nothing");
  fed.clock.time += 5ms;
  fed.script->times = {9};
  CHECK(fed.next() == "@7");
  CHECK(fed.next() == "rows");
  CHECK(fed.next() == "@9");
}

TEST_CASE(
    "an idle channel holds nothing back; where all are idle, the task is, at the latest time") {
  const auto host = std::make_shared<ManualHost>();
  std::vector<InputGate::Input> inputs(1);
  inputs.front().timed = true;
  std::vector<std::unique_ptr<ChannelSender>> senders;
  for (int i = 0; i < 2; ++i) {
    Channel channel;
    senders.push_back(channel.sender(host));
    inputs.front().channels.push_back(channel.receiver(host));
  }
  InputGate gate(std::move(inputs));
  const auto mark = [&](std::size_t channel, std::int64_t time, bool idle = false) {
    senders[channel]->send(Watermark{EventTime(EventTime::duration(time)), idle}, 0);
  };
  const auto next = [&]() -> std::optional<Watermark> {
    const auto event = gate.poll([](int) { return true; }).value();
    if (!event) return std::nullopt;
    return std::get<InputGate::Advanced>(*event).to;
  };
  const auto told = [](std::int64_t time, bool idle) {
    return Watermark{EventTime(EventTime::duration(time)), idle};
  };
  mark(0, 10);
  mark(1, 50);
  CHECK(next() == told(10, false));
  mark(0, 10, true);
  CHECK(next() == told(50, false));
  mark(1, 70, true);
  CHECK(next() == told(70, true));
  mark(0, 20);  // back: the task is idle no longer, and its time waits until that one has caught up
  CHECK(next() == told(70, false));
  mark(0, 60);
  CHECK_FALSE(next());
  mark(0, 80);
  CHECK(next() == told(80, false));
  mark(1, 75);
  CHECK_FALSE(next());
}

TEST_CASE("an input waits for one that is more than ten seconds behind, if no source feeds both") {
  const auto host = std::make_shared<ManualHost>();
  for (const bool apart : {true, false}) {
    std::vector<InputGate::Input> inputs(2);
    std::vector<std::unique_ptr<ChannelSender>> senders;
    for (auto& input : inputs) {
      Channel channel;
      input.timed = true;
      senders.push_back(channel.sender(host));
      input.channels.push_back(channel.receiver(host));
    }
    InputGate gate(std::move(inputs), nullptr, apart);
    const auto mark = [&](std::size_t input, EventTime::duration time, bool idle = false) {
      senders[input]->send(Watermark{EventTime(time), idle}, 0);
    };
    const auto rows = [&](std::size_t input) {
      const Batch batch = numbers({1});
      senders[input]->send(batch, batch.bytes());
    };
    // Which input the next rows are of; -1: there are none that may be taken.
    const auto next = [&] {
      while (true) {
        const auto event = gate.poll([](int) { return true; }).value();
        if (!event) return -1;
        if (const auto* taken = std::get_if<InputGate::Rows>(&*event)) return taken->input;
      }
    };
    mark(0, 60s);
    mark(1, 50s);
    CHECK(next() == -1);
    rows(0);
    CHECK(next() == 0);
    mark(0, 61s);
    CHECK(next() == -1);
    rows(0);
    CHECK(next() == (apart ? -1 : 0));
    rows(1);
    CHECK(next() == 1);
    if (!apart) continue;
    mark(1, 51s);
    CHECK(next() == 0);
    mark(0, 80s);
    CHECK(next() == -1);
    rows(0);
    CHECK(next() == -1);
    senders[1]->send(Barrier{Epoch(1)}, 0);  // a barrier waits for nobody
    CHECK(next() == 0);
    senders[0]->send(Barrier{Epoch(1)}, 0);
    rows(0);
    CHECK(next() == -1);
    mark(1, 51s, true);  // nor is one awaited that is idle
    CHECK(next() == 0);
  }
}

TEST_CASE(
    "rows that wait in a router for more of them leave when their task has nothing else to do") {
  const auto host = std::make_shared<ManualHost>();
  for (const bool stream : {true, false}) {
    std::vector<Router::Edge> edges(1);
    edges[0].exchange = ExchangeKind::hash;
    edges[0].keys = {0};
    edges[0].timed = stream;
    std::vector<std::unique_ptr<ChannelReceiver>> receivers;
    for (int i = 0; i < 2; ++i) {
      Channel channel;
      edges[0].senders.push_back(channel.sender(host));
      receivers.push_back(channel.receiver(host));
    }
    Router router(std::move(edges));
    router.emit(number_range(0, 20), 0);
    REQUIRE(router.ready().value());
    CHECK_FALSE(receivers[0]->receive().value());
    CHECK(router.let_go() == stream);
    REQUIRE(router.ready().value());
    CHECK(receivers[0]->receive().value().has_value() == stream);
    CHECK_FALSE(router.let_go());
  }
}
