#pragma once

#include "runtime/exec/batch_feed.hpp"
#include "runtime/exec/channel.hpp"
#include "runtime/operator/flow.hpp"

#include <memory>

namespace troupe {

/// A feed as one channel of a gate.
///
/// With an event time its rows have the hidden column for it, and a watermark follows each batch
/// that brings a later time: nobody waits for rows that are earlier than the latest one by more
/// than `max_out_of_order`.
class FeedReceiver : public ChannelReceiver {
 public:
  explicit FeedReceiver(std::shared_ptr<BatchFeed> feed,
                        std::shared_ptr<const EventTimePlan> event_time = nullptr);
  ~FeedReceiver() override;

  Result<std::optional<StreamItem>> receive() override;
  bool full() const override { return false; }
  ChannelLevel level() const override { return {feed_->ready(), 0, feed_->fill_percent()}; }
  void close() override { feed_->close(); }

 private:
  void note_times(const Batch& batch);

  const std::shared_ptr<BatchFeed> feed_;
  const std::shared_ptr<const EventTimePlan> event_time_;
  EventTime watermark_ = EventTime::min();
  bool due_ = false;  ///< it has moved, and is told next
};

}  // namespace troupe
