// A frame carries any struct and its tokens as the same bytes everywhere; whatever arrives damaged
// is refused or readable, and never takes the node down. Shown by flipping every bit of a frame.
#include "runtime/wire/frame.hpp"

#include "tests/support/catch.hpp"

#include <vector>

using namespace troupe;

namespace {

Tokens some_tokens() {
  return {.cluster = ClusterName("prod"),
          .sender = NodeId("n1"),
          .incarnation = Incarnation(3),
          .term = Term(7),
          .run = RunId(41),
          .run_attempt = Attempt(2),
          .task = {StageId(3), 1},
          .task_attempt = Attempt(5)};
}

Frame some_frame() {
  return Frame::make<schema::Reject>(
      some_tokens(), "coordinator",
      [](schema::Reject::Builder reject) { reject.setText("a text of some length"); },
      {.correlation = 9, .from = "task/41/3.1"});
}

/// Touches everything a receiver would.
void read_all(const Frame& frame) {
  frame.tokens();
  frame.to();
  frame.request();
  (void)frame.read<schema::Reject>([](schema::Reject::Reader body) { body.getText().size(); });
  (void)frame.read<schema::Hello>([](schema::Hello::Reader body) { body.getAddress().size(); });
}

}  // namespace

TEST_CASE("a frame says who it acts for, to whom it goes and what it is") {
  const Frame frame = some_frame();
  CHECK(frame.to() == "coordinator");
  CHECK(frame.is<schema::Reject>());
  CHECK_FALSE(frame.is<schema::Hello>());
  CHECK(frame.as<schema::Reject>().getText() == "a text of some length");
  CHECK(frame.request().correlation == 9);
  CHECK(frame.request().from == "task/41/3.1");
  const Tokens tokens = frame.tokens();
  CHECK(tokens.cluster == ClusterName("prod"));
  CHECK(tokens.term == Term(7));
  CHECK(tokens.task == TaskId{StageId(3), 1});
  CHECK(tokens.task_attempt == Attempt(5));
}

TEST_CASE("the bytes of a frame decode to the same frame") {
  const Frame frame = some_frame();
  const auto decoded = Frame::decode(frame.bytes());
  REQUIRE(decoded);
  CHECK(std::ranges::equal(decoded->bytes(), frame.bytes()));
  CHECK(decoded->as<schema::Reject>().getText() == "a text of some length");
}

TEST_CASE("a frame of the first version is read as it was meant, for ever") {
  // Frozen bytes: a change of the schemas that breaks this breaks a cluster of two versions.
  constexpr std::string_view hex =
      "0000000022000000000000000d00050001000000050000000300000000000000040000000000000006000000"
      "030000004d000000000000004200000000000000070000000000000029000000000000000200000000000000"
      "0100000000000000050000000000000009000000000000004c29edc8f73afda6110000002a00000011000000"
      "1a000000110000004a0000001500000062000000180000000200020070726f64000000006e31000000000000"
      "6578656375746f7200000000000000007461736b2f34312f332e310000000000630000000000000010270000"
      "0000000005000000a20000000c000000020000007463703a2f2f31302e302e302e373a373037300000000000"
      "d2040000000000003702000000000000";
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    bytes.push_back(
        static_cast<std::uint8_t>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  const auto frame = Frame::decode(bytes);
  REQUIRE(frame);
  CHECK(frame->to() == "executor");
  CHECK(frame->request().from == "task/41/3.1");
  CHECK(frame->request().correlation == 9);
  const Tokens tokens = frame->tokens();
  CHECK(tokens.cluster == ClusterName("prod"));
  CHECK(tokens.sender == NodeId("n1"));
  CHECK(tokens.incarnation == Incarnation(3));
  CHECK(tokens.term == Term(7));
  CHECK(tokens.run == RunId(41));
  CHECK(tokens.run_attempt == Attempt(2));
  CHECK(tokens.task == TaskId{StageId(3), 1});
  CHECK(tokens.task_attempt == Attempt(5));
  CHECK(frame->envelope().getReceiverIncarnation() == 4);
  CHECK(frame->envelope().getSenderSession() == 5);
  CHECK(frame->envelope().getReceiverSession() == 6);
  CHECK(frame->envelope().getSeq() == 77);
  CHECK(frame->envelope().getAck() == 66);
  const auto hello = frame->as<schema::Hello>();
  CHECK(hello.getAddress() == "tcp://10.0.0.7:7070");
  CHECK(hello.getReceived() == 99);
  CHECK(hello.getLeaseMillis() == 10000);
  CHECK(hello.getClock().getSentAt() == 1234);
  CHECK(hello.getClock().getEcho() == 567);
}

TEST_CASE("a stamp changes a copy and nothing but the session's fields") {
  const Frame frame = some_frame();
  const Frame stamped = frame.stamped({.sender_incarnation = Incarnation(3),
                                       .receiver_incarnation = Incarnation(8),
                                       .sender_session = 1,
                                       .receiver_session = 2,
                                       .seq = 77,
                                       .ack = 66});
  CHECK(frame.envelope().getSeq() == 0);
  CHECK(stamped.envelope().getSeq() == 77);
  CHECK(stamped.envelope().getAck() == 66);
  CHECK(stamped.envelope().getReceiverIncarnation() == 8);
  CHECK(stamped.size() == frame.size());
  CHECK(stamped.as<schema::Reject>().getText() == "a text of some length");
  CHECK(stamped.tokens().run == RunId(41));
}

TEST_CASE("a large message of many segments can be stamped too") {
  const std::string long_text(300'000, 'x');
  const Frame frame = Frame::make<schema::Fenced>(
      some_tokens(), "x", [&](schema::Fenced::Builder fenced) { fenced.setText(long_text); });
  const Frame stamped = frame.stamped({.seq = 1});
  CHECK(stamped.as<schema::Fenced>().getText().size() == long_text.size());
  CHECK(Frame::decode(stamped.bytes()));
}

TEST_CASE("a frame that is no frame is corrupt") {
  const std::vector<std::uint8_t> odd(17, 0);
  CHECK(Frame::decode(odd).error().code == ErrorCode::corrupt);
  CHECK_FALSE(Frame::decode({}));
  const std::vector<std::uint8_t> huge(frame_bytes_max + 8, 0);
  CHECK(Frame::decode(huge).error().code == ErrorCode::corrupt);
  const std::vector<std::uint8_t> noise(64, 0xff);
  CHECK_FALSE(Frame::decode(noise));
}

TEST_CASE("bytes behind the end of a frame are refused") {
  const Frame frame = some_frame();
  std::vector<std::uint8_t> bytes(frame.bytes().begin(), frame.bytes().end());
  bytes.resize(bytes.size() + 8);
  CHECK(Frame::decode(bytes).error().message.find("behind its end") != std::string::npos);
}

TEST_CASE("a cut frame is refused at every length") {
  const Frame frame = some_frame();
  for (std::size_t length = 0; length < frame.size(); ++length) {
    CHECK_FALSE(Frame::decode(frame.bytes().first(length)));
  }
}

TEST_CASE("no flipped bit of a frame can do harm") {
  const Frame frame = some_frame();
  const std::vector<std::uint8_t> good(frame.bytes().begin(), frame.bytes().end());
  int refused = 0;
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::vector<std::uint8_t> bad = good;
    bad[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    if (const auto decoded = Frame::decode(bad)) {
      read_all(*decoded);
    } else {
      CHECK(decoded.error().code == ErrorCode::corrupt);
      ++refused;
    }
  }
  CHECK(refused > 100);
}

TEST_CASE("a body of another shape than its kind promises is an error for its reader") {
  capnp::MallocMessageBuilder message;
  auto envelope = message.initRoot<schema::Envelope>();
  envelope.setKind(capnp::typeId<schema::Reject>());
  envelope.getBody().initAs<capnp::List<std::uint64_t>>(3);  // a list where a struct belongs
  const auto words = capnp::messageToFlatArray(message);
  const auto bytes = words.asBytes();
  const auto decoded = Frame::decode({bytes.begin(), bytes.size()});
  REQUIRE(decoded);
  const auto read = decoded->read<schema::Reject>([](auto body) { body.getText(); });
  REQUIRE_FALSE(read);
  CHECK(read.error().code == ErrorCode::corrupt);
}

TEST_CASE("pointers that multiply the work are refused") {
  // A chain of lists of pointers which all point to the next list: small to send, endless to read.
  capnp::MallocMessageBuilder message;
  auto envelope = message.initRoot<schema::Envelope>();
  auto list = envelope.getBody().initAs<capnp::List<capnp::Text>>(30000);
  for (unsigned i = 0; i < list.size(); ++i) list.set(i, "");
  auto words = capnp::messageToFlatArray(message);
  // Let all pointers of the list point to the list itself: a list pointer's offset is relative.
  auto* raw = reinterpret_cast<std::uint64_t*>(words.begin());
  const std::size_t size = words.size();
  std::size_t first = 0;
  for (std::size_t i = 1; i < size && first == 0; ++i) {
    if ((raw[i] & 7) == 1 && (raw[i] >> 35) == 30000) first = i + 1 + (raw[i] << 32 >> 34);
  }
  REQUIRE(first > 0);
  for (std::size_t i = 0; i < 30000 && first + i < size; ++i) {
    const std::int64_t offset = -static_cast<std::int64_t>(i) - 1;
    raw[first + i] = (std::uint64_t{30000} << 35) | (std::uint64_t{6} << 32) |
                     (static_cast<std::uint32_t>(offset << 2) | 1u);
  }
  const auto bytes = words.asBytes();
  const auto decoded = Frame::decode({bytes.begin(), bytes.size()});
  REQUIRE_FALSE(decoded);
  CHECK(decoded.error().code == ErrorCode::corrupt);
}
