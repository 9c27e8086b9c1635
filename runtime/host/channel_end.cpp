#include "runtime/host/channel_end.hpp"

#include <utility>

namespace troupe {

void ChannelEnd::session(Incarnation incarnation) {
  {
    std::lock_guard lock(mutex_);
    if (open_ || error_ || incarnation < where_.peer.incarnation) return;
    if (incarnation == where_.peer.incarnation) {
      open_ = true;
      opened();
    } else {
      error_ = make_error(ErrorCode::unavailable, "node {} was replaced by its incarnation {}",
                          where_.peer.node, incarnation);
    }
  }
  wake();
}

void ChannelEnd::fail(Error error) {
  {
    std::lock_guard lock(mutex_);
    if (error_) return;
    error_ = std::move(error);
  }
  wake();
}

bool ChannelEnd::waits_since_before(Instant limit) const {
  std::lock_guard lock(mutex_);
  return !open_ && !error_ && since_ < limit;
}

Result<> ChannelEnd::status() const {
  std::lock_guard lock(mutex_);
  if (error_) return *error_;
  return {};
}

bool OutgoingEnd::may_send(std::uint64_t bytes) const {
  std::lock_guard lock(mutex_);
  return open_ && credit_.may_send(bytes);
}

bool OutgoingEnd::send(PeerWire& wire, const DataFrame& frame) {
  {
    std::lock_guard lock(mutex_);
    if (!open_ || error_) return false;
    if (frame.is_batch()) {
      if (!credit_.may_send(frame.bytes())) return false;
      credit_.sent(frame.bytes());
    }
  }
  auto sent = wire.send_data(where_.peer.node, frame);
  if (!sent) fail(sent.error().within(fmt::format("sending rows to node {}", where_.peer.node)));
  return sent.ok();
}

void OutgoingEnd::granted(Credit consumed_total) {
  std::optional<Error> broken;
  {
    std::lock_guard lock(mutex_);
    auto granted = credit_.granted(consumed_total);
    if (!granted) broken = granted.error();
  }
  if (broken) return fail(*std::move(broken));
  wake();
}

void OutgoingEnd::close() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  wake();
}

bool OutgoingEnd::closed() const {
  std::lock_guard lock(mutex_);
  return closed_;
}

void IncomingEnd::opened() {
  if (!request_) return;
  auto sent = wire_.send(where_.peer.node, request_);
  if (!sent) error_ = sent.error();
}

void IncomingEnd::arrived(DataFrame frame) {
  std::optional<Error> broken;
  bool first = false;
  {
    std::lock_guard lock(mutex_);
    if (error_) return;
    first = frames_.empty();
    if (frame.is_batch()) {
      auto received = credit_.received(frame.bytes());
      if (!received) broken = received.error();
    }
    if (!broken) frames_.push_back(std::move(frame));
  }
  if (broken) return fail(*std::move(broken));
  if (first) wake();
}

std::optional<DataFrame> IncomingEnd::take() {
  std::lock_guard lock(mutex_);
  if (frames_.empty()) return std::nullopt;
  auto frame = std::move(frames_.front());
  frames_.pop_front();
  return frame;
}

std::optional<Credit> IncomingEnd::consumed(std::uint64_t bytes) {
  std::lock_guard lock(mutex_);
  if (!credit_.consumed(bytes)) return std::nullopt;
  return credit_.grant();
}

Credit IncomingEnd::held() const {
  std::lock_guard lock(mutex_);
  return credit_.held();
}

}  // namespace troupe
