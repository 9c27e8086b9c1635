#include "runtime/os/memory.hpp"

#include <algorithm>
#include <cstdlib>
#include <malloc.h>
#include <mutex>
#include <thread>

namespace troupe {
namespace {

/// Free memory at the end of an arena beyond this is returned to the system...
constexpr int kept_bytes_max = 128 << 20;
constexpr int kept_bytes_max_tight = 16 << 20;
/// Larger blocks are mapped one by one and returned as soon as they are free; the C library allows
/// no more.
constexpr int mapped_bytes_min = 32 << 20;
constexpr int mapped_bytes_min_tight = 512 << 10;

/// A global, because the allocator is one, too: its settings count for the whole process.
struct Settings {
  std::mutex mutex;
  bool arranged = false;
  bool tight = false;
  std::int64_t limits = 0;  ///< together
  int count = 0;
};

Settings& settings() {
  static Settings the_only_ones;
  return the_only_ones;
}

void keep(bool little) {
  mallopt(M_TRIM_THRESHOLD, little ? kept_bytes_max_tight : kept_bytes_max);
  mallopt(M_MMAP_THRESHOLD, little ? mapped_bytes_min_tight : mapped_bytes_min);
  if (little) malloc_trim(0);  // the new thresholds do not return memory that is free already
}

/// Called with the lock held.
void settle(Settings& now) {
  const bool tight = now.count > 0 && now.limits < AllocatorLimit::ample_bytes;
  if (!now.arranged || tight == now.tight) return;
  now.tight = tight;
  keep(tight);
}

}  // namespace

void arrange_memory() {
  // Arrow reads it when memory is first asked for. Does not overwrite it: a user who has set it
  // knows better.
  setenv("ARROW_DEFAULT_MEMORY_POOL", "system", 0);
  // The default is eight arenas per core: memory that is free in one is no use to the others.
  mallopt(M_ARENA_MAX, static_cast<int>(std::max(1u, std::thread::hardware_concurrency())));
  keep(false);
  std::lock_guard lock(settings().mutex);
  settings().arranged = true;
}

AllocatorLimit::AllocatorLimit(std::int64_t bytes) : bytes_(bytes) {
  Settings& now = settings();
  std::lock_guard lock(now.mutex);
  now.limits += bytes_;
  ++now.count;
  settle(now);
}

AllocatorLimit::~AllocatorLimit() {
  Settings& now = settings();
  std::lock_guard lock(now.mutex);
  now.limits -= bytes_;
  --now.count;
  settle(now);
}

}  // namespace troupe
