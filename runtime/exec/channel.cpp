#include "runtime/exec/channel.hpp"

#include "runtime/base/ensure.hpp"
#include "runtime/exec/fifo.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

namespace troupe {

class Channel::Queue {
 public:
  explicit Queue(ChannelLimits limits) : limits_(limits) {}

  void bind_sender(std::shared_ptr<TaskHost> host) {
    std::lock_guard lock(mutex_);
    ENSURE(!sender_, "a channel has one sender");
    sender_ = std::move(host);
  }
  void bind_receiver(std::shared_ptr<TaskHost> host) {
    std::lock_guard lock(mutex_);
    ENSURE(!receiver_, "a channel has one receiver");
    receiver_ = std::move(host);
  }

  bool has_room(std::int64_t bytes) {
    // A receiver that leaves this channel for later has to know that somebody waits for it.
    TaskHost* tell = nullptr;
    bool room = false;
    {
      std::lock_guard lock(mutex_);
      room = fits(bytes);
      if (!room && !sender_waits_) tell = receiver_.get();
      sender_waits_ = !room;
    }
    if (tell) tell->wake();
    return room;
  }

  void push(StreamItem item, std::int64_t bytes) {
    TaskHost* tell = nullptr;
    {
      std::lock_guard lock(mutex_);
      if (closed_) return;
      bool rows = std::holds_alternative<Batch>(item);
      ENSURE(!rows || fits(bytes), "a batch was sent into a full channel");
      if (items_.empty()) tell = receiver_.get();
      level_.batches += rows ? 1 : 0;
      level_.bytes += bytes;
      items_.push_back({std::move(item), bytes});
    }
    if (tell) tell->wake();
  }

  std::optional<StreamItem> pop() {
    Item item;
    TaskHost* tell = nullptr;
    {
      std::lock_guard lock(mutex_);
      if (items_.empty()) return std::nullopt;
      item = std::move(items_.front());
      items_.pop_front();
      level_.batches -= std::holds_alternative<Batch>(item.what) ? 1 : 0;
      level_.bytes -= item.bytes;
      if (sender_waits_ && level_.batches <= limits_.batches_max / 2 &&
          level_.bytes <= limits_.bytes_max / 2) {
        sender_waits_ = false;
        tell = sender_.get();
      }
    }
    if (tell) tell->wake();
    return std::move(item.what);
  }

  void close() {
    Fifo<Item> dropped;
    TaskHost* tell = nullptr;
    {
      std::lock_guard lock(mutex_);
      if (closed_) return;
      closed_ = true;
      dropped.swap(items_);
      level_ = {};
      tell = sender_.get();
    }
    if (tell) tell->wake();
  }

  void listen() {
    std::lock_guard lock(mutex_);
    listened_ = true;
  }
  bool listened() const {
    std::lock_guard lock(mutex_);
    return listened_;
  }
  void promise() {
    std::lock_guard lock(mutex_);
    if (!needed_) promised_ = true;
  }
  void tell(const NeededValues& needed) {
    TaskHost* tell = nullptr;
    {
      std::lock_guard lock(mutex_);
      needed_ = needed;
      tell = sender_.get();
    }
    if (tell) tell->wake();
  }
  std::optional<NeededValues> needed() const {
    std::lock_guard lock(mutex_);
    if (needed_ || (promised_ && !closed_)) return needed_;
    return NeededValues();
  }

  bool closed() const {
    std::lock_guard lock(mutex_);
    return closed_;
  }
  bool full() const {
    std::lock_guard lock(mutex_);
    return sender_waits_;
  }
  ChannelLevel level() const {
    std::lock_guard lock(mutex_);
    ChannelLevel level = level_;
    level.percent = static_cast<std::uint32_t>(std::max<std::int64_t>(
        level.bytes * 100 / limits_.bytes_max,
        static_cast<std::int64_t>(level.batches * 100 / limits_.batches_max)));
    return level;
  }

 private:
  struct Item {
    StreamItem what;
    std::int64_t bytes = 0;
  };

  bool fits(std::int64_t bytes) const {
    if (closed_ || level_.batches == 0) return true;
    return level_.batches < limits_.batches_max && level_.bytes + bytes <= limits_.bytes_max;
  }

  const ChannelLimits limits_;
  mutable std::mutex mutex_;
  std::shared_ptr<TaskHost> sender_;
  std::shared_ptr<TaskHost> receiver_;
  Fifo<Item> items_;
  ChannelLevel level_;
  bool sender_waits_ = false;
  bool closed_ = false;
  bool listened_ = false;
  bool promised_ = false;
  std::optional<NeededValues> needed_;
};

class Channel::Sender : public ChannelSender {
 public:
  explicit Sender(std::shared_ptr<Queue> queue) : queue_(std::move(queue)) {}
  bool has_room(std::int64_t bytes) override { return queue_->has_room(bytes); }
  void send(StreamItem item, std::int64_t bytes) override { queue_->push(std::move(item), bytes); }
  bool closed() const override { return queue_->closed(); }
  void listen() override { queue_->listen(); }
  std::optional<NeededValues> needed() override { return queue_->needed(); }

 private:
  std::shared_ptr<Queue> queue_;
};

class Channel::Receiver : public ChannelReceiver {
 public:
  explicit Receiver(std::shared_ptr<Queue> queue) : queue_(std::move(queue)) {}
  /// A task that goes away must not leave its producers waiting for room.
  ~Receiver() override { queue_->close(); }
  Result<std::optional<StreamItem>> receive() override { return queue_->pop(); }
  bool full() const override { return queue_->full(); }
  ChannelLevel level() const override { return queue_->level(); }
  void close() override { queue_->close(); }
  void promise() override { queue_->promise(); }
  bool listened() const override { return queue_->listened(); }
  void tell(const NeededValues& needed) override { queue_->tell(needed); }

 private:
  std::shared_ptr<Queue> queue_;
};

Channel::Channel(ChannelLimits limits) : queue_(std::make_shared<Queue>(limits)) {}

std::unique_ptr<ChannelSender> Channel::sender(std::shared_ptr<TaskHost> host) {
  queue_->bind_sender(std::move(host));
  return std::make_unique<Sender>(queue_);
}

std::unique_ptr<ChannelReceiver> Channel::receiver(std::shared_ptr<TaskHost> host) {
  queue_->bind_receiver(std::move(host));
  return std::make_unique<Receiver>(queue_);
}

}  // namespace troupe
