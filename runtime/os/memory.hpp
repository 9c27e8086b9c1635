#pragma once

#include <cstdint>

namespace troupe {

/// The door to the allocator: how this process holds memory. `main` calls it first, before there
/// are threads; what embeds a node decides for itself.
///
/// Batches are made by one thread and given back by another, a few MB at a time, again and again.
/// Arrow's own allocator keeps what each thread has given back apart, and returns pages so early
/// that a warm engine spends a quarter of its time having them cleared; the C library's does not,
/// provided that there are few arenas and that it keeps what will be needed again at once.
void arrange_memory();

/// As long as one lives, something here runs that may use `bytes`. What the allocator keeps counts
/// for the system as used: where all limits together leave little room for it, blocks go back as
/// soon as they are free, which costs a fifth of the CPU of what spills. Changes nothing where
/// `arrange_memory` was not called.
class AllocatorLimit {
 public:
  explicit AllocatorLimit(std::int64_t bytes);
  ~AllocatorLimit();
  AllocatorLimit(const AllocatorLimit&) = delete;
  AllocatorLimit& operator=(const AllocatorLimit&) = delete;

  /// With as much in all limits together, the allocator keeps what it likes to keep.
  static constexpr std::int64_t ample_bytes = std::int64_t{2} << 30;

 private:
  const std::int64_t bytes_;
};

}  // namespace troupe
