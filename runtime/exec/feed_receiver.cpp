#include "runtime/exec/feed_receiver.hpp"

#include <arrow/record_batch.h>

#include <algorithm>
#include <utility>

namespace troupe {

FeedReceiver::FeedReceiver(std::shared_ptr<BatchFeed> feed,
                           std::shared_ptr<const EventTimePlan> event_time, bool stays)
    : feed_(std::move(feed)), event_time_(std::move(event_time)), stays_(stays) {}

FeedReceiver::~FeedReceiver() { feed_->close(); }

Result<std::optional<StreamItem>> FeedReceiver::receive() {
  if (back_) return hand_over(std::exchange(back_, Batch()));
  if (std::exchange(due_, false)) return std::optional<StreamItem>(Watermark{watermark_});
  if (stays_) {
    if (const auto barrier = take_order()) return std::optional<StreamItem>(*barrier);
    if (held_ && !may_end_.load(std::memory_order_acquire)) return std::optional<StreamItem>();
  }
  auto batch = TRY(feed_->poll());
  if (!batch) return wait();
  if (!*batch) return at_end();
  if (!std::exchange(idle_, false)) return hand_over(*std::move(batch));
  back_ = *std::move(batch);
  return std::optional<StreamItem>(Watermark{watermark_});
}

std::optional<StreamItem> FeedReceiver::hand_over(Batch batch) {
  if (event_time_) note_times(batch);
  return batch;
}

/// There are no rows, perhaps for long.
std::optional<StreamItem> FeedReceiver::wait() {
  if (!event_time_ || !event_time_->idle_after || idle_) return std::nullopt;
  const Instant now = feed_->now();
  if (!last_rows_) last_rows_ = now;
  const Instant until = *last_rows_ + *event_time_->idle_after;
  idle_ = now >= until;
  if (idle_) return Watermark{watermark_, true};
  feed_->wake_at(until);
  return std::nullopt;
}

std::optional<StreamItem> FeedReceiver::at_end() {
  if (!stays_) return EndOfStream{};
  if (!exhausted_.exchange(true, std::memory_order_relaxed)) {
    watermark_ = EventTime::max();
    return Watermark{watermark_};
  }
  if (may_end_.load(std::memory_order_acquire)) return EndOfStream{};
  return std::nullopt;
}

void FeedReceiver::note_times(const Batch& batch) {
  if (event_time_->idle_after) last_rows_ = feed_->now();
  const std::span<const std::int64_t> times = times_of(batch);
  if (times.empty()) return;
  const EventTime latest{EventTime::duration(*std::max_element(times.begin(), times.end()))};
  const EventTime watermark = latest - event_time_->max_out_of_order;
  due_ = watermark > watermark_;
  watermark_ = std::max(watermark_, watermark);
}

void FeedReceiver::order(const Barrier& barrier, bool hold) {
  std::lock_guard lock(mutex_);
  if (ordered_ && barrier.epoch <= ordered_->epoch) return;
  ordered_ = barrier;
  hold_ordered_ = hold;
  is_ordered_.store(true, std::memory_order_release);
}

void FeedReceiver::let_end() { may_end_.store(true, std::memory_order_release); }

std::optional<Barrier> FeedReceiver::take_order() {
  if (!is_ordered_.load(std::memory_order_acquire)) return std::nullopt;
  std::lock_guard lock(mutex_);
  is_ordered_.store(false, std::memory_order_relaxed);
  held_ = hold_ordered_;
  return ordered_;
}

void FeedReceiver::begin(const SplitPosition& position, EventTime time) {
  feed_->begin(position);
  watermark_ = time;
}

}  // namespace troupe
