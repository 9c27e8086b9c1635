#pragma once

#include "runtime/base/time.hpp"
#include "runtime/wire/frame.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <vector>

namespace troupe {

/// The messages of one conversation that the peer has not acknowledged yet, oldest first.
class SendWindow {
 public:
  explicit SendWindow(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  bool has_room_for(const Frame& frame) const { return bytes_ + frame.size() <= bytes_max_; }
  std::uint64_t next_seq() const { return next_seq_; }
  /// Keeps a frame that was stamped with `next_seq()`.
  void keep(Frame frame, Instant sent_at);
  /// The peer has processed everything up to `seq`. False if that number was never sent.
  bool acknowledge(std::uint64_t seq);
  /// Returns the oldest frames in order, marked as sent `now`: at least one, then up to this size.
  std::vector<Frame> repeat(Instant now, std::size_t bytes_max);
  bool overdue(Instant now, Duration after) const;
  void clear();

  std::size_t bytes() const { return bytes_; }
  bool empty() const { return kept_.empty(); }

 private:
  struct Kept {
    std::uint64_t seq;
    Frame frame;
    Instant sent_at;
  };
  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::uint64_t next_seq_ = 1;
  std::deque<Kept> kept_;
};

/// Puts the messages that one conversation receives in order: each number once, from 1, no gap.
class ReceiveWindow {
 public:
  ReceiveWindow(std::size_t frames_max, std::size_t bytes_max)
      : frames_max_(frames_max), bytes_max_(bytes_max) {}

  enum class Verdict { in_order, ahead, duplicate, overflow };
  /// `in_order`: call `take` until it gives an empty frame.
  Verdict put(std::uint64_t seq, const Frame& frame);
  /// The next frame in order, or an empty one.
  Frame take();
  void clear();

  /// The highest number up to which everything was taken.
  std::uint64_t received() const { return received_; }

 private:
  std::size_t frames_max_;
  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::uint64_t received_ = 0;
  std::map<std::uint64_t, Frame> waiting_;
};

}  // namespace troupe
