#pragma once

#include "runtime/connectors/source.hpp"
#include "runtime/exec/batch_feed.hpp"

#include <memory>
#include <vector>

namespace troupe {

/// The splits of one subtask, read one after the other.
class SplitsReader : public BlockingReader {
 public:
  SplitsReader(std::shared_ptr<Source> source, std::vector<Split> splits)
      : source_(std::move(source)), splits_(std::move(splits)) {}

  Result<Batch> next() override {
    while (next_split_ < splits_.size()) {
      if (!reader_) reader_ = TRY(source_->open(splits_[next_split_]));
      auto batch = TRY(reader_->next());
      if (batch) return batch;
      reader_.reset();
      ++next_split_;
    }
    return Batch();
  }

 private:
  const std::shared_ptr<Source> source_;
  const std::vector<Split> splits_;
  std::unique_ptr<SplitReader> reader_;
  std::size_t next_split_ = 0;
};

}  // namespace troupe
