#include "runtime/spill/partition_index.hpp"

#include "runtime/base/node_fault.hpp"

#include <xxhash.h>

#include <cstring>

namespace troupe {
namespace {

/// The first bytes of every index; the last two tell the version.
constexpr std::string_view magic = "TRSPIL01";

void put(std::string& bytes, std::uint64_t value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

/// Takes little-endian words from the front; gives only zeros once there are too few bytes.
class Words {
 public:
  explicit Words(std::string_view bytes) : bytes_(bytes) {}

  std::uint64_t next() {
    std::uint64_t value = 0;
    ok_ = ok_ && bytes_.size() >= sizeof value;
    if (!ok_) return 0;
    std::memcpy(&value, bytes_.data(), sizeof value);
    bytes_.remove_prefix(sizeof value);
    return value;
  }
  /// A count of things of at least `size` bytes each. Checked against the bytes that are left, so
  /// that a damaged count cannot ask for more memory than the file has.
  std::size_t count(std::size_t size) {
    const std::uint64_t value = next();
    ok_ = ok_ && value <= bytes_.size() / size;
    return ok_ ? static_cast<std::size_t>(value) : 0;
  }
  std::string text() {
    const std::size_t length = count(1);
    std::string value(bytes_.substr(0, length));
    bytes_.remove_prefix(length);
    return value;
  }
  bool ended_well() const { return ok_ && bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace

std::int64_t PartitionIndex::rows() const {
  std::int64_t total = 0;
  for (const SpillPartition& partition : partitions) total += partition.rows;
  return total;
}

std::string PartitionIndex::encode() const {
  std::string bytes(magic);
  put(bytes, producer.size());
  bytes += producer;
  put(bytes, file_bytes);
  put(bytes, partitions.size());
  for (const SpillPartition& partition : partitions) {
    put(bytes, static_cast<std::uint64_t>(partition.rows));
    put(bytes, partition.bytes);
    put(bytes, partition.hash);
    put(bytes, partition.blocks.size());
    for (const SpillBlock& block : partition.blocks) {
      put(bytes, block.offset);
      put(bytes, block.bytes);
      put(bytes, static_cast<std::uint64_t>(block.rows));
      put(bytes, block.checksum);
    }
  }
  put(bytes, XXH3_64bits(bytes.data(), bytes.size()));
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
  if (Words(bytes.substr(body.size())).next() != XXH3_64bits(body.data(), body.size())) {
    return corrupt("fails its checksum");
  }
  Words words(body.substr(magic.size()));
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
