// Event time on its way: a source's rows get theirs or are refused, a task is as far as the input
// that is furthest behind, and a watermark overtakes no row on its way through chain and router.
#include "runtime/base/failure_class.hpp"
#include "runtime/exec/feed_receiver.hpp"
#include "runtime/exec/input_gate.hpp"
#include "runtime/exec/operator_chain.hpp"
#include "runtime/exec/router.hpp"
#include "runtime/exec/timed_reader.hpp"
#include "tests/runtime/exec/fakes.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rows.hpp"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <deque>

using namespace troupe;

namespace {

const std::shared_ptr<ManualHost> host = std::make_shared<ManualHost>();

EventTime at(std::int64_t micros) { return EventTime(EventTime::duration(micros)); }

/// What comes out, as text: rows by their numbers, "@5" a watermark, "end".
std::string text_of(const std::optional<InputGate::Event>& event) {
  if (!event) return "nothing";
  if (const auto* rows = std::get_if<InputGate::Rows>(&*event)) {
    return fmt::format("{}:{}", rows->input, values_of(rows->batch).front());
  }
  if (const auto* advanced = std::get_if<InputGate::Advanced>(&*event)) {
    if (advanced->to.time == EventTime::max()) return "@max";
    return fmt::format("@{}", advanced->to.time.time_since_epoch().count());
  }
  return fmt::format("end {}", std::get<InputGate::Ended>(*event).input);
}

/// A gate with timed inputs of so many channels each, and the other ends of these.
struct Gated {
  explicit Gated(const std::vector<std::size_t>& channels) {
    std::vector<InputGate::Input> inputs;
    for (const std::size_t count : channels) {
      InputGate::Input input;
      input.timed = true;
      for (std::size_t i = 0; i < count; ++i) {
        Channel channel;
        senders.push_back(channel.sender(host));
        input.channels.push_back(channel.receiver(host));
      }
      inputs.push_back(std::move(input));
    }
    gate = std::make_unique<InputGate>(std::move(inputs));
  }
  void rows(std::size_t channel, std::int64_t n) {
    const Batch batch = numbers({n});
    senders[channel]->send(batch, batch.bytes());
  }
  void watermark(std::size_t channel, std::int64_t time) {
    senders[channel]->send(Watermark{at(time)}, 0);
  }
  void end(std::size_t channel) { senders[channel]->send(EndOfStream{}, 0); }
  std::string next() {
    return text_of(gate->poll([](int) { return true; }).value());
  }

  std::vector<std::unique_ptr<ChannelSender>> senders;
  std::unique_ptr<InputGate> gate;
};

/// Keeps what leaves a chain: rows by their numbers, "@5" a watermark.
class Output : public TaskOutput {
 public:
  void emit(Batch batch, int) override {
    for (const std::int64_t n : values_of(batch)) log.push_back(std::to_string(n));
  }
  void emit_to(std::uint32_t, Batch batch) override { emit(std::move(batch), 0); }
  Result<bool> ready() override { return true; }
  bool closed() const override { return false; }
  void advance(const Watermark& mark) override {
    log.push_back(fmt::format("@{}", mark.time.time_since_epoch().count()));
  }
  void finish() override {}
  Result<bool> finished() override { return true; }
  void abandon() override {}
  std::uint64_t bytes() const override { return 0; }

  std::vector<std::string> log;
};

/// Holds rows until the time has passed them, and lets them go one a call.
class HoldUntil : public Operator {
 public:
  Result<Step> process(int, const Batch& batch, Emitter&) override {
    for (const std::int64_t n : values_of(batch)) held_.push_back(n);
    return Step::done;
  }
  Result<Step> advance(EventTime time, Emitter& out) override {
    if (held_.empty() || at(held_.front()) > time) return Step::done;
    out.emit(numbers({held_.front()}));
    held_.pop_front();
    return Step::again;
  }

 private:
  std::deque<std::int64_t> held_;
};

class PassOn : public Operator {
 public:
  Result<Step> process(int, const Batch& batch, Emitter& out) override {
    out.emit(batch);
    return Step::done;
  }
};

OperatorChain::Link link_of(std::unique_ptr<Operator> op, const std::string& name) {
  return {std::move(op), std::make_shared<VertexMeter>(name), {}};
}

class StillClock : public Clock {
 public:
  Instant now() const override { return {}; }
  WallTime wall() const override { return {}; }
};

const SchemaPtr moments_schema =
    arrow::schema({arrow::field("n", arrow::int64()),
                   arrow::field("t", arrow::timestamp(arrow::TimeUnit::MICRO))});

/// Gives batches, one after the other.
class GivenReader : public BatchReader {
 public:
  explicit GivenReader(std::deque<Batch> batches) : batches_(std::move(batches)) {}
  Result<Batch> next() override {
    if (batches_.empty()) return Batch();
    Batch batch = batches_.front();
    batches_.pop_front();
    return batch;
  }

 private:
  std::deque<Batch> batches_;
};

std::shared_ptr<const EventTimePlan> timed_by(const std::string& value,
                                              std::int64_t max_out_of_order = 0) {
  return std::make_shared<const EventTimePlan>(EventTimePlan{
      Expression::bind(value, moments_schema).value(), EventTime::duration(max_out_of_order)});
}

Result<Batch> read_timed(const std::string& rows, const std::string& value) {
  TimedReader reader(std::make_unique<GivenReader>(std::deque{
                         rows_from(moments_schema, R"([{"n": 0, "t": "2026-01-01 00:00:00"}])"),
                         rows_from(moments_schema, rows)}),
                     timed_by(value), "events.csv");
  TRY(reader.next());
  return reader.next();
}

}  // namespace

TEST_CASE("a task is as far as the channel that is furthest behind, of all its inputs") {
  Gated gated({2, 1});
  gated.watermark(0, 10);
  gated.watermark(1, 30);
  CHECK(gated.next() == "nothing");
  gated.watermark(2, 20);
  CHECK(gated.next() == "@10");
  gated.watermark(0, 25);
  CHECK(gated.next() == "@20");
  gated.watermark(2, 40);
  CHECK(gated.next() == "@25");
  gated.watermark(0, 5);  // a watermark that goes back says nothing
  CHECK(gated.next() == "nothing");
}

TEST_CASE("what has ended holds nothing back, and the last time is told before the last end") {
  Gated gated({2, 1});
  gated.watermark(0, 10);
  gated.watermark(1, 30);
  gated.watermark(2, 20);
  CHECK(gated.next() == "@10");
  gated.end(0);
  CHECK(gated.next() == "@20");
  gated.end(2);
  CHECK(gated.next() == "@30");
  CHECK(gated.next() == "end 1");
  gated.end(1);
  CHECK(gated.next() == "@max");
  CHECK(gated.next() == "end 0");
}

TEST_CASE("rows that come before a watermark are taken before it counts") {
  Gated gated({1});
  gated.rows(0, 1);
  gated.watermark(0, 10);
  gated.rows(0, 2);
  CHECK(gated.next() == "0:1");
  CHECK(gated.next() == "@10");
  CHECK(gated.next() == "0:2");
}

TEST_CASE("the channel that is furthest behind is asked first") {
  Gated gated({2});
  gated.watermark(0, 100);
  gated.watermark(1, 50);
  CHECK(gated.next() == "@50");
  for (std::int64_t n = 0; n < 3; ++n) gated.rows(0, n);
  for (std::int64_t n = 10; n < 13; ++n) gated.rows(1, n);
  CHECK(gated.next() == "0:10");
  CHECK(gated.next() == "0:11");
  CHECK(gated.next() == "0:12");
  CHECK(gated.next() == "0:0");
}

TEST_CASE("a watermark passes each operator after what the operator lets go for it") {
  Output output;
  StillClock clock;
  std::vector<OperatorChain::Link> links;
  links.push_back(link_of(std::make_unique<HoldUntil>(), "hold"));
  links.push_back(link_of(std::make_unique<PassOn>(), "pass"));
  OperatorChain chain(std::move(links), 1, output, clock);
  REQUIRE(chain.open().ok());
  const auto work = [&] {
    while (chain.step().value()) {
    }
    REQUIRE(chain.accepts());
  };
  chain.offer(0, numbers({3, 5, 9}));
  work();
  CHECK(output.log.empty());
  chain.advance({at(5)});
  CHECK_FALSE(chain.accepts());
  work();
  CHECK(output.log == std::vector<std::string>{"3", "5", "@5"});
  chain.advance({at(7)});
  work();
  CHECK(output.log == std::vector<std::string>{"3", "5", "@5", "@7"});
}

TEST_CASE("a router sends a watermark to all receivers of a stream, behind the rows that waited") {
  Channel channels[2];
  Channel table;
  std::vector<Router::Edge> edges(2);
  edges[0].exchange = ExchangeKind::hash;
  edges[0].keys = {0};
  edges[0].timed = true;
  std::vector<std::unique_ptr<ChannelReceiver>> receivers;
  for (Channel& channel : channels) {
    edges[0].senders.push_back(channel.sender(host));
    receivers.push_back(channel.receiver(host));
  }
  edges[1].senders.push_back(table.sender(host));
  receivers.push_back(table.receiver(host));
  Router router(std::move(edges));
  router.emit(number_range(0, 20), 0);  // too few to be sent at once
  REQUIRE(router.ready().value());
  CHECK_FALSE(receivers[0]->receive().value());
  router.advance({at(4)});
  REQUIRE(router.ready().value());
  std::int64_t rows = 0;
  for (int i = 0; i < 2; ++i) {
    auto item = receivers[static_cast<std::size_t>(i)]->receive().value();
    REQUIRE(item);
    rows += std::get<Batch>(*item).rows();
    item = receivers[static_cast<std::size_t>(i)]->receive().value();
    REQUIRE(item);
    CHECK(std::get<Watermark>(*item).time == at(4));
  }
  CHECK(rows == 20);
  CHECK(std::get<Batch>(*receivers[2]->receive().value()).rows() == 20);
  CHECK_FALSE(receivers[2]->receive().value());
}

TEST_CASE("rows get their event time as the last column") {
  const Batch batch =
      read_timed(R"([{"n": 1, "t": "1970-01-01 00:00:01"}, {"n": 2, "t": "1970-01-01 00:00:03"}])",
                 "t + n * INTERVAL '1 second'")
          .value();
  CHECK(batch.columns()->num_columns() == 3);
  CHECK(batch.columns()->schema()->field(2)->name() == time_column);
  const auto times = times_of(batch);
  CHECK(std::vector<std::int64_t>(times.begin(), times.end()) ==
        std::vector<std::int64_t>{2000000, 5000000});
}

TEST_CASE("a row without an event time that can be is a poisoned record, and is named") {
  const auto refused = [](const std::string& rows) {
    const auto read = read_timed(rows, "t");
    REQUIRE_FALSE(read.ok());
    CHECK(classify(read.error()) == FailureClass::poison_record);
    return read.error().message;
  };
  CHECK(refused(R"([{"n": 1, "t": "2026-01-01 00:00:00"}, {"n": 2, "t": null}])") ==
        "events.csv, row 3: its event time (t) is null");
  CHECK(refused(R"([{"n": 1, "t": "1969-12-31 23:59:59.999999"}])") ==
        "events.csv, row 2: its event time (t) is not in the years 1970 to 2262");
  CHECK(refused(R"([{"n": 1, "t": "2300-01-01 00:00:00"}])") ==
        "events.csv, row 2: its event time (t) is not in the years 1970 to 2262");
}

TEST_CASE("a watermark follows each batch that brings a later time, as late as rows may come") {
  const auto event_time = timed_by("t", 1000000);
  const auto rows = [](const std::string& time) {
    return rows_from(moments_schema, fmt::format(R"([{{"n": 1, "t": "1970-01-01 {}"}}])", time));
  };
  auto reader =
      std::make_unique<TimedReader>(std::make_unique<GivenReader>(std::deque{
                                        rows("00:00:05"), rows("00:00:04"), rows("00:00:07")}),
                                    event_time, "events");
  StillClock clock;
  FeedReceiver receiver(std::make_shared<BatchFeed>(host, std::move(reader), nullptr, clock),
                        event_time);
  std::vector<std::string> log;
  for (int calls = 0; calls < 50 && (log.empty() || log.back() != "end"); ++calls) {
    const auto item = receiver.receive().value();
    if (!item) {
      for (const auto& work : std::exchange(host->offloaded, {})) work();
    } else if (const auto* watermark = std::get_if<Watermark>(&*item)) {
      log.push_back(fmt::format("@{}", watermark->time.time_since_epoch().count()));
    } else {
      log.push_back(std::holds_alternative<Batch>(*item) ? "rows" : "end");
    }
  }
  CHECK(log == std::vector<std::string>{"rows", "@4000000", "rows", "rows", "@6000000", "end"});
}
