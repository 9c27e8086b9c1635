#include "runtime/net/lane.hpp"

#include "runtime/wire/batch_codec.hpp"

#include <arrow/buffer.h>
#include <zmq.h>

namespace troupe {
namespace {

constexpr int events = ZMQ_EVENT_CONNECTED | ZMQ_EVENT_CLOSED | ZMQ_EVENT_DISCONNECTED |
                       ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                       ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;

ZmqSocket make_dealer(const ZmqContext& context, const KeyPair& own, const LaneConfig& config) {
  ZmqSocket socket(context, ZMQ_DEALER);
  use_curve_client(socket, own, config.peer_key);
  // Queue nothing for a peer that is not connected: it would reach whatever process connects next.
  socket.set(ZMQ_IMMEDIATE, 1);
  socket.set(ZMQ_SNDHWM, config.messages_max);
  socket.set(ZMQ_RCVHWM, config.messages_max);
  socket.set(ZMQ_MAXMSGSIZE, static_cast<std::int64_t>(config.part_bytes_max));
  socket.set_duration(ZMQ_HANDSHAKE_IVL, config.handshake_timeout);
  // libzmq adds a random part to each wait, so that nodes do not come back in step.
  socket.set_duration(ZMQ_RECONNECT_IVL, config.reconnect_min);
  socket.set_duration(ZMQ_RECONNECT_IVL_MAX, config.reconnect_max);
  if (config.address.find('[') != std::string::npos) socket.set(ZMQ_IPV6, 1);
  return socket;
}

ByteSpan span_of(const arrow::Buffer& buffer) {
  return {buffer.data(), static_cast<std::size_t>(buffer.size())};
}

}  // namespace

Lane::Lane(const ZmqContext& context, const KeyPair& own, const LaneConfig& config,
           LaneMetrics metrics)
    : socket_(make_dealer(context, own, config)),
      monitor_(socket_.monitor(context, events)),
      metrics_(metrics) {
  // The link has checked the address. libzmq itself tries a name again that does not resolve.
  (void)socket_.connect(config.address).ok();
}

bool Lane::next_change(Change& change) {
  while (const int event = monitor_.next()) {
    switch (event) {
      case ZMQ_EVENT_CONNECTED:
        tcp_ = true;
        break;
      case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        ready_ = true;
        change = Change::ready;
        return true;
      case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        change = Change::not_admitted;
        return true;
      case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
      case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        change = Change::handshake_failed;
        return true;
      case ZMQ_EVENT_DISCONNECTED:
      case ZMQ_EVENT_CLOSED: {
        // libzmq reports an end, not its reason: what came before on this connection tells it. A
        // failed handshake told its own; one CLOSED without CONNECTED means nobody listens.
        const bool was_ready = std::exchange(ready_, false);
        const bool was_connected = std::exchange(tcp_, false);
        if (was_ready) {
          change = Change::closed;
          return true;
        }
        if (!was_connected && event == ZMQ_EVENT_CLOSED) {
          change = Change::refused;
          return true;
        }
        break;
      }
      default:
        break;
    }
  }
  return false;
}

void Lane::push(Frame frame) {
  const std::size_t bytes = frame.size();
  queued_bytes_ += bytes;
  queue_.push_back({std::move(frame), {}, bytes});
}

void Lane::push(DataFrame frame) {
  const std::size_t bytes = frame.bytes();
  queued_bytes_ += bytes;
  queue_.push_back({{}, std::move(frame), bytes});
}

std::size_t Lane::flush() {
  std::size_t left = 0;
  while (!queue_.empty() && send(queue_.front()) == ZmqSocket::Sent::yes) {
    const std::size_t bytes = queue_.front().bytes;
    metrics_.frames.add();
    metrics_.bytes.add(bytes);
    left += bytes;
    queue_.pop_front();
  }
  queued_bytes_ -= left;
  return left;
}

void Lane::drop_queue() {
  queue_.clear();
  queued_bytes_ = 0;
}

ZmqSocket::Sent Lane::send(const Waiting& waiting) {
  if (waiting.data) return send_parts(waiting.data);
  // To share a small frame's memory with libzmq's threads costs more than to copy it.
  if (waiting.bytes < static_cast<std::size_t>(zero_copy_bytes_min)) {
    return socket_.send(waiting.frame.bytes(), false);
  }
  return socket_.send_in_place(waiting.frame.bytes(), std::make_shared<Frame>(waiting.frame),
                               false);
}

ZmqSocket::Sent Lane::send_parts(const DataFrame& frame) {
  const auto& parts = frame.parts();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool more = i + 1 < parts.size();
    const ZmqSocket::Sent sent = parts[i]->size() < zero_copy_bytes_min
                                     ? socket_.send(span_of(*parts[i]), more)
                                     : socket_.send_in_place(span_of(*parts[i]), parts[i], more);
    // Only the first part can find the queue full: libzmq counts whole messages.
    if (i == 0 && sent != ZmqSocket::Sent::yes) return sent;
    ENSURE(sent == ZmqSocket::Sent::yes, "part {} of a message was not taken", i);
  }
  return ZmqSocket::Sent::yes;
}

void Lane::linger(Duration duration) { socket_.set_duration(ZMQ_LINGER, duration); }

bool Lane::receive(ReceivedPart& part) {
  bool more = false;
  if (!socket_.receive(part, more)) return false;
  ReceivedPart rest;  // refusals have one part; others are read to their end and dropped
  while (more && socket_.receive(rest, more)) {
  }
  return true;
}

}  // namespace troupe
