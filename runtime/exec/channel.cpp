#include "runtime/exec/channel.hpp"

#include "runtime/base/ensure.hpp"

namespace troupe {

class Channel::Queue {
 public:
  Queue(std::shared_ptr<TaskHost> sender, std::shared_ptr<TaskHost> receiver, ChannelLimits limits)
      : sender_(std::move(sender)), receiver_(std::move(receiver)), limits_(limits) {}

  bool has_room(std::int64_t bytes) {
    bool tell = false;
    bool room = false;
    {
      std::lock_guard lock(mutex_);
      room = fits(bytes);
      tell = !room && !sender_waits_;
      sender_waits_ = !room;
    }
    // A receiver that leaves this channel for later has to know that somebody waits for it.
    if (tell) receiver_->wake();
    return room;
  }

  void push(StreamItem item, std::int64_t bytes) {
    bool wake = false;
    {
      std::lock_guard lock(mutex_);
      if (closed_) return;
      bool rows = std::holds_alternative<Batch>(item);
      ENSURE(!rows || fits(bytes), "a batch was sent into a full channel");
      wake = items_.empty();
      level_.batches += rows ? 1 : 0;
      level_.bytes += bytes;
      items_.push_back({std::move(item), bytes});
    }
    if (wake) receiver_->wake();
  }

  std::optional<StreamItem> pop() {
    Item item;
    bool wake = false;
    {
      std::lock_guard lock(mutex_);
      if (items_.empty()) return std::nullopt;
      item = std::move(items_.front());
      items_.pop_front();
      level_.batches -= std::holds_alternative<Batch>(item.what) ? 1 : 0;
      level_.bytes -= item.bytes;
      wake = sender_waits_ && level_.batches <= limits_.batches_max / 2 &&
             level_.bytes <= limits_.bytes_max / 2;
      if (wake) sender_waits_ = false;
    }
    if (wake) sender_->wake();
    return std::move(item.what);
  }

  void close() {
    std::deque<Item> dropped;
    {
      std::lock_guard lock(mutex_);
      if (closed_) return;
      closed_ = true;
      dropped.swap(items_);
      level_ = {};
    }
    sender_->wake();
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
    return level_;
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

  const std::shared_ptr<TaskHost> sender_;
  const std::shared_ptr<TaskHost> receiver_;
  const ChannelLimits limits_;
  mutable std::mutex mutex_;
  std::deque<Item> items_;
  ChannelLevel level_;
  bool sender_waits_ = false;
  bool closed_ = false;
};

class Channel::Sender : public ChannelSender {
 public:
  explicit Sender(std::shared_ptr<Queue> queue) : queue_(std::move(queue)) {}
  bool has_room(std::int64_t bytes) override { return queue_->has_room(bytes); }
  void send(StreamItem item, std::int64_t bytes) override { queue_->push(std::move(item), bytes); }
  bool closed() const override { return queue_->closed(); }

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

 private:
  std::shared_ptr<Queue> queue_;
};

std::pair<std::unique_ptr<ChannelSender>, std::unique_ptr<ChannelReceiver>> Channel::make(
    std::shared_ptr<TaskHost> sender, std::shared_ptr<TaskHost> receiver, ChannelLimits limits) {
  auto queue = std::make_shared<Queue>(std::move(sender), std::move(receiver), limits);
  return {std::make_unique<Sender>(queue), std::make_unique<Receiver>(queue)};
}

}  // namespace troupe
