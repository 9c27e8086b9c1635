#pragma once

#include "runtime/exec/timed_reader.hpp"
#include "runtime/operator/needed_values.hpp"
#include "runtime/operator/source.hpp"

#include <arrow/record_batch.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

/// What of a source is needed, by the names of its columns; told before anything is read, if at
/// all.
struct SourceNeeds {
  std::vector<std::string> columns;  ///< of the source
  ColumnTests tests = {};
};

/// The splits of one subtask, read one after the other. What is before `begin`, which is told
/// before anything is read, is left out; a split of which nothing is left is not opened.
class SplitsReader : public BatchReader {
 public:
  SplitsReader(std::shared_ptr<Source> source, std::vector<Split> splits,
               std::shared_ptr<const SourceNeeds> needs = nullptr,
               std::shared_ptr<const EventTimePlan> event_time = nullptr,
               std::shared_ptr<const SplitPosition> begin = nullptr)
      : source_(std::move(source)),
        splits_(std::move(splits)),
        needs_(std::move(needs)),
        event_time_(std::move(event_time)),
        begin_(std::move(begin)) {}

  Result<Batch> next() override {
    if (begin_) at_ = *std::exchange(begin_, nullptr);
    while (at_.split < splits_.size()) {
      if (!reader_) TRY(open_next());
      auto batch = TRY(next_of_split());
      if (batch) return batch;
      skipped_.add(reader_->skipped());
      reader_.reset();
      at_ = {at_.split + 1, 0};
    }
    return Batch();
  }

  SplitPosition position() const override { return at_; }
  SkippedRows skipped() const override { return skipped_; }

 private:
  Result<> open_next() {
    reader_ = TRY(open(splits_[at_.split]));
    to_skip_ = at_.rows;
    return {};
  }

  Result<Batch> next_of_split() {
    while (true) {
      Batch batch = TRY(reader_->next());
      if (!batch) return batch;
      const std::int64_t before = std::min(to_skip_, batch.rows());
      to_skip_ -= before;
      if (before > 0) batch = Batch(batch.columns()->Slice(before));
      at_.rows += batch.rows();
      if (before == 0 || batch.rows() > 0) return batch;
    }
  }

  Result<std::unique_ptr<BatchReader>> open(const Split& split) {
    auto rows = TRY(open_rows(split));
    if (!event_time_) return rows;
    return std::make_unique<TimedReader>(std::move(rows), event_time_, split.detail);
  }

  Result<std::unique_ptr<BatchReader>> open_rows(const Split& split) {
    auto* narrowed = dynamic_cast<NarrowedSource*>(source_.get());
    if (needs_ == nullptr || narrowed == nullptr) return source_->open(split);
    return narrowed->open_narrowed(split, needs_->tests);
  }

  const std::shared_ptr<Source> source_;
  const std::vector<Split> splits_;
  const std::shared_ptr<const SourceNeeds> needs_;
  const std::shared_ptr<const EventTimePlan> event_time_;
  std::unique_ptr<BatchReader> reader_;
  std::shared_ptr<const SplitPosition> begin_;
  SplitPosition at_;
  std::int64_t to_skip_ = 0;  ///< rows of the split at hand that were given in an earlier life
  SkippedRows skipped_;
};

}  // namespace troupe
