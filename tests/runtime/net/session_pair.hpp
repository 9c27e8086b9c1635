#pragma once

#include "runtime/net/session.hpp"

#include <algorithm>
#include <deque>
#include <string>
#include <vector>

namespace troupe {

/// One end of a `SessionPair`: a session, what it sent that is still on its way, and a transcript
/// of what happened to it.
struct SessionEnd {
  SessionEnd(SessionConfig config, Instant now) : session(std::move(config), now) {}

  Session session;
  std::deque<Frame> outgoing;  ///< transmitted, not yet at the other end
  std::vector<std::string> log;
  std::vector<std::string> delivered;  ///< addresses of delivered messages
  int reconnects = 0;
};

/// Two nodes, "a" and "b", and the connections between them, moved by hand: frames travel as bytes
/// through the real codec, and only when a test says so.
class SessionPair {
 public:
  explicit SessionPair(Duration lease = 10s, bool a_is_final = false)
      : a(config("a", "b", 1, lease, a_is_final), start()),
        b(config("b", "a", 1, lease), start()) {}

  static Instant start() { return Instant(1h); }

  static SessionConfig config(const char* self, const char* peer, std::uint64_t incarnation,
                              Duration lease = 10s, bool final = false) {
    return {.cluster = ClusterName("c"),
            .self = NodeId(self),
            .incarnation = Incarnation(incarnation),
            .peer = NodeId(peer),
            .heartbeat = lease / 10,
            .lease = lease,
            .lease_margin = lease / 10,
            .closed_grace = lease / 50,
            .resend_after = lease / 4,
            .lost_is_final = final};
  }

  void happen(SessionEnd& end, const SessionEvent& event) {
    for (auto& effect : end.session.on(event, now)) note(end, effect);
  }
  void connect() {
    happen(a, session_event::Connected{});
    happen(b, session_event::Connected{});
    settle();
  }
  /// Breaks both connections; what was on its way is lost.
  void cut() {
    a.outgoing.clear();
    b.outgoing.clear();
    happen(a, session_event::Disconnected{});
    happen(b, session_event::Disconnected{});
  }
  /// Carries frames both ways until nothing is left.
  void settle() {
    while (!a.outgoing.empty() || !b.outgoing.empty()) {
      carry(a, b);
      carry(b, a);
    }
  }
  void carry(SessionEnd& from, SessionEnd& to) {
    if (from.outgoing.empty()) return;
    const Frame frame = from.outgoing.front();
    from.outgoing.pop_front();
    arrive(to, frame);
  }
  void arrive(SessionEnd& to, const Frame& frame) {
    happen(to, session_event::Received{Frame::decode(frame.bytes()).value()});
  }
  void say(SessionEnd& end, const std::string& what) {
    const auto& config = end.session.config();
    happen(end, session_event::Send{Frame::make<schema::ClockStamp>(
                    {.cluster = config.cluster, .sender = config.self}, what,
                    [](schema::ClockStamp::Builder) {})});
  }
  /// Time passes in steps of half a heartbeat; frames travel at once if `connected`.
  void pass(Duration duration, bool connected = true) {
    const Duration step = a.session.config().heartbeat / 2;
    for (const Instant end = now + duration; now < end;) {
      now += step;
      tick(a);
      tick(b);
      if (connected) settle();
      if (!connected) a.outgoing.clear(), b.outgoing.clear();
    }
  }
  void tick(SessionEnd& end) { happen(end, session_event::Tick{}); }
  /// The process of this end is replaced by a new one.
  void replace(SessionEnd& end, std::uint64_t incarnation) {
    SessionConfig config = end.session.config();
    config.incarnation = Incarnation(incarnation);
    end.session = Session(config, now);
    end.outgoing.clear();
  }

  Instant now = start();
  SessionEnd a;
  SessionEnd b;

 private:
  void note(SessionEnd& end, SessionEffect& effect) {
    using namespace session_effect;
    struct Noter {
      SessionEnd& end;
      void operator()(Transmit& e) { end.outgoing.push_back(std::move(e.frame)); }
      void operator()(Reply& e) { end.outgoing.push_back(std::move(e.frame)); }
      void operator()(Deliver& e) { end.delivered.emplace_back(e.frame.to()); }
      void operator()(Up& e) { end.log.push_back(fmt::format("up {}", e.incarnation)); }
      void operator()(Closed&) { end.log.push_back("closed"); }
      void operator()(Resumed&) { end.log.push_back("resumed"); }
      void operator()(Down& e) { end.log.push_back(fmt::format("down {}", to_string(e.reason))); }
      void operator()(LeaseEnded& e) {
        end.log.push_back(fmt::format("lease ended {}", e.incarnation));
      }
      void operator()(OwnLeaseEnded&) { end.log.push_back("own lease ended"); }
      void operator()(OwnLeaseRenewed&) { end.log.push_back("own lease renewed"); }
      void operator()(Fenced& e) { end.log.push_back(fmt::format("fenced {}", e.highest)); }
      void operator()(Rejected& e) { end.log.push_back("rejected: " + e.text); }
      void operator()(Stalled& e) { end.log.push_back(e.stalled ? "stalled" : "runs again"); }
      void operator()(Refuse& e) {
        end.log.push_back(fmt::format("refuse {}", to_string(e.refusal)));
      }
      void operator()(Reconnect&) {
        ++end.reconnects;
        end.outgoing.clear();
      }
    };
    std::visit(Noter{end}, effect);
  }
};

}  // namespace troupe
