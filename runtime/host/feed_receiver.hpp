#pragma once

#include "runtime/exec/batch_feed.hpp"
#include "runtime/exec/channel.hpp"
#include "runtime/os/file_system.hpp"
#include "runtime/spill/partition_reader.hpp"

#include <memory>
#include <string>
#include <utility>

namespace troupe {

/// One partition of a complete file of this node.
class PartitionFileReader : public BatchReader {
 public:
  PartitionFileReader(FileSystem& files, std::string path, std::uint32_t partition)
      : files_(files), path_(std::move(path)), partition_(partition) {}

  Result<Batch> next() override {
    if (!reader_) reader_ = TRY(PartitionReader::open(files_, path_, partition_));
    return reader_->next();
  }

 private:
  FileSystem& files_;
  const std::string path_;
  const std::uint32_t partition_;
  std::unique_ptr<PartitionReader> reader_;
};

/// A feed as one channel of a gate.
class FeedReceiver : public ChannelReceiver {
 public:
  explicit FeedReceiver(std::shared_ptr<BatchFeed> feed) : feed_(std::move(feed)) {}
  ~FeedReceiver() override { feed_->close(); }

  Result<std::optional<StreamItem>> receive() override {
    auto batch = TRY(feed_->poll());
    if (!batch) return std::optional<StreamItem>();
    if (!*batch) return std::optional<StreamItem>(EndOfStream{});
    return std::optional<StreamItem>(*std::move(batch));
  }
  bool full() const override { return false; }
  ChannelLevel level() const override { return {feed_->ready(), 0, feed_->fill_percent()}; }
  void close() override { feed_->close(); }

 private:
  const std::shared_ptr<BatchFeed> feed_;
};

}  // namespace troupe
