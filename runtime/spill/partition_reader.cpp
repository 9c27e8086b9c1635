#include "runtime/spill/partition_reader.hpp"

#include "runtime/base/node_fault.hpp"

#include <xxhash.h>

namespace troupe {

Result<PartitionIndex> read_partition_index(FileSystem& files, const std::string& path) {
  const std::string name = index_path(path);
  PartitionIndex index = TRY(PartitionIndex::decode(TRY(files.read(name)), name));
  const std::uint64_t bytes = TRY(files.size(path));
  if (bytes != index.file_bytes) {
    return node_fault(make_error(ErrorCode::corrupt, "'{}' has {} bytes, its index says {}", path,
                                 bytes, index.file_bytes));
  }
  return index;
}

Result<std::unique_ptr<PartitionReader>> PartitionReader::open(FileSystem& files, std::string path,
                                                               std::uint32_t partition) {
  PartitionIndex index = TRY(read_partition_index(files, path));
  if (partition >= index.partitions.size()) {
    return make_error(ErrorCode::not_found, "'{}' has {} partitions, asked for number {}", path,
                      index.partitions.size(), partition);
  }
  return std::make_unique<PartitionReader>(files, std::move(path),
                                           std::move(index.partitions[partition]));
}

Result<Batch> PartitionReader::next() {
  if (block_ == partition_.blocks.size()) return Batch();
  const SpillBlock& block = partition_.blocks[block_++];
  return decode_block(TRY(files_.read_range(path_, block.offset, block.bytes)), block, path_);
}

Result<std::string> PartitionReader::next_bytes() {
  if (block_ == partition_.blocks.size()) return std::string();
  const SpillBlock& block = partition_.blocks[block_++];
  std::string bytes = TRY(files_.read_range(path_, block.offset, block.bytes));
  if (bytes.size() != block.bytes || XXH3_64bits(bytes.data(), bytes.size()) != block.checksum) {
    return node_fault(make_error(ErrorCode::corrupt, "'{}' at byte {}: a block fails its checksum",
                                 path_, block.offset));
  }
  return bytes;
}

}  // namespace troupe
