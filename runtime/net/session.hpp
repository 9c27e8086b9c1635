#pragma once

#include "runtime/net/lease.hpp"
#include "runtime/net/session_event.hpp"
#include "runtime/net/window.hpp"

#include <optional>
#include <string>

namespace troupe {

/// The limits and times of a conversation between two nodes; the same on both ends.
struct SessionConfig {
  ClusterName cluster;
  NodeId self;
  Incarnation incarnation;  ///< of this process; durable before it is used
  /// Drawn at random by the process. A node that has lost its data directory counts incarnations
  /// from the first again, and may repeat one: this number shows its peers the difference.
  std::uint64_t process = 0;
  NodeId peer;
  /// Where the peer can call us back ("tcp://10.0.0.7:7070"); empty: it cannot.
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
  /// Sent again at a time: a peer that is slow, not deaf, must not be buried.
  std::size_t resend_bytes_max = std::size_t{256} << 10;
  /// A peer's scheduler that has run nothing for this long is reported as stalled.
  Duration canary_age_max = 5s;

  /// Messages that are not acknowledged yet, whether sent or waiting for a connection; above it the
  /// peer is too slow.
  std::size_t unacked_bytes_max = std::size_t{64} << 20;
  /// Messages that came ahead of a missing one, kept until that arrives.
  std::size_t ahead_frames_max = 1024;
  std::size_t ahead_bytes_max = std::size_t{4} << 20;
  /// An acknowledgement leaves after this much was received, else with the next heartbeat.
  std::uint64_t ack_every_frames = 64;
  std::size_t ack_every_bytes = std::size_t{256} << 10;

  /// True at the end that decides over the other's death (the coordinator over its executors): an
  /// incarnation whose lease ended is fenced for good. False: it may begin a new session.
  bool lost_is_final = false;
  /// Incarnations of the peer up to this one are known to be over (0: none).
  Incarnation fenced_up_to = {};
  /// If this incarnation of ours had a session with this peer before: `next_session()` of that one.
  /// A number is never used twice, or the peer would take old frames for new ones.
  std::uint32_t first_session = 1;
};

/// One end of the conversation between two nodes: decides who may speak, in what order, and until
/// when.
///
/// A pure machine: `effects = session.on(event, now)`. Owned by one `Link` per peer, or by a
/// simulated node; no thread, clock, socket or chance in it. Both ends run the same machine.
///
/// A conversation is named by the incarnation and session number of both ends. An end that gives it
/// up raises its own number, so every conversation has a name of its own, and a frame with another
/// name is stale. Messages are numbered from 1, acknowledged cumulatively, kept until acknowledged,
/// repeated after a break and delivered once, in order.
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
  /// Up and connected: a message that is sent now leaves now.
  bool flowing() const { return up() && flowing_; }
  /// The peer's incarnation of the running or last conversation; 0: never met.
  Incarnation peer_incarnation() const { return peer_incarnation_; }
  /// When `Tick` is due at the latest.
  Instant next_tick(Instant now) const;
  std::size_t unacked_bytes() const { return sending_.bytes(); }
  /// For the config of the session that follows this one with the same peer.
  std::uint32_t next_session() const { return session_ + 1; }
  Incarnation fenced_up_to() const;
  /// In the running conversation: the number of messages sent, and delivered.
  std::uint64_t sent() const { return sending_.next_seq() - 1; }
  std::uint64_t received() const { return receiving_.received(); }
  const SessionConfig& config() const { return config_; }
  /// Changes `SessionConfig::lost_is_final` from now on.
  void lost_is_final(bool final) { config_.lost_is_final = final; }

 private:
  enum class State {
    idle,      ///< nothing to say before the next connection
    greeting,  ///< no conversation; Hello with each heartbeat while connected
    up,
    rejected,  ///< the peer does not talk to us; Hello at the next connection and once a lease
    fenced,    ///< the peer says that our incarnation is over
    left,      ///< for good
  };

  void handle(const session_event::Connected&, Instant now);
  void handle(const session_event::Disconnected&, Instant now);
  void handle(const session_event::Refused&, Instant now);
  void handle(const session_event::Received& event, Instant now);
  void handle(const session_event::Heard&, Instant now);
  void handle(const session_event::Send& event, Instant now);
  void handle(const session_event::Tick& event, Instant now);
  void handle(const session_event::Leave& event, Instant now);

  // Is this frame for us, and from somebody who may speak?
  bool admits(const Frame& frame, Instant now);
  bool admits_cluster(const Frame& frame);
  bool admits_incarnation(const Frame& frame, Instant now);
  bool names_us(const Frame& frame) const;
  bool in_conversation(const Frame& frame) const;

  void on_hello(const Frame& frame, Instant now);
  void on_welcome(const Frame& frame, Instant now);
  void on_reject(const Frame& frame, Instant now);
  void on_fenced(const Frame& frame, Instant now);
  void on_heartbeat(const Frame& frame, Instant now);
  void on_goodbye(const Frame& frame, Instant now);
  void on_message(const Frame& frame, Instant now);

  bool meet(const Frame& frame, std::uint64_t process, Instant now);
  void confirm(std::uint64_t peer_received, Instant now);
  void end_conversation(DownReason reason, const std::string& text);
  void reconnect();
  void acknowledged(std::uint64_t seq);
  void repeat_unacknowledged(Instant now, std::size_t bytes_max);
  void acknowledge_if_due(const Frame& frame, Instant now);
  void check_leases(Instant now);
  void check_canary(Duration age);
  void speak_if_due(Instant now);

  void say_hello(Instant now);
  void say_welcome(Instant now);
  void say_heartbeat(Instant now);
  void refuse(Refusal refusal) { effect(session_effect::Refuse{refusal}); }
  void answer_fenced(const Frame& frame, Instant now);
  void answer_reject(const Frame& frame, schema::RejectCode code, const std::string& text);

  Tokens tokens() const;
  Stamp stamp(std::uint64_t seq) const;
  template <class T, class Fill>
  Frame say(Fill&& fill) const {
    return Frame::make<T>(tokens(), "", std::forward<Fill>(fill)).stamped(stamp(0));
  }
  template <class Effect>
  void effect(Effect effect) {
    out_.emplace_back(std::move(effect));
  }

  SessionConfig config_;
  SessionEffects out_;  ///< of the event at hand
  State state_ = State::idle;
  bool connected_ = false;  ///< our connection to the peer
  bool flowing_ = false;    ///< both ends agreed, on this connection, where to go on

  // The names of the conversation; `peer_session_` is 0 until the peer said its own.
  std::uint32_t session_;
  Incarnation peer_incarnation_;
  std::uint32_t peer_session_ = 0;
  std::uint64_t peer_process_ = 0;  ///< of `peer_incarnation_`
  Incarnation fenced_up_to_;

  SendWindow sending_;
  ReceiveWindow receiving_;
  std::uint64_t unannounced_frames_ = 0;
  std::size_t unannounced_bytes_ = 0;

  LeaseClock leases_;
  Instant last_beat_;  ///< Hello or Heartbeat
  Instant last_fenced_answer_;
  Instant last_tick_;
  std::optional<Instant> closed_at_;
  Duration canary_age_ = {};
  bool peer_stalled_ = false;
};

}  // namespace troupe
