// Receives from the ROUTER. The key of a connection decides which node a message is from; nothing
// that the message says is believed before that.
#include "runtime/net/transport.hpp"

#include <arrow/buffer.h>

namespace troupe {
namespace {

std::string to_text(capnp::Text::Reader text) { return {text.begin(), text.size()}; }

ByteSpan to_bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

bool Link::Transport::receive_one() {
  ReceivedPart identity;
  bool more = false;
  if (!router_->receive(identity, more)) return false;
  routing_id_ = identity.text();
  ReceivedPart first;
  if (more && router_->receive(first, more)) accept(first, more);
  routing_id_.clear();
  return true;
}

void Link::Transport::accept(ReceivedPart& first, bool more) {
  const auto found = nodes_by_key_.find(std::string(first.user_id()));
  if (found == nodes_by_key_.end()) {
    // Its key was revoked while it was connected.
    skip_rest(more);
    refuse(Refusal::unknown_key);
    if (DataFrame::begins(first.bytes())) return;
    return reject(schema::RejectCode::UNKNOWN_KEY,
                  fmt::format("key not on the list: node '{}' does not admit your key any more",
                              config_.session.self),
                  0);
  }
  const NodeId node = found->second;
  if (DataFrame::begins(first.bytes())) return accept_data(node, first, more);
  accept_control(node, first, more);
}

void Link::Transport::accept_control(const NodeId& node, ReceivedPart& part, bool more) {
  skip_rest(more);
  if (part.bytes().size() > frame_bytes_max) return refuse(Refusal::oversized);
  const auto frame = Frame::decode(part.bytes());
  if (!frame || more) return refuse(Refusal::corrupt);
  control_received_.add();
  control_bytes_received_.add(frame->size());
  const std::string sender = to_text(frame->envelope().getSender());
  if (sender != node.value()) {
    refuse(Refusal::impostor);
    return reject(schema::RejectCode::IMPOSTOR,
                  fmt::format("you say that you are node '{}', but your key belongs to node '{}' "
                              "on the list of node '{}'",
                              sender, node, config_.session.self),
                  frame->envelope().getSenderIncarnation());
  }
  Peer& peer = peer_of(node);
  const Incarnation before = peer.session.peer_incarnation();
  tell(node, peer, session_event::Received{*frame});
  if (frame->is<schema::Hello>()) call_back(node, peer, *frame, before);
}

/// A peer that may speak has said Hello. We dial the address in it, even if we were told another
/// one before, for a new process has a new port. A working connection to this very process stays.
void Link::Transport::call_back(const NodeId& node, Peer& peer, const Frame& hello,
                                Incarnation before) {
  const Incarnation now = peer.session.peer_incarnation();
  if (now.value() != hello.envelope().getSenderIncarnation()) return;  // it was not accepted
  const bool replaced = before != Incarnation() && before != now;
  if (peer.control && peer.control->ready() && !replaced) return;
  std::string address;
  const auto read = hello.read<schema::Hello>(
      [&](schema::Hello::Reader body) { address = to_text(body.getAddress()); });
  if (!read || !address.starts_with("tcp://")) return;
  if (peer.control && peer.address == address) return;
  peer.address = address;
  dial(node, peer);
}

void Link::Transport::accept_data(const NodeId& node, ReceivedPart& first, bool more) {
  auto frame = DataFrame::decode(rest_of_message(first, more));
  const auto found = peers_.find(node);
  if (!frame) {
    refuse(Refusal::corrupt);
    // It may have carried rows, or the end, of any channel: all channels from this peer are broken.
    if (found != peers_.end() && found->second.session.up()) {
      announce(node, DataLost{"a frame of rows did not decode"});
    }
    return;
  }
  if (found == peers_.end() || !found->second.session.up()) return refuse(Refusal::stale_session);
  Peer& peer = found->second;
  const auto& header = frame->header();
  if (to_text(header.getCluster()) != config_.session.cluster.value()) {
    return refuse(Refusal::wrong_cluster);
  }
  if (header.getSenderIncarnation() != peer.session.peer_incarnation().value()) {
    return refuse(Refusal::stale_incarnation);
  }
  if (header.getReceiverIncarnation() != config_.session.incarnation.value()) {
    return refuse(Refusal::misdirected);
  }
  data_received_.add();
  data_bytes_received_.add(frame->bytes());
  tell(node, peer, session_event::Heard{});
  listener_.on_data(node, *std::move(frame));
}

MessageParts Link::Transport::rest_of_message(ReceivedPart& first, bool more) {
  MessageParts parts = {first.release()};
  while (more) {
    ReceivedPart part;
    if (!router_->receive(part, more)) break;
    // Keeps one part more than the limit, so that decoding refuses the message, and drops the rest.
    if (parts.size() <= data_frame_parts_max) parts.push_back(part.release());
  }
  return parts;
}

void Link::Transport::skip_rest(bool more) {
  ReceivedPart part;
  while (more && router_->receive(part, more)) {
  }
}

void Link::Transport::reject(schema::RejectCode code, const std::string& text,
                             std::uint64_t incarnation) {
  const auto& us = config_.session;
  answer(Frame::make<schema::Reject>(
             {.cluster = us.cluster, .sender = us.self, .incarnation = us.incarnation}, "",
             [&](schema::Reject::Builder reject) {
               reject.setCode(code);
               reject.setText(text);
             })
             .stamped({.sender_incarnation = us.incarnation,
                       .receiver_incarnation = Incarnation(incarnation)}));
}

/// Sends on the connection that brought the message at hand. Drops the answer if that connection
/// cannot take it now: nothing here may wait.
void Link::Transport::answer(const Frame& frame) {
  if (routing_id_.empty()) return;
  if (router_->send(to_bytes(routing_id_), true) != ZmqSocket::Sent::yes) return;
  router_->send(frame.bytes(), false);
}

}  // namespace troupe
