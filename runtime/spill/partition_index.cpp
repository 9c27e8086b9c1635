#include "runtime/spill/partition_index.hpp"

#include "runtime/base/node_fault.hpp"
#include "runtime/spill/index_words.hpp"

#include <xxhash.h>

namespace troupe {
namespace {

/// The first bytes of every index; the last two tell the version.
constexpr std::string_view magic = "TRSPIL01";

}  // namespace

std::int64_t PartitionIndex::rows() const {
  std::int64_t total = 0;
  for (const SpillPartition& partition : partitions) total += partition.rows;
  return total;
}

std::string PartitionIndex::encode() const {
  std::string bytes(magic);
  put_text(bytes, producer);
  put_word(bytes, file_bytes);
  put_word(bytes, partitions.size());
  for (const SpillPartition& partition : partitions) {
    put_word(bytes, static_cast<std::uint64_t>(partition.rows));
    put_word(bytes, partition.bytes);
    put_word(bytes, partition.hash);
    put_word(bytes, partition.blocks.size());
    for (const SpillBlock& block : partition.blocks) {
      put_word(bytes, block.offset);
      put_word(bytes, block.bytes);
      put_word(bytes, static_cast<std::uint64_t>(block.rows));
      put_word(bytes, block.checksum);
    }
  }
  put_word(bytes, XXH3_64bits(bytes.data(), bytes.size()));
  return bytes;
}

Result<PartitionIndex> PartitionIndex::decode(std::string_view bytes, const std::string& file) {
  const auto corrupt = [&](const char* why) {
    return node_fault(make_error(ErrorCode::corrupt, "the partition index '{}' {}", file, why));
  };
  if (bytes.size() < magic.size() + 8 || bytes.substr(0, magic.size()) != magic) {
    return corrupt("does not begin as one");
  }
  const std::string_view body = bytes.substr(0, bytes.size() - 8);
  if (IndexWords(bytes.substr(body.size())).next() != XXH3_64bits(body.data(), body.size())) {
    return corrupt("fails its checksum");
  }
  IndexWords words(body.substr(magic.size()));
  PartitionIndex index;
  index.producer = words.text();
  index.file_bytes = words.next();
  index.partitions.resize(words.count(32));
  for (SpillPartition& partition : index.partitions) {
    partition.rows = static_cast<std::int64_t>(words.next());
    partition.bytes = words.next();
    partition.hash = words.next();
    partition.blocks.resize(words.count(32));
    for (SpillBlock& block : partition.blocks) {
      block.offset = words.next();
      block.bytes = words.next();
      block.rows = static_cast<std::int64_t>(words.next());
      block.checksum = words.next();
    }
  }
  if (!words.ended_well()) return corrupt("does not hold what it announces");
  return index;
}

}  // namespace troupe
