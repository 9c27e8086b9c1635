#include "runtime/state/snapshot_file.hpp"

#include "runtime/base/node_fault.hpp"

#include <xxhash.h>

#include <memory>
#include <vector>

namespace troupe {
namespace {

constexpr std::size_t bytes_at_once = std::size_t{1} << 20;

Error differs(const std::string& path, const std::string& why) {
  return node_fault(make_error(ErrorCode::corrupt, "the snapshot '{}' {}", path, why));
}

}  // namespace

Result<> verify_snapshot(FileSystem& files, const std::string& path, const SnapshotFile& file) {
  const auto opened = TRY(files.open(path));
  const std::uint64_t bytes = TRY(opened->size());
  if (bytes != file.bytes) {
    return differs(path, fmt::format("has {} bytes, its manifest says {}", bytes, file.bytes));
  }
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> hash(XXH3_createState(),
                                                                      &XXH3_freeState);
  XXH3_64bits_reset(hash.get());
  std::vector<char> piece(bytes_at_once);
  for (std::uint64_t at = 0; at < bytes;) {
    const std::size_t got = TRY(opened->read_at(at, piece));
    if (got == 0) return differs(path, fmt::format("ends after {} bytes of {}", at, bytes));
    XXH3_64bits_update(hash.get(), piece.data(), got);
    at += got;
  }
  if (XXH3_64bits_digest(hash.get()) != file.hash) {
    return differs(path, "is not the file that its manifest names: its hash differs");
  }
  return {};
}

}  // namespace troupe
