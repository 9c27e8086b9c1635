// Over real sockets: only nodes on the list speak, each only in its own name, and whatever else
// comes is counted and survived. Each test runs links on loopback with keys of their own.
#include "runtime/net/link.hpp"

#include "runtime/net/zap.hpp"
#include "runtime/os/random.hpp"
#include "runtime/wire/batch_codec.hpp"
#include "schemas/data.capnp.h"
#include "tests/runtime/net/test_node.hpp"
#include "tests/support/catch.hpp"

#include <arrow/api.h>
#include <zmq.h>

#include <algorithm>
#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace troupe;

namespace {

const NodeId a_id("a");
const NodeId b_id("b");

std::map<NodeId, KeyRing> rings() { return shared_keys({a_id, b_id, NodeId("c")}); }

/// Two nodes that know each other; b has dialled a, a has called back.
struct Couple {
  std::map<NodeId, KeyRing> keys = rings();
  TestNode a{quick_link("a"), keys.at(a_id)};
  TestNode b{quick_link("b"), keys.at(b_id)};

  Couple() {
    REQUIRE(b.link->connect(a_id, a.link->endpoint()));
    REQUIRE(run([&] { return a.heard("b up 1") && b.heard("a up 1"); }));
  }
  bool run(const std::function<bool()>& done, Duration max = 5s) {
    return eventually({&a, &b}, done, max);
  }
};

std::uint16_t port_of(const std::string& endpoint) {
  return static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1)));
}

/// A plain TCP connection to a link: what a port scanner or a lost web browser is.
class RawSocket {
 public:
  explicit RawSocket(const std::string& endpoint) : descriptor_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_of(endpoint));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }
  ~RawSocket() { ::close(descriptor_); }
  void write(const std::string& bytes) {
    (void)!::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }

 private:
  int descriptor_;
};

/// A libzmq client with a key of its choice that says what it likes.
class Stranger {
 public:
  Stranger(const KeyPair& key, const TestNode& server) {
    context_ = zmq_ctx_new();
    socket_ = zmq_socket(context_, ZMQ_DEALER);
    const int none = 0;
    zmq_setsockopt(socket_, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt(socket_, ZMQ_CURVE_SERVERKEY, server.link->public_key().bytes().data(), 32);
    zmq_setsockopt(socket_, ZMQ_CURVE_PUBLICKEY, key.public_key().bytes().data(), 32);
    zmq_setsockopt(socket_, ZMQ_CURVE_SECRETKEY, key.secret().data(), 32);
    zmq_connect(socket_, server.link->endpoint().c_str());
  }
  ~Stranger() {
    zmq_close(socket_);
    zmq_ctx_term(context_);
  }
  void say(ByteSpan bytes) { zmq_send(socket_, bytes.data(), bytes.size(), ZMQ_DONTWAIT); }
  void say(const std::string& text) { zmq_send(socket_, text.data(), text.size(), ZMQ_DONTWAIT); }
  /// The text of a Reject that came back, or "".
  std::string answer() {
    char bytes[4096];
    const int size = zmq_recv(socket_, bytes, sizeof bytes, ZMQ_DONTWAIT);
    if (size <= 0) return "";
    const auto frame =
        Frame::decode({reinterpret_cast<std::uint8_t*>(bytes), static_cast<std::size_t>(size)});
    if (!frame || !frame->is<schema::Reject>()) return "?";
    return frame->as<schema::Reject>().getText().cStr();
  }

 private:
  void* context_;
  void* socket_;
};

Frame hello_of(const char* node, const char* cluster = "c", std::uint64_t incarnation = 9) {
  return Frame::make<schema::Hello>({.cluster = ClusterName(cluster),
                                     .sender = NodeId(node),
                                     .incarnation = Incarnation(incarnation)},
                                    "", [](schema::Hello::Builder) {});
}

DataTokens data_tokens(std::uint64_t channel) {
  return {.cluster = ClusterName("c"),
          .sender_incarnation = Incarnation(1),
          .receiver_incarnation = Incarnation(1),
          .run = RunId(1),
          .channel = ChannelId(channel),
          .sender_attempt = Attempt(1),
          .receiver_attempt = Attempt(1)};
}

Batch numbers(int count) {
  arrow::Int64Builder builder;
  for (int i = 0; i < count; ++i) (void)builder.Append(i);
  const auto array = builder.Finish().ValueOrDie();
  return Batch(
      arrow::RecordBatch::Make(arrow::schema({arrow::field("i", array->type())}), count, {array}));
}

}  // namespace

TEST_CASE("two links talk in both directions, in order") {
  Couple c;
  for (int i = 0; i < 1000; ++i) {
    REQUIRE(c.a.link->send(b_id, c.a.message(std::to_string(i))));
    REQUIRE(c.b.link->send(a_id, c.b.message(std::to_string(i))));
  }
  REQUIRE(c.run([&] { return c.a.frames.size() == 1000 && c.b.frames.size() == 1000; }));
  for (int i = 0; i < 1000; ++i) {
    const auto index = static_cast<std::size_t>(i);
    REQUIRE(c.a.frames[index] == "b:" + std::to_string(i));
    REQUIRE(c.b.frames[index] == "a:" + std::to_string(i));
  }
  CHECK(c.a.count("troupe_keys_refused_total") == 0);
}

TEST_CASE("a control message may be as large as its limit, a larger one is not taken") {
  Couple c;
  const auto of_size = [&](std::size_t bytes) {
    return Frame::make<schema::BatchBody>(
        {.cluster = ClusterName("c"), .sender = a_id}, "large",
        [&](schema::BatchBody::Builder body) { body.initSchema(static_cast<unsigned>(bytes)); });
  };
  REQUIRE(c.a.link->send(b_id, of_size(frame_bytes_max - 400)));
  CHECK(c.a.link->send(b_id, of_size(frame_bytes_max)).error().code == ErrorCode::invalid_argument);
  REQUIRE(c.run([&] { return !c.b.frames.empty(); }));
  CHECK(c.b.last_frame.as<schema::BatchBody>().getSchema().size() == frame_bytes_max - 400);
}

TEST_CASE("rows travel beside the messages, through their own lanes") {
  Couple c;
  std::vector<ChannelEncoder> encoders;
  std::vector<ChannelDecoder> decoders;
  for (std::uint64_t channel = 0; channel < 4; ++channel) {
    encoders.emplace_back(data_tokens(channel));
    decoders.emplace_back(data_tokens(channel));
  }
  const Batch batch = numbers(60000);
  for (int round = 0; round < 5; ++round) {
    for (auto& encoder : encoders) {
      REQUIRE(c.a.link->send_data(b_id, encoder.encode(batch).value().at(0)));
    }
  }
  REQUIRE(c.run([&] { return c.b.data.size() == 20; }));
  for (const auto& frame : c.b.data) {
    const auto item = decoders[frame.tokens().channel.value()].decode(frame);
    REQUIRE(item);
    CHECK(std::get<Batch>(*item).columns()->Equals(*batch.columns()));
  }
}

TEST_CASE("connecting to a peer that has called already disturbs nothing") {
  Couple c;
  ChannelEncoder encoder(data_tokens(1));
  ChannelDecoder decoder(data_tokens(1));
  const Batch batch = numbers(60000);
  for (int i = 0; i < 30; ++i) {
    REQUIRE(c.a.link->send_data(b_id, encoder.encode(batch).value().at(0)));
    if (i % 3 == 0) REQUIRE(c.a.link->connect(b_id, c.b.link->endpoint()));
    if (i % 5 == 0) REQUIRE(c.b.link->connect(a_id, c.a.link->endpoint()));
    c.a.poll();
  }
  REQUIRE(c.run([&] { return c.b.data.size() == 30; }));
  for (const auto& frame : c.b.data) REQUIRE(decoder.decode(frame));
  CHECK_FALSE(c.a.heard("b closed"));
  CHECK_FALSE(c.a.heard("b data lost"));
}

TEST_CASE("connecting to another address says that rows may be lost, and no message is") {
  Couple c;
  for (int i = 0; i < 100; ++i) {
    REQUIRE(c.a.link->send(b_id, c.a.message(std::to_string(i))));
    if (i == 50) {
      // The same node by another name of its address.
      const std::string port = c.b.link->endpoint().substr(c.b.link->endpoint().rfind(':'));
      REQUIRE(c.a.link->connect(b_id, "tcp://127.0.0.1" + port));
      REQUIRE(c.a.link->connect(b_id, "tcp://localhost" + port));
    }
  }
  REQUIRE(c.run([&] { return c.b.frames.size() == 100; }));
  for (int i = 0; i < 100; ++i) {
    REQUIRE(c.b.frames[static_cast<std::size_t>(i)] == "a:" + std::to_string(i));
  }
  CHECK(c.a.heard("b data lost"));
  CHECK(c.a.heard("b resumed"));
  CHECK_FALSE(c.a.heard("b down"));
}

TEST_CASE("many threads may send at once") {
  Couple c;
  std::vector<std::thread> threads;
  constexpr int each = 2000;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&c, t] {
      for (int i = 0; i < each; ++i) {
        while (!c.a.link->send(b_id, c.a.message(fmt::format("{}/{}", t, i)))) {
          std::this_thread::yield();
        }
      }
    });
  }
  const bool all = c.run([&] { return c.b.frames.size() == 4 * each; }, 20s);
  for (auto& thread : threads) thread.join();
  REQUIRE(all);
  std::map<int, int> next;
  for (const auto& frame : c.b.frames) {
    const int thread = frame[2] - '0';
    REQUIRE(frame == fmt::format("a:{}/{}", thread, next[thread]++));
  }
}

TEST_CASE("rows without a session, or beyond the queue, are not taken") {
  auto keys = rings();
  TestNode alone(quick_link("a"), keys.at(a_id));
  ChannelEncoder encoder(data_tokens(1));
  const auto frame = encoder.encode(numbers(10)).value().at(0);
  CHECK(alone.link->send_data(b_id, frame).error().code == ErrorCode::unavailable);
  CHECK(alone.link->send(b_id, alone.message("x")).error().code == ErrorCode::unavailable);

  Couple c;
  const auto large = encoder.encode(numbers(60000)).value().at(0);
  int taken = 0;
  while (c.a.link->send_data(b_id, large) && taken < 10000) ++taken;
  CHECK(taken > 100);
  CHECK(taken < 200);  // 64 MiB of half a MiB each
  REQUIRE(c.run([&] { return c.b.data.size() == static_cast<std::size_t>(taken); }));
  CHECK(c.a.link->send_data(b_id, large));
}

TEST_CASE("a key that is not on the list does not get in, and its owner is told") {
  auto keys = rings();
  TestNode a(quick_link("a"), keys.at(a_id));
  // b knows a, but a has never heard of b's key.
  TestNode b(quick_link("b"),
             KeyRing(KeyPair::generate(), {{a_id, keys.at(a_id).own().public_key()}}, true));
  REQUIRE(b.link->connect(a_id, a.link->endpoint()));
  REQUIRE(eventually({&a, &b}, [&] { return b.heard("a rejected"); }));
  CHECK(b.events.back().find("refuses the key of node 'b'") != std::string::npos);
  CHECK(b.events.back().find("troupe keys allow b " + b.link->public_key().to_string()) !=
        std::string::npos);
  CHECK(a.count("troupe_keys_refused_total") >= 1);
  CHECK_FALSE(a.heard("b up"));
}

TEST_CASE("who pretends to be a node without its key is not talked to") {
  auto keys = rings();
  // Something else listens where a should be: another node with another key.
  TestNode impostor(quick_link("a"), rings().at(a_id));
  TestNode b(quick_link("b"), keys.at(b_id));
  REQUIRE(b.link->connect(a_id, impostor.link->endpoint()));
  REQUIRE(eventually(
      {&impostor, &b}, [&] { return b.heard("a rejected"); }, 8s));
  CHECK_FALSE(b.heard("a up"));
}

TEST_CASE("a node with a listed key may not speak in another node's name") {
  auto keys = rings();
  TestNode a(quick_link("a"), keys.at(a_id));
  Stranger c(keys.at(NodeId("c")).own(), a);
  c.say(hello_of("b").bytes());
  std::string answer;
  REQUIRE(eventually({&a}, [&] { return !(answer = c.answer()).empty(); }));
  CHECK(answer.find("you say that you are node 'b', but your key belongs to node 'c'") == 0);
  CHECK(a.refused(Refusal::impostor) == 1);
  CHECK_FALSE(a.heard("b up"));
}

TEST_CASE("a node of another cluster is told that it is in the wrong one") {
  auto keys = rings();
  TestNode a(quick_link("a"), keys.at(a_id));
  TestNode b(quick_link("b", 1, "another"), keys.at(b_id));
  REQUIRE(b.link->connect(a_id, a.link->endpoint()));
  REQUIRE(eventually({&a, &b}, [&] { return b.heard("a rejected"); }));
  CHECK(b.events.back().find("wrong cluster id: node 'a' belongs to cluster 'c'") !=
        std::string::npos);
  CHECK(a.refused(Refusal::wrong_cluster) >= 1);
  CHECK_FALSE(a.heard("b up"));
}

TEST_CASE("an old incarnation is refused with a message that says so") {
  auto keys = rings();
  TestNode a(quick_link("a"), keys.at(a_id));
  {
    TestNode b(quick_link("b", 5), keys.at(b_id));
    REQUIRE(b.link->connect(a_id, a.link->endpoint()));
    REQUIRE(eventually({&a, &b}, [&] { return a.heard("b up 5"); }));
  }
  TestNode old(quick_link("b", 4), keys.at(b_id));
  REQUIRE(old.link->connect(a_id, a.link->endpoint()));
  REQUIRE(eventually({&a, &old}, [&] { return old.heard("a fenced"); }));
  CHECK(old.events.back().find("old incarnation: 4 of node 'b' is over") != std::string::npos);
  TestNode next(quick_link("b", 6), keys.at(b_id));
  REQUIRE(next.link->connect(a_id, a.link->endpoint()));
  REQUIRE(eventually({&a, &old, &next}, [&] { return a.heard("b up 6"); }));
}

TEST_CASE("a key that is revoked while its node is connected is refused from that moment") {
  Couple c;
  c.a.link->admit(KeyRing(c.keys.at(a_id).own(), {}, true));
  REQUIRE(c.run([&] { return c.a.heard("b down left: its key was revoked"); }));
  (void)c.b.link->send(a_id, c.b.message("too late"));
  REQUIRE(c.run([&] { return c.b.heard("a down"); }));
  CHECK(c.a.frames.empty());
  CHECK_FALSE(c.b.link->send(a_id, c.b.message("no session")));
  // Allowed again, the two find each other without a restart.
  c.a.link->admit(c.keys.at(a_id));
  REQUIRE(c.a.link->connect(b_id, c.b.link->endpoint()));
  REQUIRE(c.run(
      [&] { return c.a.link->send(b_id, c.a.message("again")).ok() || !c.b.frames.empty(); }));
}

TEST_CASE("a node whose key was revoked and that keeps talking is refused and told why") {
  auto keys = rings();
  TestNode a(quick_link("a"), keys.at(a_id));
  Stranger c(keys.at(NodeId("c")).own(), a);
  c.say(hello_of("c").bytes());
  REQUIRE(eventually({&a}, [&] {
    return a.metrics.counter("troupe_frames_received_total", "", {{"class", "control"}}).value() >
           0;
  }));
  a.link->admit(KeyRing(keys.at(a_id).own(), {}, true));
  a.poll();
  c.say(hello_of("c").bytes());  // on the connection that was admitted before
  std::string answer;
  REQUIRE(eventually({&a}, [&] { return !(answer = c.answer()).empty(); }));
  CHECK(answer.find("key not on the list") == 0);
  CHECK(a.refused(Refusal::unknown_key) == 1);
}

TEST_CASE("bytes that are no frame are counted and survived") {
  Couple c;
  Stranger known(c.keys.at(NodeId("c")).own(), c.a);
  const std::string noise(64, '\xff');
  known.say(noise);
  known.say("short");
  known.say(std::string(frame_bytes_max + 8, 'x'));
  REQUIRE(c.run(
      [&] { return c.a.refused(Refusal::corrupt) == 2 && c.a.refused(Refusal::oversized) == 1; }));
  REQUIRE(c.b.link->send(a_id, c.b.message("still here")));
  REQUIRE(c.run([&] { return !c.a.frames.empty(); }));
}

TEST_CASE("damaged data frames are counted and survived") {
  Couple c;
  Stranger known(c.keys.at(NodeId("c")).own(), c.a);
  known.say(std::string(data_magic) + std::string(40, '\x7f'));
  known.say(std::string(data_magic));
  REQUIRE(c.run([&] { return c.a.refused(Refusal::corrupt) == 2; }));
  // A sound frame of a node that has only said Hello is stale, not trusted.
  known.say(hello_of("c", "c", 1).bytes());
  ChannelEncoder encoder(data_tokens(1));
  const auto mark = encoder.encode(EndOfStream{}).value().at(0).parts().at(0);
  known.say({mark->data(), static_cast<std::size_t>(mark->size())});
  REQUIRE(c.run([&] { return c.a.refused(Refusal::stale_session) == 1; }));
  CHECK(c.a.data.empty());
}

TEST_CASE("rows of another incarnation or cluster do not reach their channel") {
  Couple c;
  const auto send = [&](auto change) {
    DataTokens tokens = data_tokens(1);
    change(tokens);
    ChannelEncoder encoder(tokens);
    REQUIRE(c.a.link->send_data(b_id, encoder.encode(EndOfStream{}).value().at(0)));
  };
  send([](DataTokens& tokens) { tokens.sender_incarnation = Incarnation(9); });
  REQUIRE(c.run([&] { return c.b.refused(Refusal::stale_incarnation) == 1; }));
  send([](DataTokens& tokens) { tokens.receiver_incarnation = Incarnation(9); });
  REQUIRE(c.run([&] { return c.b.refused(Refusal::misdirected) == 1; }));
  send([](DataTokens& tokens) { tokens.cluster = ClusterName("another"); });
  REQUIRE(c.run([&] { return c.b.refused(Refusal::wrong_cluster) == 1; }));
  send([](DataTokens&) {});
  REQUIRE(c.run([&] { return c.b.data.size() == 1; }));
}

TEST_CASE("a node whose door-keeper is not asked does not start") {
  // CURVE without a ZAP handler admits any key: the handler here is in another context.
  const KeyRing keys = rings().at(a_id);
  const ZmqContext elsewhere(1);
  ZapHandler zap = ZapHandler::open(elsewhere).value();
  const ZmqContext context(1);
  const auto test = strangers_are_refused(context, zap, keys);
  REQUIRE_FALSE(test);
  CHECK(test.error().message.find("a random key was admitted") == 0);
  CHECK(strangers_are_refused(elsewhere, zap, keys));
}

TEST_CASE("one message part beyond the limit costs its sender the connection") {
  auto keys = rings();
  LinkConfig config = quick_link("a");
  config.part_bytes_max = std::size_t{2} << 20;
  TestNode a(config, keys.at(a_id));
  Stranger known(keys.at(NodeId("c")).own(), a);
  known.say(std::string((2 << 20) + 1, 'x'));
  eventually(
      {&a}, [] { return false; }, 300ms);
  CHECK(a.refused(Refusal::oversized) == 0);  // libzmq did not even deliver it
  CHECK(a.frames.empty());
  known.say(hello_of("c").bytes());  // reconnected by itself
  REQUIRE(eventually({&a}, [&] {
    known.say(hello_of("c").bytes());
    return a.metrics.text().find("received_total{class=\"control\"} 0") == std::string::npos;
  }));
}

TEST_CASE("random bytes on the port do nothing but count") {
  Couple c;
  Random random(7);
  std::vector<std::unique_ptr<RawSocket>> sockets;
  for (int i = 0; i < 20; ++i) {
    sockets.push_back(std::make_unique<RawSocket>(c.a.link->endpoint()));
    std::string bytes(200 + random.below(2000), '\0');
    for (char& byte : bytes) byte = static_cast<char>(random.next());
    sockets.back()->write(bytes);
    sockets.back()->write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  REQUIRE(c.run([&] {
    return c.a.count("troupe_connections_total") >=
           c.a.count("troupe_connections_admitted_total") + 20;
  }));
  REQUIRE(c.b.link->send(a_id, c.b.message("still here")));
  REQUIRE(c.run([&] { return !c.a.frames.empty(); }));
  CHECK(c.a.refused(Refusal::corrupt) == 0);
}

TEST_CASE("a link that goes without a word is missed at once") {
  auto keys = rings();
  TestNode a(quick_link("a"), keys.at(a_id));
  auto b = std::make_unique<TestNode>(quick_link("b"), keys.at(b_id));
  REQUIRE(b->link->connect(a_id, a.link->endpoint()));
  REQUIRE(eventually({&a, b.get()}, [&] { return a.heard("b up"); }));
  b.reset();
  const Instant gone = system_clock().now();
  REQUIRE(eventually({&a}, [&] { return a.heard("b closed"); }));
  REQUIRE(eventually({&a}, [&] { return a.heard("b down refused"); }));
  CHECK(system_clock().now() - gone < 300ms);
}

TEST_CASE(
    "a replaced process is called back where it says it lives, not where the dead one lived") {
  // Both were told to call each other; the survivor is not told the new address by anybody.
  auto keys = rings();
  TestNode a(quick_link("a"), keys.at(a_id));
  auto b = std::make_unique<TestNode>(quick_link("b", 1), keys.at(b_id));
  REQUIRE(a.link->connect(b_id, b->link->endpoint()));
  REQUIRE(b->link->connect(a_id, a.link->endpoint()));
  REQUIRE(eventually({&a, b.get()}, [&] { return a.heard("b up 1") && b->heard("a up"); }));
  const bool notices_death = GENERATE(true, false);
  TestNode next(quick_link("b", 2), keys.at(b_id));
  REQUIRE(next.link->endpoint() != b->link->endpoint());
  if (notices_death) {
    b.reset();
    REQUIRE(eventually({&a}, [&] { return a.heard("b down"); }));
  }  // else the old process is frozen: its connections stay
  REQUIRE(next.link->connect(a_id, a.link->endpoint()));
  REQUIRE(eventually({&a, &next}, [&] { return a.heard("b up 2") && next.heard("a up"); }));
  REQUIRE(a.link->send(b_id, a.message("x")));
  REQUIRE(eventually({&a, &next}, [&] { return !next.frames.empty(); }));
}

TEST_CASE("peers that come and go in quick succession never stop the others") {
  // Closing a watched socket in the wrong order blocks an I/O thread of libzmq, and with it whoever
  // shares that thread: after many changes everybody must still be heard.
  auto keys = rings();
  TestNode a(quick_link("a"), keys.at(a_id));
  TestNode c(quick_link("c"), keys.at(NodeId("c")));
  REQUIRE(c.link->connect(a_id, a.link->endpoint()));
  for (std::uint64_t incarnation = 1; incarnation <= 15; ++incarnation) {
    INFO("incarnation " << incarnation);
    TestNode b(quick_link("b", incarnation), keys.at(b_id));
    REQUIRE(b.link->connect(a_id, a.link->endpoint()));
    const std::string up = fmt::format("b up {}", incarnation);
    REQUIRE(eventually({&a, &b, &c}, [&] { return a.heard(up) && b.heard("a up"); }));
    REQUIRE(b.link->send(a_id, b.message("x")));
    REQUIRE(eventually({&a, &b, &c}, [&] { return a.frames.size() == incarnation; }));
  }
  CHECK_FALSE(c.heard("a down"));
}

TEST_CASE("a link that leaves says so") {
  Couple c;
  c.b.link->leave("maintenance", 500ms);
  // While its sockets are open: the words and the end of a connection travel apart, and whichever
  // is heard first is the reason.
  CHECK(eventually({&c.a}, [&] { return c.a.heard("b down goodbye: maintenance"); }));
  c.b.link.reset();
}

TEST_CASE("a process that is killed is down within milliseconds") {
  auto keys = rings();
  int pipe_ends[2];
  REQUIRE(::pipe(pipe_ends) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    TestNode b(quick_link("b"), keys.at(b_id));
    const std::string endpoint = b.link->endpoint() + "\n";
    (void)!::write(pipe_ends[1], endpoint.data(), endpoint.size());
    eventually(
        {&b}, [] { return false; }, 20s);
    ::_exit(0);
  }
  std::string endpoint;
  for (char byte = 0; byte != '\n' && ::read(pipe_ends[0], &byte, 1) == 1;) endpoint += byte;
  endpoint.pop_back();
  TestNode a(quick_link("a"), keys.at(a_id));
  REQUIRE(a.link->connect(b_id, endpoint));
  REQUIRE(eventually({&a}, [&] { return a.heard("b up"); }));
  ::kill(child, SIGKILL);
  const Instant killed = system_clock().now();
  REQUIRE(eventually({&a}, [&] { return a.heard("b down"); }));
  const auto took = system_clock().now() - killed;
  INFO("down after " << std::chrono::duration_cast<std::chrono::microseconds>(took).count()
                     << " us");
  CHECK(took < 300ms);
  CHECK(a.heard("b down refused"));
  ::waitpid(child, nullptr, 0);
  ::close(pipe_ends[0]);
  ::close(pipe_ends[1]);
}

TEST_CASE("a process that freezes is down when its lease ends, and fenced when it wakes up") {
  auto keys = rings();
  int pipe_ends[2];
  REQUIRE(::pipe(pipe_ends) == 0);
  LinkConfig config = quick_link("a");
  config.session.lease = 600ms;
  config.session.lease_margin = 100ms;
  const pid_t child = ::fork();
  if (child == 0) {
    config.session.self = b_id;
    TestNode b(config, keys.at(b_id));
    const std::string endpoint = b.link->endpoint() + "\n";
    (void)!::write(pipe_ends[1], endpoint.data(), endpoint.size());
    const bool fenced = eventually(
        {&b}, [&] { return b.heard("a fenced"); }, 20s);
    ::_exit(fenced ? 42 : 1);
  }
  std::string endpoint;
  for (char byte = 0; byte != '\n' && ::read(pipe_ends[0], &byte, 1) == 1;) endpoint += byte;
  endpoint.pop_back();
  TestNode a(config, keys.at(a_id));
  REQUIRE(a.link->connect(b_id, endpoint, /*final_when_lost=*/true));
  REQUIRE(eventually({&a}, [&] { return a.heard("b up"); }));
  ::kill(child, SIGSTOP);
  REQUIRE(eventually({&a}, [&] { return a.heard("b down lease_expired"); }));
  CHECK(a.heard("b lease ended"));
  ::kill(child, SIGCONT);
  int status = 0;
  REQUIRE(eventually(
      {&a}, [&] { return ::waitpid(child, &status, WNOHANG) == child; }, 10s));
  CHECK(WEXITSTATUS(status) == 42);
  ::close(pipe_ends[0]);
  ::close(pipe_ends[1]);
}

TEST_CASE("beyond loopback a node without keys does not start, on loopback it does") {
  Metrics metrics;
  struct : LinkListener {
    void on_frame(const NodeId&, Frame) override {}
    void on_data(const NodeId&, DataFrame) override {}
    void on_peer(const NodeId&, const PeerEvent&) override {}
  } nobody;
  const auto open = [&](const std::string& bind, bool provisioned, const std::string& call = "") {
    LinkConfig config = quick_link("a");
    config.bind = bind;
    config.advertise = call;
    return Link::open(config, KeyRing(KeyPair::generate(), {}, provisioned), nobody, metrics,
                      system_clock().now());
  };
  CHECK(open("tcp://127.0.0.1:0", false));
  const auto refused = open("tcp://0.0.0.0:0", false, "tcp://10.0.0.1:7070");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("troupe keys new") != std::string::npos);
  CHECK(open("tcp://0.0.0.0:0", true, "tcp://10.0.0.1:7070"));
  CHECK(open("tcp://0.0.0.0:0", true).error().message.find("advertise") != std::string::npos);
  CHECK_FALSE(open("7070", true));
  CHECK_FALSE(open("tcp://127.0.0.1:", true));
}

TEST_CASE("a port that is taken is an error that names it") {
  auto keys = rings();
  TestNode a(quick_link("a"), keys.at(a_id));
  Metrics metrics;
  LinkConfig config = quick_link("b");
  config.bind = a.link->endpoint();
  const auto second = Link::open(config, keys.at(b_id), a, metrics, system_clock().now());
  REQUIRE_FALSE(second);
  CHECK(second.error().code == ErrorCode::unavailable);
  CHECK(second.error().message.find(config.bind) != std::string::npos);
}
