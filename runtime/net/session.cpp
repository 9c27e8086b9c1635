#include "runtime/net/session.hpp"

#include <algorithm>

namespace troupe {
namespace {

std::string to_text(capnp::Text::Reader text) { return {text.begin(), text.size()}; }

std::uint32_t to_millis(Duration duration) {
  return static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

}  // namespace

Session::Session(SessionConfig config, Instant now)
    : config_(std::move(config)),
      session_(config_.first_session),
      fenced_up_to_(config_.fenced_up_to),
      sending_(config_.unacked_bytes_max),
      receiving_(config_.ahead_frames_max, config_.ahead_bytes_max),
      leases_({config_.heartbeat, config_.lease, config_.lease_margin}, now),
      last_beat_(now),
      last_fenced_answer_(now - config_.heartbeat),
      last_tick_(now) {
  ENSURE(config_.incarnation != Incarnation(), "a node without an incarnation may not speak");
}

SessionEffects Session::on(const SessionEvent& event, Instant now) {
  out_.clear();
  if (state_ != State::left) {
    std::visit([&](const auto& one) { handle(one, now); }, event);
  }
  return std::exchange(out_, {});
}

// --- Connections -----------------------------------------------------------------------------

void Session::handle(const session_event::Connected&, Instant now) {
  connected_ = true;
  flowing_ = false;
  // Also after `rejected` or `fenced`: the new connection may lead to a new process of the peer.
  if (!up()) state_ = State::greeting;
  say_hello(now);
}

void Session::handle(const session_event::Disconnected&, Instant now) {
  connected_ = false;
  flowing_ = false;
  if (!up() || closed_at_) return;
  closed_at_ = now;
  effect(session_effect::Closed{});
}

void Session::handle(const session_event::Refused&, Instant) {
  connected_ = false;
  flowing_ = false;
  // No grace here: nobody listens, so the process is gone.
  if (up()) end_conversation(DownReason::refused, "its address refuses connections");
}

void Session::handle(const session_event::Heard&, Instant now) {
  if (up()) leases_.heard(now);
}

void Session::handle(const session_event::Leave& event, Instant) {
  // A Goodbye counts in a conversation only, and that has no name before the peer said its number.
  if (connected_ && peer_session_ != 0) {
    effect(session_effect::Transmit{say<schema::Goodbye>(
        [&](schema::Goodbye::Builder goodbye) { goodbye.setReason(event.reason); })});
  }
  if (up()) end_conversation(DownReason::left, event.reason);
  state_ = State::left;
}

// --- Time ------------------------------------------------------------------------------------

void Session::handle(const session_event::Tick& event, Instant now) {
  // First: after a pause of our own, it gives the peer time to be heard before it is judged.
  leases_.tick(now);
  last_tick_ = now;
  canary_age_ = event.canary_age;
  if (up() && closed_at_ && !leases_.in_grace(now) && now - *closed_at_ >= config_.closed_grace) {
    end_conversation(DownReason::closed, "its connection closed and did not come back");
  }
  check_leases(now);
  speak_if_due(now);
}

void Session::check_leases(Instant now) {
  switch (leases_.own_change(now)) {
    case LeaseClock::Change::none:
      break;
    case LeaseClock::Change::ended:
      effect(session_effect::OwnLeaseEnded{});
      break;
    case LeaseClock::Change::renewed:
      effect(session_effect::OwnLeaseRenewed{});
      break;
  }
  // The lease is watched beyond the end of a conversation: a peer whose connection broke may act
  // until its lease is over.
  if (!leases_.peer_ended(now)) return;
  const Incarnation gone = peer_incarnation_;
  if (config_.lost_is_final) fenced_up_to_ = std::max(fenced_up_to_, gone);
  if (up()) {
    end_conversation(DownReason::lease_expired,
                     fmt::format("nothing was heard of it for {} ms", to_millis(config_.lease)));
    reconnect();
  }
  effect(session_effect::LeaseEnded{gone});
}

void Session::speak_if_due(Instant now) {
  if (!connected_ || now - last_beat_ < config_.heartbeat) return;
  if (state_ == State::greeting || (up() && !flowing_)) say_hello(now);
  if (state_ == State::rejected && now - last_beat_ >= config_.lease) say_hello(now);
  if (!flowing()) return;
  if (sending_.overdue(now, config_.resend_after)) {
    repeat_unacknowledged(now, config_.resend_bytes_max);
  }
  say_heartbeat(now);
}

Incarnation Session::fenced_up_to() const {
  // The highest incarnation seen may still live; all below it are over.
  const std::uint64_t highest = peer_incarnation_.value();
  return std::max(fenced_up_to_, Incarnation(highest == 0 ? 0 : highest - 1));
}

Instant Session::next_tick(Instant now) const {
  // Twice per heartbeat. An acknowledgement is a beat as well: with one tick per heartbeat, the
  // beat after it could come a whole heartbeat late.
  Instant next = last_tick_ + config_.heartbeat / 2;
  if (up() && closed_at_) next = std::min(next, *closed_at_ + config_.closed_grace);
  return std::max(next, now);
}

// --- Who may speak ---------------------------------------------------------------------------

void Session::handle(const session_event::Received& event, Instant now) {
  const Frame& frame = event.frame;
  // A peer that rejects us may have another cluster or protocol, so `admits` cannot judge it.
  if (frame.is<schema::Reject>()) return on_reject(frame, now);
  if (!admits(frame, now)) return;
  if (frame.is<schema::Fenced>()) return on_fenced(frame, now);
  if (frame.is<schema::Hello>()) return on_hello(frame, now);
  if (frame.is<schema::Welcome>()) return on_welcome(frame, now);
  if (!in_conversation(frame)) return refuse(Refusal::stale_session);
  leases_.heard(now);
  // The peer names us, so it knows us: its Welcome may have been lost.
  if (!up()) confirm(frame.envelope().getAck(), now);
  acknowledged(frame.envelope().getAck());
  if (frame.is<schema::Heartbeat>()) return on_heartbeat(frame, now);
  if (frame.is<schema::Goodbye>()) return on_goodbye(frame, now);
  on_message(frame, now);
}

bool Session::admits(const Frame& frame, Instant now) {
  if (!admits_cluster(frame) || !admits_incarnation(frame, now)) return false;
  const auto& envelope = frame.envelope();
  const bool to_us = envelope.getReceiverIncarnation() == config_.incarnation.value();
  // A Hello may not know us yet, or only an earlier incarnation of us.
  if (!to_us && !frame.is<schema::Hello>()) {
    refuse(Refusal::misdirected);
    return false;
  }
  return true;
}

bool Session::admits_cluster(const Frame& frame) {
  const auto& envelope = frame.envelope();
  if (envelope.getProto() != schema::PROTOCOL_VERSION) {
    refuse(Refusal::wrong_protocol);
    answer_reject(frame, schema::RejectCode::PROTOCOL_VERSION,
                  fmt::format("node '{}' speaks protocol {}, node '{}' speaks {}: run the same "
                              "version of Troupe on both",
                              config_.self, std::uint16_t{schema::PROTOCOL_VERSION}, config_.peer,
                              envelope.getProto()));
    return false;
  }
  if (to_text(envelope.getCluster()) != config_.cluster.value()) {
    refuse(Refusal::wrong_cluster);
    answer_reject(
        frame, schema::RejectCode::WRONG_CLUSTER,
        fmt::format("wrong cluster id: node '{}' belongs to cluster '{}', node '{}' says "
                    "'{}'; a node joins one cluster only",
                    config_.self, config_.cluster, config_.peer, to_text(envelope.getCluster())));
    return false;
  }
  if (to_text(envelope.getSender()) != config_.peer.value()) {
    refuse(Refusal::impostor);
    return false;
  }
  return true;
}

bool Session::admits_incarnation(const Frame& frame, Instant now) {
  const Incarnation incarnation(frame.envelope().getSenderIncarnation());
  if (incarnation >= peer_incarnation_ && incarnation > fenced_up_to_) return true;
  refuse(Refusal::stale_incarnation);
  // Two ends that each hold the other to be over would answer each other for ever.
  if (!frame.is<schema::Fenced>()) answer_fenced(frame, now);
  return false;
}

bool Session::names_us(const Frame& frame) const {
  return frame.envelope().getReceiverIncarnation() == config_.incarnation.value() &&
         frame.envelope().getReceiverSession() == session_;
}

bool Session::in_conversation(const Frame& frame) const {
  const auto& envelope = frame.envelope();
  return (up() || state_ == State::greeting) && names_us(frame) && peer_session_ != 0 &&
         envelope.getSenderSession() == peer_session_ &&
         envelope.getSenderIncarnation() == peer_incarnation_.value();
}

// --- Beginning and ending a conversation -------------------------------------------------------

/// Takes note of the name that the peer gives itself. False if the frame is of an older
/// conversation, or of another process with the same incarnation.
bool Session::meet(const Frame& frame, std::uint64_t process, Instant now) {
  const Incarnation incarnation(frame.envelope().getSenderIncarnation());
  const std::uint32_t session = frame.envelope().getSenderSession();
  if (incarnation == peer_incarnation_ && process != peer_process_) {
    refuse(Refusal::stale_incarnation);
    answer_fenced(frame, now);
    return false;
  }
  if (incarnation == peer_incarnation_ && session < peer_session_) {
    refuse(Refusal::stale_session);
    return false;
  }
  if (incarnation != peer_incarnation_) {
    if (up()) end_conversation(DownReason::new_incarnation, "its process was replaced");
    leases_.forget_peer();
    peer_stalled_ = false;
    // The process that fenced us is gone; its successor may know better.
    if (state_ == State::fenced) state_ = State::greeting;
  } else if (session != peer_session_ && up()) {
    end_conversation(DownReason::new_session, "it gave the conversation up");
  }
  peer_incarnation_ = incarnation;
  peer_process_ = process;
  peer_session_ = session;
  // A peer that says Hello has changed its mind about us.
  if (state_ == State::idle || state_ == State::rejected) state_ = State::greeting;
  leases_.heard(now);
  return true;
}

void Session::on_hello(const Frame& frame, Instant now) {
  std::uint64_t peer_received = 0;
  const auto read = frame.read<schema::Hello>([&](schema::Hello::Reader hello) {
    peer_received = hello.getReceived();
    const auto clock = hello.getClock();
    if (!meet(frame, hello.getProcess(), now)) return;
    leases_.stamped(clock, now);
    leases_.peer_lease(std::chrono::milliseconds(hello.getLeaseMillis()));
    if (names_us(frame)) confirm(peer_received, now);
    say_welcome(now);
  });
  if (!read) refuse(Refusal::corrupt);
}

void Session::on_welcome(const Frame& frame, Instant now) {
  if (!names_us(frame)) return refuse(Refusal::stale_session);
  const auto read = frame.read<schema::Welcome>([&](schema::Welcome::Reader welcome) {
    const auto clock = welcome.getClock();
    if (!meet(frame, welcome.getProcess(), now)) return;
    leases_.stamped(clock, now);
    leases_.peer_lease(std::chrono::milliseconds(welcome.getLeaseMillis()));
    // `meet` may have ended the conversation that the Welcome named. A Hello tells the peer our new
    // session number.
    if (!names_us(frame)) return say_hello(now);
    confirm(welcome.getReceived(), now);
  });
  if (!read) refuse(Refusal::corrupt);
}

/// The peer has named us, and has processed our messages up to `peer_received`: the conversation
/// begins, or goes on after a break.
void Session::confirm(std::uint64_t peer_received, Instant now) {
  if (state_ == State::fenced) return;
  if (!up()) {
    state_ = State::up;
    flowing_ = connected_;
    closed_at_.reset();
    leases_.watch(now);
    effect(session_effect::Up{peer_incarnation_});
    check_leases(now);
    if (connected_) say_heartbeat(now);
    return;
  }
  acknowledged(peer_received);
  if (flowing_ || !connected_) return;
  flowing_ = true;
  closed_at_.reset();
  // The old connection took with it whatever was on its way, so all of that is sent again.
  effect(session_effect::Resumed{});
  repeat_unacknowledged(now, config_.unacked_bytes_max);
}

void Session::end_conversation(DownReason reason, const std::string& text) {
  state_ = State::greeting;
  flowing_ = false;
  closed_at_.reset();
  ++session_;  // makes late frames of this conversation stale
  sending_.clear();
  receiving_.clear();
  unannounced_frames_ = 0;
  unannounced_bytes_ = 0;
  effect(session_effect::Down{reason, text, peer_incarnation_});
}

void Session::reconnect() {
  connected_ = false;
  effect(session_effect::Reconnect{});
}

void Session::on_reject(const Frame& frame, Instant) {
  // A peer that refuses our key has not read our Hello: it answers to incarnation 0.
  const std::uint64_t meant = frame.envelope().getReceiverIncarnation();
  if (meant != 0 && meant != config_.incarnation.value()) return refuse(Refusal::misdirected);
  schema::RejectCode code = {};
  std::string text;
  const auto read = frame.read<schema::Reject>([&](schema::Reject::Reader reject) {
    code = reject.getCode();
    text = to_text(reject.getText());
  });
  if (!read) return refuse(Refusal::corrupt);
  if (up()) end_conversation(DownReason::rejected, text);
  const bool again = state_ == State::rejected;
  state_ = State::rejected;
  if (!again) effect(session_effect::Rejected{code, text});
}

void Session::on_fenced(const Frame& frame, Instant) {
  Incarnation highest;
  std::string text;
  const auto read = frame.read<schema::Fenced>([&](schema::Fenced::Reader fenced) {
    highest = Incarnation(fenced.getHighestIncarnation());
    text = to_text(fenced.getText());
  });
  if (!read) return refuse(Refusal::corrupt);
  // It is about an earlier process of this node.
  if (highest < config_.incarnation) return refuse(Refusal::misdirected);
  if (up()) end_conversation(DownReason::fenced, text);
  const bool again = state_ == State::fenced;
  state_ = State::fenced;
  if (!again) effect(session_effect::Fenced{highest, text});
}

void Session::on_goodbye(const Frame& frame, Instant) {
  std::string reason;
  const auto read = frame.read<schema::Goodbye>(
      [&](schema::Goodbye::Reader goodbye) { reason = to_text(goodbye.getReason()); });
  if (!read) return refuse(Refusal::corrupt);
  end_conversation(DownReason::goodbye, reason);
  state_ = State::idle;
}

// --- Messages --------------------------------------------------------------------------------

void Session::handle(const session_event::Send& event, Instant now) {
  if (!up()) return;  // the Down that came before told the sender
  const auto& envelope = event.frame.envelope();
  ENSURE(to_text(envelope.getSender()) == config_.self.value() &&
             to_text(envelope.getCluster()) == config_.cluster.value(),
         "a message to '{}' in the name of node '{}' of cluster '{}'", event.frame.to(),
         to_text(envelope.getSender()), to_text(envelope.getCluster()));
  if (!sending_.has_room_for(event.frame)) {
    end_conversation(DownReason::slow_peer,
                     fmt::format("it has not acknowledged {} bytes", sending_.bytes()));
    return reconnect();
  }
  Frame frame = event.frame.stamped(stamp(sending_.next_seq()));
  sending_.keep(frame, now);
  if (!flowing_) return;
  unannounced_frames_ = 0;
  unannounced_bytes_ = 0;
  effect(session_effect::Transmit{std::move(frame)});
}

void Session::on_message(const Frame& frame, Instant now) {
  const std::uint64_t seq = frame.envelope().getSeq();
  if (seq == 0) return refuse(Refusal::corrupt);
  switch (receiving_.put(seq, frame)) {
    // The peer has sent it again, so our acknowledgement is late or lost: a duplicate counts for
    // the next one.
    case ReceiveWindow::Verdict::duplicate:
      refuse(Refusal::duplicate);
      break;
    case ReceiveWindow::Verdict::overflow:
      return refuse(Refusal::overflow);
    case ReceiveWindow::Verdict::ahead:
      return;
    case ReceiveWindow::Verdict::in_order:
      while (Frame next = receiving_.take()) effect(session_effect::Deliver{std::move(next)});
  }
  acknowledge_if_due(frame, now);
}

void Session::acknowledge_if_due(const Frame& frame, Instant now) {
  ++unannounced_frames_;
  unannounced_bytes_ += frame.size();
  const bool due = unannounced_frames_ >= config_.ack_every_frames ||
                   unannounced_bytes_ >= config_.ack_every_bytes;
  if (due && flowing()) say_heartbeat(now);
}

void Session::acknowledged(std::uint64_t seq) {
  if (!sending_.acknowledge(seq)) refuse(Refusal::corrupt);
}

void Session::repeat_unacknowledged(Instant now, std::size_t bytes_max) {
  for (Frame& frame : sending_.repeat(now, bytes_max))
    effect(session_effect::Transmit{std::move(frame)});
}

void Session::on_heartbeat(const Frame& frame, Instant now) {
  const auto read = frame.read<schema::Heartbeat>([&](schema::Heartbeat::Reader heartbeat) {
    leases_.stamped(heartbeat.getClock(), now);
    check_canary(std::chrono::milliseconds(heartbeat.getCanaryAgeMillis()));
  });
  if (!read) return refuse(Refusal::corrupt);
  check_leases(now);
}

void Session::check_canary(Duration age) {
  const bool stalled = age > config_.canary_age_max;
  if (stalled == peer_stalled_) return;
  peer_stalled_ = stalled;
  effect(session_effect::Stalled{stalled, age});
}

// --- What we say -----------------------------------------------------------------------------

Tokens Session::tokens() const {
  return {.cluster = config_.cluster, .sender = config_.self, .incarnation = config_.incarnation};
}

Stamp Session::stamp(std::uint64_t seq) const {
  return {.sender_incarnation = config_.incarnation,
          .receiver_incarnation = peer_incarnation_,
          .sender_session = session_,
          .receiver_session = peer_session_,
          .seq = seq,
          .ack = receiving_.received()};
}

void Session::say_hello(Instant now) {
  last_beat_ = now;
  effect(session_effect::Transmit{say<schema::Hello>([&](schema::Hello::Builder hello) {
    hello.setAddress(config_.address);
    hello.setReceived(receiving_.received());
    hello.setLeaseMillis(to_millis(config_.lease));
    leases_.fill(hello.initClock(), now);
    hello.setProcess(config_.process);
  })});
}

void Session::say_welcome(Instant now) {
  if (state_ == State::fenced) return;
  if (!connected_) return;  // once connected we say Hello ourselves
  effect(session_effect::Transmit{say<schema::Welcome>([&](schema::Welcome::Builder welcome) {
    welcome.setReceived(receiving_.received());
    welcome.setLeaseMillis(to_millis(config_.lease));
    leases_.fill(welcome.initClock(), now);
    welcome.setProcess(config_.process);
  })});
}

void Session::say_heartbeat(Instant now) {
  last_beat_ = now;
  unannounced_frames_ = 0;
  unannounced_bytes_ = 0;
  effect(session_effect::Transmit{say<schema::Heartbeat>([&](schema::Heartbeat::Builder beat) {
    leases_.fill(beat.initClock(), now);
    beat.setCanaryAgeMillis(to_millis(canary_age_));
  })});
}

void Session::answer_fenced(const Frame& frame, Instant now) {
  // Once per heartbeat is enough for an old process that goes on talking.
  if (now - last_fenced_answer_ < config_.heartbeat) return;
  last_fenced_answer_ = now;
  const std::uint64_t over = frame.envelope().getSenderIncarnation();
  const Incarnation highest = std::max(peer_incarnation_, fenced_up_to_);
  Stamp to_sender = stamp(0);
  to_sender.receiver_incarnation = Incarnation(over);
  effect(session_effect::Reply{
      Frame::make<schema::Fenced>(tokens(), "", [&](schema::Fenced::Builder fenced) {
        fenced.setHighestIncarnation(highest.value());
        fenced.setText(
            fmt::format("old incarnation: {} of node '{}' is over at node '{}', "
                        "which has seen {}; stop it and start a new one",
                        over, config_.peer, config_.self, highest));
      }).stamped(to_sender)});
}

void Session::answer_reject(const Frame& frame, schema::RejectCode code, const std::string& text) {
  if (frame.is<schema::Fenced>()) return;
  Stamp to_sender = stamp(0);
  to_sender.receiver_incarnation = Incarnation(frame.envelope().getSenderIncarnation());
  effect(session_effect::Reply{
      Frame::make<schema::Reject>(tokens(), "", [&](schema::Reject::Builder reject) {
        reject.setCode(code);
        reject.setText(text);
      }).stamped(to_sender)});
}

}  // namespace troupe
