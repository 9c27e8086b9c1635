#pragma once

#include "runtime/host/snapshot_store.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct XXH3_state_s;

namespace troupe {

/// A state file that comes from another node, while it comes: its bytes, under a temporary name,
/// and the hash of them.
///
///     begin -> append ... -> whole? -> finish        or it is destroyed: then nothing stays
///
/// Used by one thread at a time. All of it blocks.
///
/// Invariant: under the file's own name there is never anything but this very file, whole and
/// durable: whatever had the name before is replaced in one step.
class SnapshotCopy {
 public:
  /// `tag` is of this copy alone, also among processes of this node that are over.
  static Result<std::unique_ptr<SnapshotCopy>> begin(const SnapshotStore& store, const RunUid& run,
                                                     const SnapshotFile& file,
                                                     const std::string& tag);
  ~SnapshotCopy();

  /// More than the file has is counted, and not written.
  Result<> append(std::string_view bytes);
  /// Whether what came is the file that is meant: `corrupt` with what differs.
  Result<> whole() const;
  /// Puts it in its place, durably. Requires that it is whole.
  Result<> finish();

 private:
  SnapshotCopy(const SnapshotStore& store, const RunUid& run, SnapshotFile file, std::string path,
               const std::string& tag);

  const SnapshotStore store_;
  const RunUid run_;
  const SnapshotFile file_;
  const std::string path_;
  const std::string temporary_;
  std::unique_ptr<WritableFile> out_;
  const std::unique_ptr<XXH3_state_s, void (*)(XXH3_state_s*)> hash_;
  std::uint64_t bytes_ = 0;
  bool finished_ = false;
};

}  // namespace troupe
