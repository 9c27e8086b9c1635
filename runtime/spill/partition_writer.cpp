#include "runtime/spill/partition_writer.hpp"

#include "runtime/data/take.hpp"
#include "runtime/spill/block_codec.hpp"

#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <xxhash.h>

#include <algorithm>

namespace troupe {
namespace {

std::string directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

}  // namespace

PartitionWriter::PartitionWriter(FileSystem& files, std::string path, std::uint32_t partitions,
                                 SpillOptions options)
    : files_(files), path_(std::move(path)), options_(std::move(options)), waiting_(partitions) {
  index_.producer = options_.producer;
  index_.partitions.resize(partitions);
}

Result<std::unique_ptr<PartitionWriter>> PartitionWriter::create(FileSystem& files,
                                                                 std::string path,
                                                                 std::uint32_t partitions,
                                                                 SpillOptions options) {
  std::unique_ptr<PartitionWriter> writer(
      new PartitionWriter(files, std::move(path), partitions, std::move(options)));
  TRY(files.make_directories(directory_of(writer->path_)));
  writer->file_ = TRY(files.create(writer->path_));
  writer->created_ = true;
  return writer;
}

PartitionWriter::~PartitionWriter() {
  if (finished_ || !created_) return;
  // Nobody could read the data without its index, nor an index that is not whole.
  file_.reset();
  static_cast<void>(files_.remove_all(path_).ok());
  static_cast<void>(files_.remove_all(index_path(path_)).ok());
}

std::int64_t PartitionWriter::rows(std::uint32_t partition) const {
  return index_.partitions.at(partition).rows + waiting_.at(partition).rows;
}

Result<> PartitionWriter::write(std::uint32_t partition, Batch batch) {
  ENSURE(partition < waiting_.size(), "partition {} of {}", partition, waiting_.size());
  ENSURE(!finished_, "'{}' is finished", path_);
  if (batch.rows() == 0) return {};
  Waiting& waiting = waiting_[partition];
  const std::int64_t bytes = batch.bytes();
  waiting.rows += batch.rows();
  waiting.bytes += bytes;
  waiting_bytes_ += bytes;
  waiting.batches.push_back(std::move(batch));
  // Many partitions with little each would make tiny blocks, so they wait; but their memory has a
  // limit, too. The largest goes first: it frees most for one block.
  if (waiting.rows >= options_.block_rows_min) return flush(partition);
  while (waiting_bytes_ > options_.waiting_bytes_max) TRY(flush_largest());
  return {};
}

Result<> PartitionWriter::flush_largest() {
  const auto largest =
      std::max_element(waiting_.begin(), waiting_.end(),
                       [](const Waiting& a, const Waiting& b) { return a.bytes < b.bytes; });
  return flush(static_cast<std::uint32_t>(largest - waiting_.begin()));
}

Result<> PartitionWriter::flush(std::uint32_t partition) {
  Waiting waiting = std::exchange(waiting_[partition], Waiting());
  waiting_bytes_ -= waiting.bytes;
  if (waiting.rows == 0) return {};
  const Batch all = TRY(concat(waiting.batches));
  for (std::int64_t from = 0; from < all.rows(); from += batch_rows_max) {
    const Batch block(all.columns()->Slice(from, batch_rows_max));
    TRY(append_block(index_.partitions[partition], block));
  }
  return {};
}

Result<> PartitionWriter::append_block(SpillPartition& partition, const Batch& batch) {
  const auto bytes = TRY(encode_block(batch, options_.compression));
  SpillBlock block;
  block.offset = index_.file_bytes;
  block.bytes = static_cast<std::uint64_t>(bytes->size());
  block.rows = batch.rows();
  block.checksum = XXH3_64bits(bytes->data(), block.bytes);
  TRY(file_->append(std::string_view(reinterpret_cast<const char*>(bytes->data()), block.bytes)));
  if (options_.hash_rows) partition.hash += TRY(hash_of_rows(batch));
  partition.rows += block.rows;
  partition.bytes += block.bytes;
  partition.blocks.push_back(block);
  index_.file_bytes += block.bytes;
  return {};
}

Result<PartitionIndex> PartitionWriter::finish() {
  for (std::uint32_t i = 0; i < waiting_.size(); ++i) TRY(flush(i));
  const bool durable = options_.durability == SpillDurability::disk;
  if (durable) TRY(file_->sync());
  TRY(file_->close());
  file_.reset();
  // The index comes last: a data file without one was never finished.
  if (durable) {
    TRY(write_atomically(files_, index_path(path_), index_.encode()));
  } else {
    auto file = TRY(files_.create(index_path(path_)));
    TRY(file->append(index_.encode()));
    TRY(file->close());
  }
  finished_ = true;
  return index_;
}

}  // namespace troupe
