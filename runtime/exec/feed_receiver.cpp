#include "runtime/exec/feed_receiver.hpp"

#include <arrow/record_batch.h>

#include <algorithm>

namespace troupe {

FeedReceiver::FeedReceiver(std::shared_ptr<BatchFeed> feed,
                           std::shared_ptr<const EventTimePlan> event_time)
    : feed_(std::move(feed)), event_time_(std::move(event_time)) {}

FeedReceiver::~FeedReceiver() { feed_->close(); }

Result<std::optional<StreamItem>> FeedReceiver::receive() {
  if (std::exchange(due_, false)) return std::optional<StreamItem>(Watermark{watermark_});
  auto batch = TRY(feed_->poll());
  if (!batch) return std::optional<StreamItem>();
  if (!*batch) return std::optional<StreamItem>(EndOfStream{});
  if (event_time_) note_times(*batch);
  return std::optional<StreamItem>(*std::move(batch));
}

void FeedReceiver::note_times(const Batch& batch) {
  const std::span<const std::int64_t> times = times_of(batch);
  if (times.empty()) return;
  const EventTime latest{EventTime::duration(*std::max_element(times.begin(), times.end()))};
  const EventTime watermark = latest - event_time_->max_out_of_order;
  due_ = watermark > watermark_;
  watermark_ = std::max(watermark_, watermark);
}

}  // namespace troupe
