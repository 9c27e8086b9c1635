#include "runtime/net/transport.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

namespace troupe {

LinkInbox::LinkInbox(std::size_t control_bytes_max, std::size_t data_bytes_max)
    : control_bytes_max_(control_bytes_max),
      data_bytes_max_(data_bytes_max),
      descriptor_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  ENSURE(descriptor_ >= 0, "no more file descriptors");
}

LinkInbox::~LinkInbox() { ::close(descriptor_); }

void LinkInbox::post(LinkCommand command) {
  std::lock_guard lock(mutex_);
  enqueue(std::move(command));
}

void LinkInbox::enqueue(LinkCommand command) {
  commands_.push_back(std::move(command));
  // `take` takes all commands at once, so the first one's wake serves those behind it, too.
  if (commands_.size() == 1) wake();
}

Result<> LinkInbox::post_frame(const NodeId& peer, Frame frame) {
  if (frame.size() > frame_bytes_max) {
    return make_error(
        ErrorCode::invalid_argument,
        "a control message of {} bytes to '{}' on node '{}': at most {}; send bulk as data",
        frame.size(), frame.to(), peer, frame_bytes_max);
  }
  std::lock_guard lock(mutex_);
  const auto room = rooms_.find(peer);
  if (room == rooms_.end() || !room->second.up) {
    return make_error(ErrorCode::unavailable, "no session with node '{}'", peer);
  }
  if (room->second.control_bytes + frame.size() > control_bytes_max_) {
    return make_error(ErrorCode::unavailable, "node '{}' does not take what is sent: {} bytes wait",
                      peer, room->second.control_bytes);
  }
  room->second.control_bytes += frame.size();
  enqueue(link_command::Send{peer, std::move(frame)});
  return {};
}

Result<> LinkInbox::post_data(const NodeId& peer, DataFrame frame) {
  std::lock_guard lock(mutex_);
  const auto room = rooms_.find(peer);
  if (room == rooms_.end() || !room->second.up) {
    return make_error(ErrorCode::unavailable, "no session with node '{}'", peer);
  }
  // If nothing waits, a frame of any size is taken: one that is larger than the limit could never
  // leave otherwise.
  auto& bytes = room->second.data_bytes;
  if (bytes > 0 && bytes + frame.bytes() > data_bytes_max_) {
    return make_error(ErrorCode::unavailable, "the data lanes to node '{}' are full: {} bytes wait",
                      peer, bytes);
  }
  bytes += frame.bytes();
  enqueue(link_command::SendData{peer, std::move(frame)});
  return {};
}

std::vector<LinkCommand> LinkInbox::take() {
  std::lock_guard lock(mutex_);
  return std::exchange(commands_, {});
}

void LinkInbox::set_up(const NodeId& peer, bool up) {
  std::lock_guard lock(mutex_);
  rooms_[peer].up = up;
}

void LinkInbox::frame_handled(const NodeId& peer, std::size_t bytes) {
  std::lock_guard lock(mutex_);
  rooms_[peer].control_bytes -= bytes;
}

void LinkInbox::data_left(const NodeId& peer, std::size_t bytes) {
  std::lock_guard lock(mutex_);
  rooms_[peer].data_bytes -= bytes;
}

void LinkInbox::wake() {
  const std::uint64_t one = 1;
  // The write fails only if the counter is full; then the poll wakes anyway.
  [[maybe_unused]] const auto written = ::write(descriptor_, &one, sizeof one);
}

void LinkInbox::drain_wake() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto read = ::read(descriptor_, &count, sizeof count);
}

}  // namespace troupe
