#pragma once

#include "runtime/connectors/source.hpp"
#include "runtime/exec/batch_feed.hpp"

#include <fmt/ranges.h>

#include <memory>
#include <string>
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
      skipped_.add(reader_->skipped());
      reader_.reset();
      ++next_split_;
    }
    return Batch();
  }

  std::vector<std::string> notes() const override {
    if (skipped_.count == 0) return {};
    std::string note =
        fmt::format("{} row{} skipped: ", skipped_.count, skipped_.count == 1 ? " was" : "s were");
    note += fmt::format("{}", fmt::join(skipped_.told, "; "));
    if (skipped_.count > static_cast<std::int64_t>(skipped_.told.size())) note += "; ...";
    return {note};
  }

 private:
  const std::shared_ptr<Source> source_;
  const std::vector<Split> splits_;
  std::unique_ptr<SplitReader> reader_;
  std::size_t next_split_ = 0;
  SkippedRows skipped_;
};

}  // namespace troupe
