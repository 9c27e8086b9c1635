#pragma once

#include "runtime/data/stream_item.hpp"
#include "runtime/exec/task_host.hpp"
#include "runtime/operator/needed_values.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace troupe {

/// How much a channel holds before its sender has to wait.
struct ChannelLimits {
  std::size_t batches_max = 16;
  std::int64_t bytes_max = std::int64_t{16} << 20;
};

/// In a stream a row should not wait behind many others.
inline constexpr ChannelLimits stream_channel_limits = {.batches_max = 8,
                                                        .bytes_max = std::int64_t{2} << 20};

/// How full a channel is: what `show` calls the queue.
struct ChannelLevel {
  std::size_t batches = 0;
  std::int64_t bytes = 0;
  std::uint32_t percent = 0;  ///< of what it may hold
};

/// The producer's end of a channel, used by one task. Behind it is a queue in this process, a data
/// lane to another node, or a file.
class ChannelSender {
 public:
  virtual ~ChannelSender() = default;
  /// True when a batch of so many bytes may be sent now. After a false the sending task is woken
  /// as soon as there is room again.
  virtual bool has_room(std::int64_t bytes) = 0;
  /// A batch needs room; what carries no rows (watermark, barrier, end) always passes.
  virtual void send(StreamItem item, std::int64_t bytes) = 0;
  /// True once the receiver wants nothing more: rows may be dropped.
  virtual bool closed() const = 0;
  /// True once everything sent is where it has to be for the task to end.
  virtual bool flushed() { return true; }
  /// The failure that ends the task, where the channel has one.
  virtual Result<> status() { return {}; }
  /// This end would leave out rows that the receiver does not need.
  virtual void listen() {}
  /// Which rows the receiver needs; none where it has promised to say and has not: then this end is
  /// woken. All of them where the ends are not in one process.
  virtual std::optional<NeededValues> needed() { return NeededValues(); }
};

/// The consumer's end of a channel, used by one task.
class ChannelReceiver {
 public:
  virtual ~ChannelReceiver() = default;
  /// The next item. None: nothing is here now, and the task is woken when something comes. After
  /// `EndOfStream` it is not called again.
  virtual Result<std::optional<StreamItem>> receive() = 0;
  /// True when the sender has to wait for this end.
  virtual bool full() const = 0;
  virtual ChannelLevel level() const = 0;
  /// Nothing more is wanted: what is queued is dropped and the sender is let go on.
  virtual void close() = 0;
  /// `tell` will be called: a sender that listens may wait for it. Before either end is used.
  virtual void promise() {}
  virtual bool listened() const { return false; }
  virtual void tell(const NeededValues& /*needed*/) {}
};

/// A bounded queue between two tasks of one process: batches move by pointer.
///
/// Invariant: never more than `batches_max` batches, nor more than `bytes_max` bytes unless a
/// single batch is larger than that. Each side is woken only when it may have found nothing to do:
/// the receiver by the first item into an empty queue (and when the sender begins to wait), the
/// sender when half of the room is free again; a pair of tasks that keep up exchanges few messages.
class Channel {
 public:
  explicit Channel(ChannelLimits limits = {});

  /// The ends, each asked for once; the queue lives as long as one of them.
  std::unique_ptr<ChannelSender> sender(std::shared_ptr<TaskHost> host);
  std::unique_ptr<ChannelReceiver> receiver(std::shared_ptr<TaskHost> host);

 private:
  class Queue;
  class Sender;
  class Receiver;
  std::shared_ptr<Queue> queue_;
};

}  // namespace troupe
