#pragma once

#include "runtime/exec/timed_reader.hpp"
#include "runtime/operator/needed_values.hpp"
#include "runtime/operator/source.hpp"

#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// What of a source is needed, by the names of its columns; told before anything is read, if at
/// all.
struct SourceNeeds {
  std::vector<std::string> columns;  ///< of the source
  ColumnTests tests = {};
};

/// The splits of one subtask, read one after the other.
class SplitsReader : public BatchReader {
 public:
  SplitsReader(std::shared_ptr<Source> source, std::vector<Split> splits,
               std::shared_ptr<const SourceNeeds> needs = nullptr,
               std::shared_ptr<const EventTimePlan> event_time = nullptr)
      : source_(std::move(source)),
        splits_(std::move(splits)),
        needs_(std::move(needs)),
        event_time_(std::move(event_time)) {}

  Result<Batch> next() override {
    while (next_split_ < splits_.size()) {
      if (!reader_) reader_ = TRY(open(splits_[next_split_]));
      auto batch = TRY(reader_->next());
      if (batch) return batch;
      skipped_.add(reader_->skipped());
      reader_.reset();
      ++next_split_;
    }
    return Batch();
  }

  SkippedRows skipped() const override { return skipped_; }

 private:
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
  std::size_t next_split_ = 0;
  SkippedRows skipped_;
};

}  // namespace troupe
