// Whatever an authenticated but broken peer says, a session survives it and delivers nothing twice.
// An input is frames one after the other, each behind its length in 2 bytes.
#include "runtime/base/ensure.hpp"
#include "runtime/net/session.hpp"
#include "tests/fuzz/fuzz_target.hpp"

#include <cstring>
#include <set>

using namespace troupe;

namespace {

const Instant start(1h);

SessionConfig config(const char* self, const char* peer) {
  return {.cluster = ClusterName("c"),
          .self = NodeId(self),
          .incarnation = Incarnation(1),
          .peer = NodeId(peer)};
}

void append(std::string& input, const Frame& frame) {
  const auto size = static_cast<std::uint16_t>(frame.size());
  input.append(reinterpret_cast<const char*>(&size), sizeof size);
  input.append(frame.bytes().begin(), frame.bytes().end());
}

/// All that b says to a in a good conversation.
std::string conversation() {
  Session a(config("a", "b"), start);
  Session b(config("b", "a"), start);
  std::string said;
  std::vector<Frame> to_a, to_b;
  const auto tell = [](Session& session, const SessionEvent& event, std::vector<Frame>& out) {
    for (auto& effect : session.on(event, start)) {
      if (auto* transmit = std::get_if<session_effect::Transmit>(&effect)) {
        out.push_back(transmit->frame);
      }
    }
  };
  const auto settle = [&] {
    while (!to_a.empty() || !to_b.empty()) {
      for (const auto& frame : std::exchange(to_a, {})) {
        append(said, frame);
        tell(a, session_event::Received{frame}, to_b);
      }
      for (const auto& frame : std::exchange(to_b, {})) {
        tell(b, session_event::Received{frame}, to_a);
      }
    }
  };
  tell(a, session_event::Connected{}, to_b);
  tell(b, session_event::Connected{}, to_a);
  settle();
  for (int i = 0; i < 3; ++i) {
    tell(b,
         session_event::Send{Frame::make<schema::ClockStamp>(
             {.cluster = ClusterName("c"), .sender = NodeId("b")}, "x", [](auto) {})},
         to_a);
  }
  settle();
  return said;
}

}  // namespace

std::vector<std::string> troupe::fuzz_corpus() { return {conversation()}; }

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  Session session(config("a", "b"), start);
  (void)session.on(session_event::Connected{}, start);
  Instant now = start;
  bool up = false;
  std::uint64_t delivered = 0;
  while (size >= sizeof(std::uint16_t)) {
    std::uint16_t length = 0;
    std::memcpy(&length, bytes, sizeof length);
    bytes += sizeof length;
    size -= sizeof length;
    const std::size_t taken = std::min<std::size_t>(length, size);
    const auto frame = Frame::decode({bytes, taken});
    bytes += taken;
    size -= taken;
    if (!frame) continue;
    now += 100ms;
    auto effects = session.on(session_event::Received{*frame}, now);
    for (auto& more : session.on(session_event::Tick{}, now)) effects.push_back(std::move(more));
    for (const auto& effect : effects) {
      if (std::get_if<session_effect::Up>(&effect) != nullptr) {
        ENSURE(!up, "up twice");
        up = true;
        delivered = 0;
      }
      if (std::get_if<session_effect::Down>(&effect) != nullptr) {
        ENSURE(up, "down without up");
        up = false;
      }
      if (const auto* deliver = std::get_if<session_effect::Deliver>(&effect)) {
        ENSURE(up, "delivered outside a conversation");
        ENSURE(deliver->frame.envelope().getSeq() == ++delivered, "delivered out of order");
      }
    }
    ENSURE(session.up() == up, "what is announced is not what is");
  }
  return 0;
}
