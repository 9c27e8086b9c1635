#pragma once

#include "runtime/exec/task_host.hpp"
#include "runtime/exec/vertex_meter.hpp"
#include "runtime/operator/batch_reader.hpp"
#include "runtime/os/clock.hpp"

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

namespace troupe {

/// Batches that a reader has ready before the task asks for them, so that a disk and a
/// worker are busy at the same time.
///
/// One read is under way at a time, on the I/O pool, and it stops as soon as `ahead_max` batches
/// wait; taking one starts it again. A reader that has nothing yet is asked again when it says.
/// Shared with the read that is under way, which may end after the task.
class BatchFeed : public std::enable_shared_from_this<BatchFeed> {
 public:
  /// Counters may be null.
  BatchFeed(std::shared_ptr<TaskHost> host, std::unique_ptr<BatchReader> reader,
            std::shared_ptr<VertexMeter> counters, const Clock& clock);

  /// The next batch; `nullopt`: none yet, and the task is woken when there may be one; an empty
  /// batch: the end.
  Result<std::optional<Batch>> poll();
  /// Behind what was polled last, where the reader reads splits. Rows that are read ahead do not
  /// count. Used by the task alone, as `poll`.
  const SplitPosition& position() const { return position_; }
  /// The reader goes on from there; before the first `poll`.
  void begin(const SplitPosition& position) { position_ = position; }
  /// No more reads.
  void close();
  // Of its task, for who reads it.
  Instant now() const { return clock_.now(); }
  void wake_at(Instant time) { host_->wake_at(time); }
  std::size_t ready() const;
  std::uint32_t fill_percent() const {
    return static_cast<std::uint32_t>(ready() * 100 / ahead_max);
  }

  static constexpr std::size_t ahead_max = 2;

 private:
  bool may_read() const;
  void read_ahead();
  bool store(Result<Batch> batch);

  struct Ready {
    Batch batch;
    SplitPosition behind;
  };

  const std::shared_ptr<TaskHost> host_;
  const std::unique_ptr<BatchReader> reader_;  ///< used by the read under way only
  const std::shared_ptr<VertexMeter> counters_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::deque<Ready> ready_;
  SplitPosition behind_;  ///< all that was read, while there are no rows
  SplitPosition position_;
  std::optional<Error> error_;
  std::optional<Instant> asked_again_;  ///< the reader has said that it has nothing before
  bool reading_ = false;
  bool ended_ = false;
  bool closed_ = false;
};

}  // namespace troupe
