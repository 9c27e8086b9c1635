#include "runtime/exec/batch_feed.hpp"

#include <fmt/ranges.h>

#include <string>
#include <vector>

namespace troupe {
namespace {

/// What people should know of what was read.
std::vector<std::string> notes_of(const SkippedRows& skipped) {
  if (skipped.count == 0) return {};
  std::string note =
      fmt::format("{} row{} skipped: ", skipped.count, skipped.count == 1 ? " was" : "s were");
  note += fmt::format("{}", fmt::join(skipped.told, "; "));
  if (skipped.count > static_cast<std::int64_t>(skipped.told.size())) note += "; ...";
  return {note};
}

}  // namespace

BatchFeed::BatchFeed(std::shared_ptr<TaskHost> host, std::unique_ptr<BatchReader> reader,
                     std::shared_ptr<VertexMeter> counters, const Clock& clock)
    : host_(std::move(host)),
      reader_(std::move(reader)),
      counters_(std::move(counters)),
      clock_(clock) {}

Result<std::optional<Batch>> BatchFeed::poll() {
  std::optional<Batch> batch;
  std::optional<Instant> later;
  bool start = false;
  {
    std::lock_guard lock(mutex_);
    if (!ready_.empty()) {
      batch = std::move(ready_.front().batch);
      position_ = ready_.front().behind;
      ready_.pop_front();
    } else if (error_) {
      return *error_;
    } else if (ended_ || closed_) {
      batch = Batch();
      position_ = behind_;
    } else if (asked_again_) {
      position_ = behind_;
    }
    start = !reading_ && may_read();
    if (start && asked_again_ && clock_.now() < *asked_again_) {
      later = asked_again_;
      start = false;
    }
    reading_ = reading_ || start;
  }
  if (later && !batch) host_->wake_at(*later);
  if (start) host_->offload([self = shared_from_this()] { self->read_ahead(); });
  return batch;
}

bool BatchFeed::may_read() const {
  return !ended_ && !closed_ && !error_ && ready_.size() < ahead_max;
}

void BatchFeed::read_ahead() {
  bool more = true;
  while (more) {
    Instant begin = clock_.now();
    auto batch = reader_->next();
    if (counters_ && batch) {
      counters_->count_busy(clock_.now() - begin);
      counters_->count_out(batch->rows(), batch->bytes());
      if (!*batch) counters_->tell(notes_of(reader_->skipped()));
    }
    more = store(std::move(batch));
    host_->wake();
  }
}

/// True while there is room for another batch, and the reader has some.
bool BatchFeed::store(Result<Batch> batch) {
  std::lock_guard lock(mutex_);
  asked_again_.reset();
  if (!batch) {
    error_ =
        counters_ ? batch.error().within(fmt::format("'{}'", counters_->vertex)) : batch.error();
  } else if (!*batch) {
    ended_ = true;
    behind_ = reader_->position();
  } else if (!closed_ && batch->rows() > 0) {
    ready_.push_back({*std::move(batch), reader_->position()});
  } else if (const Duration pause = reader_->pause(); pause > Duration(0)) {
    asked_again_ = clock_.now() + pause;
    behind_ = reader_->position();
  }
  reading_ = may_read() && !asked_again_;
  return reading_;
}

void BatchFeed::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  ready_.clear();
}

std::size_t BatchFeed::ready() const {
  std::lock_guard lock(mutex_);
  return ready_.size();
}

}  // namespace troupe
