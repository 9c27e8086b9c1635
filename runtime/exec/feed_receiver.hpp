#pragma once

#include "runtime/exec/batch_feed.hpp"
#include "runtime/exec/channel.hpp"
#include "runtime/operator/flow.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

namespace troupe {

/// A feed as one channel of a gate.
///
/// With an event time its rows have the hidden column for it, and a watermark follows each batch
/// that brings a later time: nobody waits for rows that are earlier than the latest one by more
/// than `max_out_of_order`. Where it is said when a source is idle, it says so when it is, and says
/// that it is not before its next rows.
///
/// In a stream whose run has epochs it stays: where the feed has come to its end, so has time, but
/// barriers follow until somebody lets it end.
class FeedReceiver : public ChannelReceiver {
 public:
  explicit FeedReceiver(std::shared_ptr<BatchFeed> feed,
                        std::shared_ptr<const EventTimePlan> event_time = nullptr,
                        bool stays = false);
  ~FeedReceiver() override;

  Result<std::optional<StreamItem>> receive() override;
  bool full() const override { return false; }
  ChannelLevel level() const override { return {feed_->ready(), 0, feed_->fill_percent()}; }
  void close() override { feed_->close(); }

  // Of one that stays. The first two: any thread, and the task is woken by whoever calls them.
  /// A barrier comes next, behind the rows that the task has taken. A later one takes its place.
  /// With `hold` there are no rows behind it until the next one comes.
  void order(const Barrier& barrier, bool hold = false);
  void let_end();
  bool exhausted() const { return exhausted_.load(std::memory_order_relaxed); }
  /// Behind the rows that the task has taken.
  const SplitPosition& position() const { return feed_->position(); }
  /// It goes on from there, before the first `receive`.
  void begin(const SplitPosition& position, EventTime time);

 private:
  std::optional<StreamItem> hand_over(Batch batch);
  std::optional<StreamItem> wait();
  void note_times(const Batch& batch);
  std::optional<Barrier> take_order();
  std::optional<StreamItem> at_end();

  const std::shared_ptr<BatchFeed> feed_;
  const std::shared_ptr<const EventTimePlan> event_time_;
  const bool stays_;
  EventTime watermark_ = EventTime::min();
  bool due_ = false;  ///< it has moved, and is told next
  bool idle_ = false;
  std::optional<Instant> last_rows_;  ///< where idleness is told; else nothing
  Batch back_;                        ///< the first rows after it was idle
  std::atomic<bool> exhausted_{false};
  std::atomic<bool> may_end_{false};
  std::atomic<bool> is_ordered_{false};
  bool held_ = false;  ///< by the barrier that came last
  std::mutex mutex_;
  std::optional<Barrier> ordered_;
  bool hold_ordered_ = false;
};

}  // namespace troupe
