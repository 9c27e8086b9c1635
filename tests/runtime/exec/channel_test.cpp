// A channel never holds more than its limits, wakes a side only when it may have found nothing to
// do, and never leaves one asleep: tried step by step, and by two threads that sleep until woken.
#include "runtime/exec/channel.hpp"

#include "tests/runtime/exec/fakes.hpp"
#include "tests/support/catch.hpp"

#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>

using namespace troupe;

namespace {

struct Ends {
  explicit Ends(ChannelLimits limits)
      : channel(limits), sender(channel.sender(producer)), receiver(channel.receiver(consumer)) {}

  void send(std::int64_t n, std::int64_t bytes = 1) {
    REQUIRE(sender->has_room(bytes));
    sender->send(numbers({n}), bytes);
  }
  std::int64_t take() {
    const auto item = receiver->receive().value();
    return values_of(std::get<Batch>(item.value())).at(0);
  }
  static bool woken(const std::shared_ptr<ManualHost>& host) {
    return std::exchange(host->woken, false);
  }

  std::shared_ptr<ManualHost> producer = std::make_shared<ManualHost>();
  std::shared_ptr<ManualHost> consumer = std::make_shared<ManualHost>();
  Channel channel;
  std::unique_ptr<ChannelSender> sender;
  std::unique_ptr<ChannelReceiver> receiver;
};

/// A task's thread: sleeps until it is woken.
class SleepingHost : public TaskHost {
 public:
  void wake() override {
    std::lock_guard lock(mutex_);
    woken_ = true;
    changed_.notify_one();
  }
  void wake_at(Instant) override {}
  void offload(std::function<void()>) override {}
  /// False: nobody woke it for so long that nobody will.
  bool sleep() {
    std::unique_lock lock(mutex_);
    const bool woken = changed_.wait_for(lock, 20s, [this] { return woken_; });
    woken_ = false;
    return woken;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;
};

}  // namespace

TEST_CASE("what is sent comes in order, and the end last") {
  Ends ends({4, 100});
  for (std::int64_t n : {1, 2, 3}) ends.send(n);
  ends.sender->send(EndOfStream{}, 0);
  for (std::int64_t n : {1, 2, 3}) CHECK(ends.take() == n);
  CHECK(std::holds_alternative<EndOfStream>(ends.receiver->receive().value().value()));
  CHECK_FALSE(ends.receiver->receive().value().has_value());
}

TEST_CASE("neither batches nor bytes go beyond their limit") {
  Ends ends({2, 100});
  ends.send(1, 60);
  CHECK_FALSE(ends.sender->has_room(50));
  CHECK(ends.sender->has_room(40));
  ends.send(2, 40);
  CHECK_FALSE(ends.sender->has_room(0));
  CHECK(ends.receiver->level().batches == 2);
  CHECK(ends.receiver->level().bytes == 100);
  CHECK(ends.receiver->level().percent == 100);
  CHECK_THROWS_AS(ends.sender->send(numbers({3}), 1), Defect);
  // What carries no rows always passes.
  ends.sender->send(EndOfStream{}, 0);
}

TEST_CASE("a batch larger than the channel passes alone") {
  Ends ends({4, 100});
  ends.send(1, 1000);
  CHECK_FALSE(ends.sender->has_room(1));
  CHECK(ends.take() == 1);
  CHECK(ends.sender->has_room(1000));
}

TEST_CASE("the receiver is woken by the first item, and when the sender begins to wait") {
  Ends ends({2, 100});
  ends.send(1);
  CHECK(Ends::woken(ends.consumer));
  ends.send(2);
  CHECK_FALSE(Ends::woken(ends.consumer));
  CHECK_FALSE(ends.sender->has_room(1));
  CHECK(Ends::woken(ends.consumer));
  CHECK(ends.receiver->full());
  CHECK_FALSE(ends.sender->has_room(1));
  CHECK_FALSE(Ends::woken(ends.consumer));  // it knows
}

TEST_CASE("a sender that waits is woken once half of the room is free, one that does not never") {
  Ends ends({4, 100});
  for (std::int64_t n : {1, 2, 3, 4}) ends.send(n);
  ends.take();
  CHECK_FALSE(Ends::woken(ends.producer));  // it has not asked yet
  ends.send(5);
  CHECK_FALSE(ends.sender->has_room(1));
  ends.take();
  CHECK_FALSE(Ends::woken(ends.producer));
  ends.take();
  CHECK(Ends::woken(ends.producer));
  CHECK_FALSE(ends.receiver->full());
}

TEST_CASE("a receiver that closes, or goes away, lets its sender go on") {
  Ends ends({1, 100});
  ends.send(1);
  CHECK_FALSE(ends.sender->has_room(1));
  SECTION("closes") { ends.receiver->close(); }
  SECTION("goes away") { ends.receiver.reset(); }
  CHECK(Ends::woken(ends.producer));
  CHECK(ends.sender->closed());
  CHECK(ends.sender->has_room(1'000'000));
  ends.sender->send(numbers({2}), 1'000'000);  // nobody's any more
}

TEST_CASE("a channel has one sender and one receiver") {
  Ends ends({1, 100});
  CHECK_THROWS_AS(ends.channel.sender(ends.producer), Defect);
  CHECK_THROWS_AS(ends.channel.receiver(ends.consumer), Defect);
}

TEST_CASE("two threads that sleep until they are woken pass everything on, whatever the limits") {
  constexpr std::int64_t count = 4000;
  for (const ChannelLimits limits : {ChannelLimits{1, 1}, ChannelLimits{3, 40}, ChannelLimits{}}) {
    const auto producer = std::make_shared<SleepingHost>();
    const auto consumer = std::make_shared<SleepingHost>();
    Channel channel(limits);
    auto sender = channel.sender(producer);
    auto receiver = channel.receiver(consumer);
    bool slept_in = false;
    std::thread sends([&] {
      std::mt19937 random(1);
      for (std::int64_t n = 0; n < count && !slept_in; ++n) {
        const std::int64_t bytes = 1 + random() % 30;
        while (!sender->has_room(bytes) && !slept_in) slept_in = !producer->sleep();
        if (!slept_in) sender->send(numbers({n}), bytes);
      }
      sender->send(EndOfStream{}, 0);
    });
    std::int64_t next = 0;
    bool ended = false, in_order = true, receiver_slept_in = false;
    while (!ended && !receiver_slept_in) {
      const auto item = receiver->receive().value();
      if (!item) {
        receiver_slept_in = !consumer->sleep();
      } else if (const auto* batch = std::get_if<Batch>(&*item)) {
        in_order = in_order && values_of(*batch).at(0) == next++;
      } else {
        ended = true;
      }
    }
    sends.join();
    CHECK_FALSE(receiver_slept_in);
    CHECK_FALSE(slept_in);
    CHECK(in_order);
    CHECK(next == count);
  }
}
