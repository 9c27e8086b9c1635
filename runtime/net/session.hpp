#pragma once

#include "runtime/net/session_event.hpp"

#include <deque>
#include <map>
#include <optional>
#include <string_view>

namespace troupe {

/// The limits and times of a conversation between two nodes; the same on both ends.
struct SessionConfig {
  ClusterId cluster;
  NodeId self;
  Incarnation incarnation;  ///< of this process; durable before it is used
  NodeId peer;
  /// Where the peer can call back ("tcp://10.0.0.7:7070"); empty: it cannot.
  std::string address = {};

  Duration heartbeat = 1s;
  /// Silence after which the peer no longer acts.
  Duration lease = 10s;
  /// We stop acting this much earlier than the peer gives us up, by our own clock.
  Duration lease_margin = 1s;
  /// A closed connection that does not come back within this ends the session.
  Duration closed_grace = 200ms;
  /// Unacknowledged for this long: send again (a network that loses without breaking).
  Duration resend_after = 3s;
  /// A peer's scheduler that has run nothing for this long is reported as stalled.
  Duration canary_age_max = 5s;

  /// Sent and not yet acknowledged, and waiting for a connection; above it the peer is too slow.
  std::size_t unacked_bytes_max = std::size_t{64} << 20;
  /// Received ahead of a missing message, kept until it arrives.
  std::size_t ahead_frames_max = 1024;
  std::size_t ahead_bytes_max = std::size_t{4} << 20;
  /// An acknowledgement leaves at the latest after this much, else with the next heartbeat.
  std::uint64_t ack_every_frames = 64;
  std::size_t ack_every_bytes = std::size_t{256} << 10;

  /// True for who decides over the peer's death (the coordinator over its executors): an
  /// incarnation whose lease ended is then fenced for good. False: it may begin a new session.
  bool lost_is_final = false;
  /// Incarnations of the peer up to this one are known to be over (0: none).
  Incarnation fenced_up_to = {};
};

/// One end of the conversation between two nodes: who may speak, in what order, and until when.
///
/// A pure machine: `effects = session.on(event, now)`. Owned by one `Link` per peer, or by a
/// simulated node; no thread, clock, socket or chance in it. Both ends run the same machine.
///
/// A conversation is named by the incarnation and session number of both ends; an end that gives
/// it up raises its own number, so every conversation has a name of its own, and a frame that
/// carries another name is stale. Messages are numbered from 1, acknowledged cumulatively, kept
/// until acknowledged, repeated after a break and delivered once, in order.
///
///      Connected                Welcome or Hello that names us
///   idle ------> Hello -> greeting -------------------------------> up --> Down --> greeting
///                            ^  each heartbeat: Hello again          |  ^
///                                                Disconnected: Closed v  | Hello, Welcome: Resumed
///                                                               (waits: closed_grace)
///
/// Invariant: a frame is delivered only while up, only from the incarnation and session that the
/// last `Up` announced, and only if all before it were.
/// Invariant: an incarnation below the highest seen is answered Fenced and never delivered.
/// Invariant: by the clocks of both ends, `OwnLeaseEnded` at one end comes before `LeaseEnded` at
/// the other, as long as the clocks drift less than `lease_margin` in a lease.
class Session {
 public:
  Session(SessionConfig config, Instant now);

  SessionEffects on(const SessionEvent& event, Instant now);

  bool up() const { return state_ == State::up; }
  /// Up and connected: what is sent now leaves now.
  bool flowing() const { return up() && flowing_; }
  /// The peer's incarnation of the running or last conversation.
  Incarnation peer_incarnation() const { return peer_incarnation_; }
  /// When `Tick` is due at the latest.
  Instant next_tick(Instant now) const;
  std::size_t unacked_bytes() const { return unacked_bytes_; }
  std::uint64_t sent() const { return next_seq_ - 1; }
  std::uint64_t received() const { return received_; }
  const SessionConfig& config() const { return config_; }

 private:
  enum class State {
    idle,      ///< nothing to say yet
    greeting,  ///< Hello is out; no conversation
    up,
    refused,  ///< rejected or fenced: silent until the next connection
    left,     ///< for good
  };
  struct Unacked {
    std::uint64_t seq;
    Frame frame;
    Instant sent_at;
  };

  // One small function an event; `out_` collects the effects of the event at hand.
  void handle(const session_event::Connected&, Instant now);
  void handle(const session_event::Disconnected&, Instant now);
  void handle(const session_event::Refused&, Instant now);
  void handle(const session_event::Received& event, Instant now);
  void handle(const session_event::Heard&, Instant now);
  void handle(const session_event::Send& event, Instant now);
  void handle(const session_event::Tick& event, Instant now);
  void handle(const session_event::Leave& event, Instant now);

  void on_hello(const Frame& frame, Instant now);
  void on_welcome(const Frame& frame, Instant now);
  void on_reject(const Frame& frame, Instant now);
  void on_fenced(const Frame& frame, Instant now);
  void on_heartbeat(const Frame& frame, Instant now);
  void on_message(const Frame& frame, Instant now);

  bool admits(const Frame& frame, Instant now);
  bool names_us(const Frame& frame) const;
  bool in_conversation(const Frame& frame) const;
  void bind(const Frame& frame, Instant now);
  void confirm(std::uint64_t peer_received, Instant now);
  void accept_in_order(const Frame& frame);
  void acknowledge(std::uint64_t ack);
  void repeat_unacked(std::uint64_t after, Instant now);
  void end_conversation(DownReason reason, std::string text, Instant now);
  void check_leases(Instant now);
  void say_hello(Instant now);
  void say_welcome(Instant now);
  void say_heartbeat(Instant now);
  void refuse(Refusal refusal);
  void answer_fenced(Instant now);
  void answer_reject(schema::RejectCode code, std::string text);

  Tokens tokens() const;
  Stamp stamp(std::uint64_t seq) const;
  template <class Effect>
  void effect(Effect effect) {
    out_.emplace_back(std::move(effect));
  }

  SessionConfig config_;
  SessionEffects out_;
  State state_ = State::idle;
  bool connected_ = false;  ///< our connection to the peer
  bool flowing_ = false;    ///< both ends agreed where to go on since the last connection

  // The names of the conversation. `peer_session_` is 0 until the peer said its own.
  std::uint32_t session_ = 1;
  Incarnation peer_incarnation_;
  std::uint32_t peer_session_ = 0;
  Incarnation fenced_up_to_;  ///< these incarnations of the peer are over

  // What we send.
  std::uint64_t next_seq_ = 1;
  std::deque<Unacked> unacked_;
  std::size_t unacked_bytes_ = 0;

  // What we receive.
  std::uint64_t received_ = 0;
  std::map<std::uint64_t, Frame> ahead_;
  std::size_t ahead_bytes_ = 0;
  std::uint64_t unannounced_frames_ = 0;
  std::size_t unannounced_bytes_ = 0;

  // Time.
  Instant last_tick_;
  Instant grace_until_;  ///< we were paused ourselves: let what waits be heard first
  Instant last_heard_;
  Instant last_spoken_;
  Instant last_fenced_answer_;
  std::optional<Instant> closed_at_;
  Instant own_lease_from_;  ///< we sent then what the peer last proved to have heard
  bool own_lease_ = false;
  bool lease_watched_ = false;  ///< the peer's lease runs; ends with LeaseEnded
  Instant peer_sent_at_echo_;   ///< the highest stamp of the peer's heartbeats, to be echoed
  Duration canary_age_ = {};
  bool peer_stalled_ = false;
};

}  // namespace troupe
