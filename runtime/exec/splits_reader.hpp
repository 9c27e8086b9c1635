#pragma once

#include "runtime/operator/source.hpp"

#include <memory>
#include <vector>

namespace troupe {

/// The splits of one subtask, read one after the other.
class SplitsReader : public BatchReader {
 public:
  SplitsReader(std::shared_ptr<Source> source, std::vector<Split> splits)
      : source_(std::move(source)), splits_(std::move(splits)) {}

  Result<Batch> next() override {
    while (next_split_ < splits_.size()) {
      if (!reader_) reader_ = TRY(source_->open(splits_[next_split_]));
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
  const std::shared_ptr<Source> source_;
  const std::vector<Split> splits_;
  std::unique_ptr<BatchReader> reader_;
  std::size_t next_split_ = 0;
  SkippedRows skipped_;
};

}  // namespace troupe
