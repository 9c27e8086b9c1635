#pragma once

#include <cstdint>

namespace troupe {

/// Sets up the allocator of this process. `main` calls it first, before there are threads; a
/// program that embeds a node decides for itself.
///
/// One thread makes a batch and another one frees it, a few MB at a time, again and again. Arrow's
/// own allocator keeps the memory that each thread has freed apart, and returns pages to the system
/// so early that a warm engine spends a quarter of its time on clearing new ones. The C library's
/// allocator does not, if it has few arenas and keeps memory that will be needed again at once.
void arrange_memory();

/// While one lives, something in this process runs that may use `bytes`. Free memory that the
/// allocator keeps still counts as used by the process. If all limits together leave little room
/// for it, blocks go back to the system as soon as they are free, which costs a fifth of the CPU
/// time of a job that spills. Changes nothing if `arrange_memory` was not called.
class AllocatorLimit {
 public:
  explicit AllocatorLimit(std::int64_t bytes);
  ~AllocatorLimit();
  AllocatorLimit(const AllocatorLimit&) = delete;
  AllocatorLimit& operator=(const AllocatorLimit&) = delete;

  /// If all limits together are at least this, the allocator may keep free memory.
  static constexpr std::int64_t ample_bytes = std::int64_t{2} << 30;

 private:
  const std::int64_t bytes_;
};

}  // namespace troupe
