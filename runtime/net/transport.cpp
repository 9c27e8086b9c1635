#include "runtime/net/transport.hpp"

#include "runtime/base/log.hpp"

#include <zmq.h>

#include <algorithm>

namespace troupe {
namespace {

/// Pause between a handshake that failed and the next one.
constexpr Duration dial_again_after = 1s;
/// A stranger who tries keys must not fill the log.
constexpr std::size_t refused_keys_told_max = 64;

constexpr int router_event_kinds = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
/// How long a Goodbye may take to leave a lane that closes.
constexpr Duration last_words = 300ms;
constexpr long leave_poll_millis = 5;

MetricCounter& frames(Metrics& metrics, const char* direction, const char* kind) {
  return metrics.counter(fmt::format("troupe_frames_{}_total", direction), "frames between nodes",
                         {{"class", kind}});
}
MetricCounter& bytes(Metrics& metrics, const char* direction, const char* kind) {
  return metrics.counter(fmt::format("troupe_frame_bytes_{}_total", direction),
                         "bytes of frames between nodes", {{"class", kind}});
}

int to_poll_millis(Duration duration) {
  return static_cast<int>(
      std::chrono::ceil<std::chrono::milliseconds>(std::max(duration, Duration::zero())).count());
}

}  // namespace

Link::Transport::Transport(LinkConfig config, KeyRing keys, LinkListener& listener,
                           Metrics& metrics)
    : config_(std::move(config)),
      keys_(std::move(keys)),
      public_key_(keys_.own().public_key()),
      listener_(listener),
      inbox_(config_.session.unacked_bytes_max, config_.data_queue_bytes_max),
      context_(config_.io_threads),
      control_sent_{frames(metrics, "sent", "control"), bytes(metrics, "sent", "control")},
      data_sent_{frames(metrics, "sent", "data"), bytes(metrics, "sent", "data")},
      control_received_(frames(metrics, "received", "control")),
      control_bytes_received_(bytes(metrics, "received", "control")),
      data_received_(frames(metrics, "received", "data")),
      data_bytes_received_(bytes(metrics, "received", "data")),
      keys_refused_(metrics.counter("troupe_keys_refused_total",
                                    "connections whose key is not on the allow-list")),
      connections_(metrics.counter("troupe_connections_total",
                                   "connections to this node's port, of whatever kind")),
      connections_admitted_(metrics.counter("troupe_connections_admitted_total",
                                            "connections whose key is on the allow-list")),
      peers_up_(metrics.gauge("troupe_peers_up", "nodes with which there is a session")) {
  for (int i = 0; i < refusal_kinds; ++i) {
    refusals_.by_kind[i] = &metrics.counter("troupe_frames_refused_total",
                                            "frames that arrived and were not accepted, by reason",
                                            {{"reason", to_string(static_cast<Refusal>(i))}});
  }
  for (const auto& [node, key] : keys_.allowed()) nodes_by_key_.emplace(key.to_string(), node);
}

Result<> Link::Transport::start(Instant now) {
  now_ = now;
  canary(now);  // the actors begin later; until then the node counts as well
  // Before the ROUTER listens: without a handler libzmq would admit every key.
  zap_ = TRY(ZapHandler::open(context_));
  TRY(strangers_are_refused(context_, *zap_, keys_));
  router_.emplace(context_, ZMQ_ROUTER);
  use_curve_server(*router_, keys_.own());
  router_->set(ZMQ_ROUTER_MANDATORY, 1);
  router_->set(ZMQ_MAXMSGSIZE, static_cast<std::int64_t>(config_.part_bytes_max));
  router_->set(ZMQ_RCVHWM, config_.received_messages_max);
  router_->set_duration(ZMQ_HANDSHAKE_IVL, config_.handshake_timeout);
  if (config_.bind.find('[') != std::string::npos) router_->set(ZMQ_IPV6, 1);
  router_events_.emplace(router_->monitor(context_, router_event_kinds));
  TRY(router_->bind(config_.bind));
  endpoint_ = router_->last_endpoint();
  config_.session.address = config_.advertise.empty() ? endpoint_ : config_.advertise;
  return {};
}

// --- The loop --------------------------------------------------------------------------------

void Link::Transport::wait(Duration max) {
  std::vector<zmq_pollitem_t> items = {{router_->handle(), 0, ZMQ_POLLIN, 0},
                                       {zap_->handle(), 0, ZMQ_POLLIN, 0},
                                       {router_events_->handle(), 0, ZMQ_POLLIN, 0},
                                       {nullptr, inbox_.descriptor(), ZMQ_POLLIN, 0}};
  Instant due = now_ + max;
  const auto watch = [&](const Lane& lane) {
    const auto out = static_cast<short>(lane.waiting() ? ZMQ_POLLOUT : 0);
    items.push_back({lane.socket(), 0, static_cast<short>(ZMQ_POLLIN | out), 0});
    items.push_back({lane.monitor(), 0, ZMQ_POLLIN, 0});
  };
  for (const auto& [node, peer] : peers_) {
    due = std::min(due, peer.session.next_tick(now_));
    if (peer.dial_again_at) due = std::min(due, *peer.dial_again_at);
    if (peer.control) watch(*peer.control);
    for (const auto& lane : peer.data) watch(lane);
  }
  zmq_poll(items.data(), static_cast<int>(items.size()), to_poll_millis(due - now_));
}

void Link::Transport::poll(Instant now) {
  now_ = now;
  // Drained before the commands are taken: a command that comes in between leaves its wake behind.
  inbox_.drain_wake();
  for (auto& command : inbox_.take()) {
    std::visit([&](auto& one) { handle(one); }, command);
  }
  note_refused(zap_->serve(keys_));
  read_router_events();
  for (auto& [node, peer] : peers_) {
    read_news(node, peer);
    read_answers(node, peer);
    flush(node, peer);
  }
  for (int i = 0; i < config_.receives_per_poll && receive_one(); ++i) {
  }
  // Time is told last: the frames that have arrived may show that a peer lives.
  for (auto& [node, peer] : peers_) {
    tick(node, peer);
    flush(node, peer);
  }
}

void Link::Transport::note_refused(const std::vector<std::string>& keys) {
  keys_refused_.add(keys.size());
  for (const auto& key : keys) {
    if (key.empty() || refused_keys_.size() >= refused_keys_told_max) continue;
    if (!refused_keys_.insert(key).second) continue;
    log::warn(
        "a node with the key {} is refused: it is not on the list here; to admit it run: "
        "troupe keys allow NAME {}",
        key, key);
  }
}

void Link::Transport::tick(const NodeId& node, Peer& peer) {
  if (peer.dial_again_at && *peer.dial_again_at <= now_) dial(node, peer);
  if (peer.session.next_tick(now_) > now_) return;
  const Duration canary_age = now_ - Instant(Duration(canary_.load()));
  // Below zero if another thread has set it after `now_` was taken.
  tell(node, peer, session_event::Tick{std::max(canary_age, Duration::zero())});
}

void Link::Transport::flush(const NodeId& node, Peer& peer) {
  if (peer.control) peer.control->flush();
  for (auto& lane : peer.data) {
    if (const std::size_t left = lane.flush()) inbox_.data_left(node, left);
  }
}

void Link::Transport::leave(const std::string& reason, Duration max) {
  for (auto& [node, peer] : peers_) {
    tell(node, peer, session_event::Leave{reason});
    if (peer.control) peer.control->linger(std::min(max, last_words));
  }
  const auto waiting = [&] {
    return std::ranges::any_of(peers_, [](const auto& entry) {
      return entry.second.control && entry.second.control->waiting();
    });
  };
  for (Duration waited{}; waiting() && waited < max;
       waited += std::chrono::milliseconds(leave_poll_millis)) {
    zmq_poll(nullptr, 0, leave_poll_millis);
    for (auto& [node, peer] : peers_) flush(node, peer);
  }
}

// --- What other threads ask --------------------------------------------------------------------

void Link::Transport::handle(link_command::Connect& command) {
  Peer& peer = peer_of(command.peer);
  peer.configured = true;
  peer.final_when_lost |= command.final_when_lost;
  peer.session.lost_is_final(final_when_lost_ || peer.final_when_lost);
  // The peer may have called us before we were told to call it: its lanes are there already.
  if (peer.control && peer.address == command.address) return;
  peer.address = command.address;
  dial(command.peer, peer);
}

void Link::Transport::handle(link_command::Forget& command) {
  const auto found = peers_.find(command.peer);
  if (found == peers_.end()) return;
  auto& [node, peer] = *found;
  tell(node, peer, session_event::Leave{command.reason});
  if (peer.control) peer.control->linger(last_words);
  flush(node, peer);
  hang_up(node, peer);
  forgotten_[node] = {peer.session.next_session(), peer.session.fenced_up_to()};
  peers_.erase(found);
}

void Link::Transport::handle(link_command::FinalWhenLost& command) {
  final_when_lost_ = command.final;
  for (auto& [node, peer] : peers_) {
    peer.session.lost_is_final(final_when_lost_ || peer.final_when_lost);
  }
}

void Link::Transport::handle(link_command::Admit& command) {
  const KeyRing before = std::exchange(keys_, std::move(command.keys));
  nodes_by_key_.clear();
  for (const auto& [node, key] : keys_.allowed()) nodes_by_key_.emplace(key.to_string(), node);
  for (auto peer = peers_.begin(); peer != peers_.end();) {
    const NodeId node = (peer++)->first;  // steps on first, for Forget erases the peer
    const PublicKey* was = before.key_of(node);
    const PublicKey* is = keys_.key_of(node);
    if (was != nullptr && (is == nullptr || *is != *was)) {
      link_command::Forget forget{node, "its key was revoked"};
      handle(forget);
    }
  }
  // Peers that `dial` could not call before, for want of their key.
  for (auto& [node, peer] : peers_) {
    if (peer.configured && !peer.control) dial(node, peer);
  }
}

void Link::Transport::handle(link_command::Send& command) {
  inbox_.frame_handled(command.peer, command.frame.size());
  const auto found = peers_.find(command.peer);
  if (found == peers_.end()) return;
  tell(found->first, found->second, session_event::Send{std::move(command.frame)});
}

void Link::Transport::handle(link_command::SendData& command) {
  const auto found = peers_.find(command.peer);
  if (found == peers_.end() || !found->second.session.up() || found->second.data.empty()) {
    return inbox_.data_left(command.peer, command.frame.bytes());
  }
  // Always the same lane for a channel: lanes overtake each other, and rows must stay in order.
  auto& lanes = found->second.data;
  lanes[command.frame.header().getChannel() % lanes.size()].push(std::move(command.frame));
}

// --- Peers and lanes ---------------------------------------------------------------------------

Link::Transport::Peer& Link::Transport::peer_of(const NodeId& node) {
  const auto found = peers_.find(node);
  if (found != peers_.end()) return found->second;
  SessionConfig session = config_.session;
  session.peer = node;
  session.lost_is_final = final_when_lost_;
  if (const auto past = forgotten_.find(node); past != forgotten_.end()) {
    session.first_session = past->second.next_session;
    session.fenced_up_to = past->second.fenced_up_to;
  }
  return peers_.emplace(node, Peer{Session(std::move(session), now_)}).first->second;
}

Lane Link::Transport::make_lane(const Peer& peer, const PublicKey& key, bool control) {
  return Lane(context_, keys_.own(),
              {.address = peer.address,
               .peer_key = key,
               .messages_max = control ? config_.control_messages_max : config_.data_messages_max,
               .part_bytes_max = config_.part_bytes_max,
               .handshake_timeout = config_.handshake_timeout,
               .reconnect_min = config_.reconnect_min,
               .reconnect_max = config_.reconnect_max},
              control ? control_sent_ : data_sent_);
}

void Link::Transport::dial(const NodeId& node, Peer& peer) {
  peer.dial_again_at.reset();
  hang_up(node, peer);
  const PublicKey* key = keys_.key_of(node);
  if (key == nullptr) {
    return announce(node, session_effect::Rejected{
                              schema::RejectCode::UNKNOWN_KEY,
                              fmt::format("the key of node '{}' is not on the list here: put it "
                                          "there with 'troupe keys allow {} KEY'",
                                          node, node)});
  }
  peer.control.emplace(make_lane(peer, *key, true));
  for (int i = 0; i < config_.data_lanes; ++i) peer.data.push_back(make_lane(peer, *key, false));
}

void Link::Transport::hang_up(const NodeId& node, Peer& peer) {
  if (!peer.control) return;
  peer.control.reset();
  drop_data(node, peer);
  peer.data.clear();
  if (peer.session.up()) announce(node, DataLost{"the connections were replaced"});
  tell(node, peer, session_event::Disconnected{});
}

void Link::Transport::drop_data(const NodeId& node, Peer& peer) {
  for (auto& lane : peer.data) {
    if (const std::size_t queued = lane.queued_bytes()) inbox_.data_left(node, queued);
    lane.drop_queue();
  }
}

void Link::Transport::read_news(const NodeId& node, Peer& peer) {
  Lane::Change change;
  // Effects of the session may close the lanes, so each turn looks again whether they are there.
  while (peer.control && peer.control->next_change(change)) on_control_change(node, peer, change);
  for (std::size_t i = 0; i < peer.data.size(); ++i) {
    while (i < peer.data.size() && peer.data[i].next_change(change)) {
      on_data_change(node, peer, peer.data[i], change);
    }
  }
}

void Link::Transport::on_control_change(const NodeId& node, Peer& peer, Lane::Change change) {
  const auto not_admitted = [&](const char* why) {
    peer.dial_again_at = now_ + dial_again_after;
    if (std::exchange(peer.not_admitted, true)) return;
    announce(node,
             session_effect::Rejected{schema::RejectCode::UNKNOWN_KEY,
                                      fmt::format(fmt::runtime(why), node, peer.address,
                                                  config_.session.self, public_key_.to_string())});
  };
  switch (change) {
    case Lane::Change::ready:
      peer.not_admitted = false;
      peer.dial_again_at.reset();
      return tell(node, peer, session_event::Connected{});
    case Lane::Change::closed:
      // These frames belong to the connection that is gone; the session repeats what matters.
      peer.control->drop_queue();
      return tell(node, peer, session_event::Disconnected{});
    case Lane::Change::refused:
      return tell(node, peer, session_event::Refused{});
    case Lane::Change::not_admitted:
      return not_admitted(
          "node '{0}' at {1} refuses the key of node '{2}': it is not on its list; run there: "
          "troupe keys allow {2} {3}");
    case Lane::Change::handshake_failed:
      return not_admitted(
          "the handshake with node '{0}' at {1} failed: what listens there has another key than "
          "the "
          "one on the list of node '{2}', or is no Troupe node");
  }
}

void Link::Transport::on_data_change(const NodeId& node, Peer& peer, Lane& lane,
                                     Lane::Change change) {
  if (change != Lane::Change::closed) return;
  if (const std::size_t queued = lane.queued_bytes()) inbox_.data_left(node, queued);
  lane.drop_queue();
  if (peer.session.up()) announce(node, DataLost{"a data connection closed"});
}

void Link::Transport::read_answers(const NodeId& node, Peer& peer) {
  ReceivedPart part;
  while (peer.control && peer.control->receive(part)) {
    auto frame = Frame::decode(part.bytes());
    // The peer speaks on lanes of its own. On ours it may only say why it refuses us.
    if (!frame || !(frame->is<schema::Reject>() || frame->is<schema::Fenced>())) {
      refuse(Refusal::corrupt);
      continue;
    }
    tell(node, peer, session_event::Received{*std::move(frame)});
  }
}

void Link::Transport::read_router_events() {
  while (const int event = router_events_->next()) {
    if (event == ZMQ_EVENT_ACCEPTED) connections_.add();
    if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) connections_admitted_.add();
  }
}

// --- Sessions ----------------------------------------------------------------------------------

void Link::Transport::tell(const NodeId& node, Peer& peer, const SessionEvent& event) {
  for (auto& effect : peer.session.on(event, now_)) apply(node, peer, effect);
}

void Link::Transport::apply(const NodeId& node, Peer& peer, SessionEffect& effect) {
  using namespace session_effect;
  if (auto* transmit = std::get_if<Transmit>(&effect)) {
    if (peer.control) peer.control->push(std::move(transmit->frame));
  } else if (auto* reply = std::get_if<Reply>(&effect)) {
    answer(reply->frame);
  } else if (auto* deliver = std::get_if<Deliver>(&effect)) {
    listener_.on_frame(node, std::move(deliver->frame));
  } else if (auto* refused = std::get_if<Refuse>(&effect)) {
    refuse(refused->refusal);
  } else if (std::get_if<Reconnect>(&effect) != nullptr) {
    if (peer.configured) return dial(node, peer);
    hang_up(node, peer);  // the peer calls us when it is back
  } else if (auto* down = std::get_if<Down>(&effect)) {
    inbox_.set_up(node, false);
    peers_up_.set(peers_up_.value() - 1);
    drop_data(node, peer);
    announce(node, *down);
    // Nobody told us to call this peer: do not dial its old address for ever.
    const bool gone = down->reason == DownReason::refused || down->reason == DownReason::closed;
    if (gone && !peer.configured) hang_up(node, peer);
  } else {
    if (std::holds_alternative<Up>(effect)) {
      inbox_.set_up(node, true);
      peers_up_.set(peers_up_.value() + 1);
    }
    std::visit(
        [&](auto& one) {
          if constexpr (std::is_constructible_v<PeerEvent, decltype(one)>) announce(node, one);
        },
        effect);
  }
}

void Link::Transport::announce(const NodeId& node, const PeerEvent& event) {
  listener_.on_peer(node, event);
}

void Link::Transport::refuse(Refusal refusal) {
  refusals_.by_kind[static_cast<int>(refusal)]->add();
}

}  // namespace troupe
