#pragma once

#include "runtime/state/snapshot_file.hpp"

#include <cstddef>

namespace troupe {

/// Live files of a task at most: an acknowledgement lists them all in one control frame. A task
/// that has taken over more of them from several others merges them before its first
/// acknowledgement.
inline constexpr std::size_t live_files_max = 64;
/// From here on files are merged whatever it costs: a merge takes several epochs, and each of them
/// adds a file.
inline constexpr std::size_t live_files_many = 40;
/// Fewer files are not worth a merge.
inline constexpr std::size_t merged_files_min = 4;
/// Files that differ by less than this factor are of one size.
inline constexpr std::uint64_t tier_factor = 4;
/// All files up to this size are of one size: what they cost is the file, not its bytes.
inline constexpr std::uint64_t smallest_tier_bytes = std::uint64_t{64} << 10;

/// Files [begin, end) of a list; none where `begin == end`.
struct MergeChoice {
  std::size_t begin = 0;
  std::size_t end = 0;

  explicit operator bool() const { return begin < end; }
  friend bool operator==(const MergeChoice&, const MergeChoice&) = default;
};

/// Which files of a task's list (the oldest first) to merge now. Asked after each epoch; one merge
/// a task runs at a time. Only neighbours are merged, since later rows hide earlier ones.
///
/// By size, because a row should not be written often: four files of about one size become one of
/// the next, so a change is written once a tier, log4(state / change of an epoch) times in its
/// life. And a restore should not read much more than there is: once what came after the oldest
/// file is as large as it, everything is merged, so a restore reads about twice the state, and
/// deletions and expired rows end. While state grows this doubles the oldest file each time, which
/// costs one more writing of each row. Where there are still too many files (sizes that go up and
/// down), the neighbours go that cost the fewest bytes for each file less.
MergeChoice files_to_merge(const SnapshotFiles& list);

}  // namespace troupe
