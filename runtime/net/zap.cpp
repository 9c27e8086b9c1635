#include "runtime/net/zap.hpp"

#include <zmq.h>

#include <algorithm>
#include <vector>

namespace troupe {
namespace {

/// Of RFC 27: version, request id, domain, address, identity, mechanism, key.
constexpr std::size_t question_parts = 7;
constexpr int self_test_polls_max = 500;
constexpr long self_test_poll_millis = 10;

ByteSpan to_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::vector<std::string> receive_all(ZmqSocket& socket) {
  std::vector<std::string> parts;
  ReceivedPart part;
  bool more = true;
  while (more && socket.receive(part, more)) parts.emplace_back(part.text());
  return parts;
}

struct Verdict {
  std::string key;  ///< in hex; empty: the question has none
  bool admitted = false;
};

Verdict judge(const std::vector<std::string>& question, const KeyRing& ring) {
  if (question.size() != question_parts || question[5] != "CURVE") return {};
  std::array<std::uint8_t, 32> bytes = {};
  if (question[6].size() != bytes.size()) return {};
  std::copy(question[6].begin(), question[6].end(), bytes.begin());
  const PublicKey key(bytes);
  return {key.to_string(), ring.find(key) != nullptr};
}

}  // namespace

Result<ZapHandler> ZapHandler::open(const ZmqContext& context) {
  ZmqSocket socket(context, ZMQ_REP);
  TRY(socket.bind("inproc://zeromq.zap.01"));
  return ZapHandler(std::move(socket));
}

std::vector<std::string> ZapHandler::serve(const KeyRing& ring) {
  std::vector<std::string> refused;
  for (;;) {
    const auto question = receive_all(socket_);
    if (question.empty()) return refused;
    Verdict verdict = judge(question, ring);
    const std::string id = question.size() > 1 ? question[1] : std::string();
    const std::string_view user = verdict.admitted ? std::string_view(verdict.key) : "";
    // The answer of RFC 27: version, request id, status, its text, User-Id, metadata.
    for (const std::string_view part :
         {std::string_view("1.0"), std::string_view(id),
          std::string_view(verdict.admitted ? "200" : "400"),
          std::string_view(verdict.admitted ? "" : "key not on the list"), user}) {
      socket_.send(to_bytes(part), true);
    }
    socket_.send({}, false);  // no metadata beside the User-Id
    if (!verdict.admitted) refused.push_back(std::move(verdict.key));
  }
}

Result<> strangers_are_refused(const ZmqContext& context, ZapHandler& zap, const KeyRing& ring) {
  ZmqSocket server(context, ZMQ_ROUTER);
  use_curve_server(server, ring.own());
  TRY(server.bind("tcp://127.0.0.1:*"));
  ZmqSocket stranger(context, ZMQ_DEALER);
  use_curve_client(stranger, KeyPair::generate(), ring.own().public_key());
  auto events =
      stranger.monitor(context, ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
  TRY(stranger.connect(server.last_endpoint()));
  for (int i = 0; i < self_test_polls_max; ++i) {
    zmq_pollitem_t items[] = {{zap.handle(), 0, ZMQ_POLLIN, 0},
                              {events.handle(), 0, ZMQ_POLLIN, 0}};
    zmq_poll(items, 2, self_test_poll_millis);
    static_cast<void>(zap.serve(ring));
    while (const int event = events.next()) {
      if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) return {};
      return make_error(
          ErrorCode::internal,
          "a random key was admitted: this node would be open to anybody and does not "
          "start (is libzmq built without ZAP or CURVE?)");
    }
  }
  return make_error(
      ErrorCode::internal,
      "the test that a random key is refused did not end within {} ms: this node does not "
      "start",
      self_test_polls_max * self_test_poll_millis);
}

}  // namespace troupe
