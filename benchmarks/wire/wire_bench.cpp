// What the wire between two nodes costs: two processes on loopback, CURVE on, as in a cluster.
// Prints one JSON object a case. `wire-bench [messages] [megabytes] [lanes]`
#include "runtime/net/link.hpp"
#include "runtime/os/clock.hpp"
#include "runtime/wire/batch_codec.hpp"

#include <arrow/api.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace troupe {
namespace {

const NodeId sender_id("sender");
const NodeId receiver_id("receiver");
constexpr int rows_per_batch = 65536;  // two columns of 8 bytes: 1 MiB
constexpr int round_trips = 2000;

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

double cpu_seconds() {
  rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

LinkConfig config(const NodeId& self, int lanes) {
  LinkConfig config;
  config.session.cluster = ClusterName("bench");
  config.session.self = self;
  config.session.incarnation = Incarnation(1);
  config.data_lanes = lanes;
  return config;
}

DataTokens tokens(std::uint64_t channel) {
  return {.cluster = ClusterName("bench"),
          .sender_incarnation = Incarnation(1),
          .receiver_incarnation = Incarnation(1),
          .run = RunId(1),
          .channel = ChannelId(channel),
          .sender_attempt = Attempt(1),
          .receiver_attempt = Attempt(1)};
}

Batch megabyte() {
  arrow::Int64Builder keys;
  arrow::DoubleBuilder values;
  for (int i = 0; i < rows_per_batch; ++i) {
    (void)keys.Append(i * 7919);
    (void)values.Append(i * 0.25);
  }
  return Batch(arrow::RecordBatch::Make(
      arrow::schema({arrow::field("k", arrow::int64()), arrow::field("v", arrow::float64())}),
      rows_per_batch, {keys.Finish().ValueOrDie(), values.Finish().ValueOrDie()}));
}

class Node final : public LinkListener {
 public:
  Node(const NodeId& self, const KeyRing& keys, int lanes)
      : self_(self),
        link(Link::open(config(self, lanes), keys, *this, metrics_, system_clock().now()).value()) {
  }
  void on_peer(const NodeId&, const PeerEvent& event) override {
    if (std::holds_alternative<session_effect::Up>(event)) up = true;
  }
  void on_frame(const NodeId& peer, Frame frame) override {
    ++messages;
    // The receiver answers what asks for it; everything else is only counted.
    if (frame.request().correlation != 0 && self_ == receiver_id) say(peer, 0);
  }
  void on_data(const NodeId& peer, DataFrame frame) override {
    const auto channel = frame.tokens().channel.value();
    while (decoders_.size() <= channel) decoders_.emplace_back(tokens(decoders_.size()));
    const auto item = decoders_[channel].decode(frame).value();
    if (std::holds_alternative<EndOfStream>(item)) return say(peer, 0);
    rows += std::get<Batch>(item).rows();
  }
  void poll() {
    link->wait(10ms);
    link->poll(system_clock().now());
  }
  template <class Done>
  void until(Done done) {
    while (!done()) poll();
  }
  bool try_say(const NodeId& peer, std::uint64_t correlation) {
    return link
        ->send(peer, Frame::make<schema::ClockStamp>(
                         {.cluster = ClusterName("bench"), .sender = self_}, "task/1/2.3",
                         [](schema::ClockStamp::Builder) {}, {correlation, "task/1/2.4"}))
        .ok();
  }
  void say(const NodeId& peer, std::uint64_t correlation) {
    while (!try_say(peer, correlation)) poll();
  }

 private:
  Metrics metrics_;
  NodeId self_;
  std::vector<ChannelDecoder> decoders_;

 public:
  std::unique_ptr<Link> link;
  bool up = false;
  std::uint64_t messages = 0;
  std::int64_t rows = 0;
};

void control_messages(Node& node, std::uint64_t count) {
  const double cpu = cpu_seconds();
  const Instant begin = system_clock().now();
  constexpr std::uint64_t burst = 256;  // what a node's actors might say between two polls
  for (std::uint64_t sent = 0; sent < count;) {
    for (std::uint64_t i = 0; i < burst && sent < count; ++i, ++sent) {
      node.say(receiver_id, sent + 1 == count ? 1 : 0);
    }
    node.link->poll(system_clock().now());
  }
  const auto answers = node.messages;
  node.until([&] { return node.messages > answers; });
  const double took = seconds(system_clock().now() - begin);
  std::printf(
      "{\"suite\":\"wire\",\"case\":\"control messages\",\"messages\":%llu,\"troupe_s\":%.4f,"
      "\"per_second\":%.0f,\"sender_cpu_us_per_message\":%.2f}\n",
      static_cast<unsigned long long>(count), took, static_cast<double>(count) / took,
      (cpu_seconds() - cpu) * 1e6 / static_cast<double>(count));
}

void round_trip(Node& node, const char* name, int count) {
  std::vector<double> micros;
  for (int i = 0; i < count; ++i) {
    const auto answers = node.messages;
    const Instant begin = system_clock().now();
    node.say(receiver_id, 1);
    node.until([&] { return node.messages > answers; });
    micros.push_back(seconds(system_clock().now() - begin) * 1e6);
  }
  std::ranges::sort(micros);
  const auto at = [&](double share) {
    return micros[static_cast<std::size_t>(share * static_cast<double>(micros.size() - 1))];
  };
  std::printf(
      "{\"suite\":\"wire\",\"case\":\"%s\",\"round_trips\":%d,\"median_us\":%.0f,\"p99_us\":%.0f,"
      "\"max_us\":%.0f}\n",
      name, count, at(0.5), at(0.99), micros.back());
}

/// One channel a lane, all at once; the receiver decodes and checks every batch.
void data(Node& node, std::uint64_t megabytes, int lanes) {
  std::vector<ChannelEncoder> encoders;
  for (int i = 0; i < lanes; ++i) encoders.emplace_back(tokens(static_cast<std::uint64_t>(i)));
  const Batch batch = megabyte();
  const double cpu = cpu_seconds();
  const Instant begin = system_clock().now();
  const auto send = [&](ChannelEncoder& encoder, const StreamItem& item) {
    const auto frames = encoder.encode(item).value();
    for (const auto& frame : frames) {
      while (!node.link->send_data(receiver_id, frame)) node.poll();
    }
  };
  for (std::uint64_t sent = 0; sent < megabytes; ++sent) {
    send(encoders[sent % encoders.size()], batch);
    node.link->poll(system_clock().now());
  }
  const auto answers = node.messages;
  for (auto& encoder : encoders) send(encoder, EndOfStream{});
  node.until([&] { return node.messages >= answers + encoders.size(); });
  const double took = seconds(system_clock().now() - begin);
  std::printf(
      "{\"suite\":\"wire\",\"case\":\"data, %d lanes\",\"megabytes\":%llu,\"troupe_s\":%.4f,"
      "\"mb_per_second\":%.0f,\"sender_cpu_s_per_gb\":%.2f}\n",
      lanes, static_cast<unsigned long long>(megabytes), took,
      static_cast<double>(megabytes) * 1.048576 / took,
      (cpu_seconds() - cpu) * 1000 / (static_cast<double>(megabytes) * 1.048576));
}

/// Questions and answers while the data lanes are kept full: bulk must not delay control.
void round_trip_beside_data(Node& node) {
  ChannelEncoder encoder(tokens(1000));
  const Batch batch = megabyte();
  std::vector<double> millis;
  const Instant end = system_clock().now() + 3s;
  std::optional<DataFrame> waiting;
  while (system_clock().now() < end) {
    const auto answers = node.messages;
    const Instant begin = system_clock().now();
    node.say(receiver_id, 1);
    while (node.messages == answers) {
      if (!waiting) waiting = encoder.encode(batch).value().at(0);
      if (node.link->send_data(receiver_id, *waiting)) waiting.reset();
      node.poll();
    }
    millis.push_back(seconds(system_clock().now() - begin) * 1e3);
  }
  std::ranges::sort(millis);
  std::printf(
      "{\"suite\":\"wire\",\"case\":\"round trip beside bulk data\",\"round_trips\":%zu,"
      "\"median_ms\":%.2f,\"p99_ms\":%.2f}\n",
      millis.size(), millis[millis.size() / 2], millis[millis.size() * 99 / 100]);
}

int run(std::uint64_t messages, std::uint64_t megabytes, int lanes) {
  const auto keys = shared_keys({sender_id, receiver_id});
  int ends[2];
  if (::pipe(ends) != 0) return 1;
  const pid_t child = ::fork();
  if (child == 0) {
    Node receiver(receiver_id, keys.at(receiver_id), lanes);
    const std::string endpoint = receiver.link->endpoint() + "\n";
    if (::write(ends[1], endpoint.data(), endpoint.size()) < 0) ::_exit(1);
    receiver.until([&] { return receiver.up; });
    while (::getppid() != 1) receiver.poll();
    ::_exit(0);
  }
  std::string endpoint;
  for (char byte = 0; ::read(ends[0], &byte, 1) == 1 && byte != '\n';) endpoint += byte;
  Node sender(sender_id, keys.at(sender_id), lanes);
  (void)sender.link->connect(receiver_id, endpoint).ok();
  sender.until([&] { return sender.up; });
  control_messages(sender, messages);
  round_trip(sender, "round trip", round_trips);
  data(sender, megabytes, lanes);
  round_trip_beside_data(sender);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  return 0;
}

}  // namespace
}  // namespace troupe

int main(int count, char** arguments) {
  const auto number = [&](int index, std::uint64_t otherwise) {
    return count > index ? std::strtoull(arguments[index], nullptr, 10) : otherwise;
  };
  return troupe::run(number(1, 200'000), number(2, 1000), static_cast<int>(number(3, 2)));
}
